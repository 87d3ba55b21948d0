/* The command line of uci. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "uci.h"

/* Exit codes beside those of `enum error`. */
#define FAILED 1
#define USAGE 255
/* Words that a line of a batch may have. */
#define MAX_WORDS 4

bool quiet;
static const char *program, *delimiter = " ", *input_path;
static bool strict = true, merge, name_all, no_commit, extended = true, in_batch;
static char detail[512];

static const char *const messages[] = {
    [OK] = "Success",
    [NO_MEMORY] = "Out of memory",
    [INVALID] = "Invalid argument",
    [NOT_FOUND] = "Entry not found",
    [IO] = "I/O error",
    [PARSE] = "Parse error",
    [DUPLICATE] = "Duplicate entry",
};

enum error fail(enum error error, const char *format, ...)
{
	detail[0] = '\0';
	if (format) {
		va_list arguments;
		va_start(arguments, format);
		vsnprintf(detail, sizeof(detail), format, arguments);
		va_end(arguments);
	}
	return error;
}

void complain(enum error error)
{
	fflush(stdout);
	if (!quiet)
		fprintf(stderr, "%s: %s%s\n", program, messages[error], detail);
	detail[0] = '\0';
}

/* Complains if there is something to complain about; the exit code. */
static int done(enum error error)
{
	if (error)
		complain(error);
	return error ? FAILED : 0;
}

static void usage(void)
{
	fprintf(stderr,
	        "Usage: %s [<options>] <command> [<arguments>]\n\n"
	        "Commands:\n"
	        "\tbatch\n"
	        "\texport     [<config>]\n"
	        "\timport     [<config>]\n"
	        "\tchanges    [<config>]\n"
	        "\tcommit     [<config>]\n"
	        "\tadd        <config> <section-type>\n"
	        "\tadd_list   <config>.<section>.<option>=<string>\n"
	        "\tdel_list   <config>.<section>.<option>=<string>\n"
	        "\tshow       [<config>[.<section>[.<option>]]]\n"
	        "\tget        <config>.<section>[.<option>]\n"
	        "\tset        <config>.<section>[.<option>]=<value>\n"
	        "\tdelete     <config>[.<section>[[.<option>][=<id>]]]\n"
	        "\trename     <config>.<section>[.<option>]=<name>\n"
	        "\trevert     <config>[.<section>[.<option>]]\n"
	        "\treorder    <config>.<section>=<position>\n"
	        "\nOptions:\n"
	        "\t-c <path>  directory of the configuration files (default: /etc/config)\n"
	        "\t-C <path>  directory of files that replace these (default: /var/run/uci)\n"
	        "\t-d <str>   what separates the values of a list in show and get\n"
	        "\t-f <file>  read import and batch from a file, not from standard input\n"
	        "\t-m         import into an existing configuration, as changes\n"
	        "\t-n         give unnamed sections their internal names in export\n"
	        "\t-N         leave unnamed sections unnamed in export (default)\n"
	        "\t-p <path>  one more directory with changes to read\n"
	        "\t-P <path>  directory with changes, read and written; commit does nothing\n"
	        "\t-t <path>  directory with changes, read and written (default: /tmp/.uci)\n"
	        "\t-q         print no error messages\n"
	        "\t-s         stop at errors in configuration files (default)\n"
	        "\t-S         go on after errors in configuration files\n"
	        "\t-X         show internal names instead of @type[n]\n\n",
	        program);
}

/* ---- what is shown ---- */

static void show_value(const struct option *o, bool quote)
{
	if (!o->list) {
		if (quote)
			print_quoted(stdout, o->values->text);
		else
			fputs(o->values->text, stdout);
	}
	for (const struct value *v = o->list ? o->values : NULL; v; v = v->next) {
		/* A value with blanks could not be told from two. */
		if (quote || strpbrk(v->text, " \t\r\n"))
			print_quoted(stdout, v->text);
		else
			fputs(v->text, stdout);
		if (v->next)
			fputs(delimiter, stdout);
	}
	putchar('\n');
}

static void show_option(const struct package *p, const char *section, const struct option *o)
{
	printf("%s.%s.%s=", p->name, section, o->name);
	show_value(o, true);
}

static void show_section(const struct package *p, const char *name, const struct section *s)
{
	printf("%s.%s=%s\n", p->name, name, s->type);
	for (const struct option *o = s->options; o; o = o->next)
		show_option(p, name, o);
}

static void show_package(const struct package *p)
{
	for (const struct section *s = p->sections; s; s = s->next) {
		if (!s->anonymous || !extended) {
			show_section(p, s->name, s);
			continue;
		}
		unsigned index = 0;
		for (const struct section *other = p->sections; other != s; other = other->next)
			index += strcmp(other->type, s->type) == 0;
		size_t size = strlen(s->type) + 16;
		char *name = take(size);
		snprintf(name, size, "@%s[%u]", s->type, index);
		show_section(p, name, s);
	}
}

static void show_changes(const struct package *p)
{
	for (const struct change *c = p->saved; c; c = c->next) {
		printf("%s%s.%s", c->command == REMOVE ? "-" : "", p->name, c->section);
		if (c->option)
			printf(".%s", c->option);
		if (c->command != REMOVE) {
			fputs(c->command == LIST_ADD ? "+=" : c->command == LIST_DEL ? "-=" : "=", stdout);
			print_quoted(stdout, c->value);
		}
		putchar('\n');
	}
}

/* ---- commands for one package or all of them ---- */

enum whole { SHOW, CHANGES, EXPORT, COMMIT };

static int one_package(enum whole what, char *name)
{
	struct target t;
	int code = 0;
	enum error error = parse_target(name, &t);
	if (error)
		return done(error);
	error = open_package(t.package, what == COMMIT && !no_commit ? CHANGE : LOOK, strict, &t.p);
	if (!error)
		error = locate(&t);
	if (!error && what == SHOW && !t.complete)
		error = fail(NOT_FOUND, NULL);
	if (error) {
		code = done(error);
	} else if (what == CHANGES) {
		show_changes(t.p);
	} else if (what == EXPORT) {
		printf("package %s\n", t.p->name);
		print_package(stdout, t.p, name_all);
	} else if (what == SHOW) {
		if (t.o)
			show_option(t.p, t.section, t.o);
		else if (t.s)
			show_section(t.p, t.section, t.s);
		else
			show_package(t.p);
	} else if (!no_commit) {
		code = done(commit_package(t.p, name_all));
		/* What is pending and was not written must not look written. */
		if (code)
			code = -FAILED;
	}
	close_package(t.p);
	return code;
}

static int whole_packages(enum whole what, int count, char **words)
{
	if (count > 2)
		return USAGE;
	if (count == 2)
		return one_package(what, words[1]) ? FAILED : 0;
	char **names = configurations();
	if (!names)
		return done(fail(NOT_FOUND, NULL));
	/* A file that cannot be read is complained about, and keeps nobody from the others. */
	int code = 0;
	for (; *names; names++)
		if (one_package(what, *names) < 0)
			code = FAILED;
	return code;
}

/* ---- commands that change something ---- */

static int add(int count, char **words)
{
	if (count != 3)
		return USAGE;
	struct package *p = NULL;
	enum error error = is_package(words[1]) ? OK : fail(INVALID, NULL);
	if (!error)
		error = open_package(words[1], CHANGE, strict, &p);
	if (!error && !is_type(words[2]))
		error = fail(INVALID, NULL);
	if (!error) {
		struct section *s = add_section(p, words[2]);
		error = save_changes(p);
		if (!error)
			printf("%s\n", s->name);
	}
	close_package(p);
	if (error)
		complain(error);
	return (int)error;
}

static int get(int count, char **words)
{
	if (count != 2)
		return USAGE;
	struct target t;
	enum error error = parse_target(words[1], &t);
	if (!error)
		error = open_package(t.package, LOOK, strict, &t.p);
	if (!error)
		error = locate(&t);
	if (error)
		complain(error);
	int code = error || t.value ? FAILED : 0;
	if (!code && !t.complete)
		code = done(fail(NOT_FOUND, NULL));
	else if (!code && t.o)
		show_value(t.o, false);
	else if (!code && t.s)
		printf("%s\n", t.s->type);
	close_package(t.p);
	return code;
}

static int revert(int count, char **words)
{
	if (count != 2)
		return USAGE;
	struct target t;
	enum error error = parse_target(words[1], &t);
	if (!error && t.value)
		return FAILED;
	if (!error)
		error = open_package(t.package, CHANGE, strict, &t.p);
	if (!error)
		error = locate(&t);
	if (!error)
		error = revert_changes(t.p, t.section, t.option);
	close_package(t.p);
	return done(error);
}

static bool is_number(const char *s)
{
	char *end;
	strtol(s, &end, 10);
	return end != s;
}

static int change(enum error (*how)(struct target *), int count, char **words)
{
	if (count != 2)
		return USAGE;
	struct target t;
	enum error error = parse_target(words[1], &t);
	if (!error)
		error = open_package(t.package, CHANGE, strict, &t.p);
	if (!error)
		error = locate(&t);
	/* What to take out of a list is said by a number; without one OpenWrt fails and is silent. */
	bool nonsense = !error && how == delete_target && t.value && !is_number(t.value);
	if (!error && !nonsense)
		error = how(&t);
	if (!error && !nonsense)
		error = save_changes(t.p);
	close_package(t.p);
	return nonsense ? FAILED : done(error);
}

static int import(int count, char **words)
{
	char *name = count == 2 ? words[1] : NULL, *content;
	size_t length;
	if (count > 2 || (merge && !name))
		return USAGE;
	if (name && !is_package(name))
		return done(fail(INVALID, NULL));
	struct package *p = NULL, *packages = NULL;
	enum error error = read_all(input_path, &content, &length);
	if (!error && merge) {
		error = open_package(name, CHANGE, strict, &p);
		if (error == NOT_FOUND) {
			p = NULL;
			error = OK;
		}
	}
	/* All is read before anything is written. */
	bool merges = p;
	if (!error && name && !merges)
		p = packages = new_package(name);
	if (!error) {
		struct text t = text_of(content, length);
		error = read_configuration(&t, p, name ? NULL : &packages, strict, NULL);
	}
	if (!error && merges)
		error = save_changes(p);
	for (struct package *each = packages; !error && each; each = each->next)
		error = write_package(each, name_all);
	close_package(merges ? p : NULL);
	return done(error);
}

/* ---- batch ---- */

static int run(int count, char **words);

/*
 * Reads the words of the next statement, line by line, so that a person may type them. False at the end of the input.
 * A quote may go on in the next lines.
 */
static bool read_statement(FILE *input, char **buffer, size_t *size, struct text *rest, char **words, int *count)
{
	size_t used = (size_t)(rest->end - rest->at);
	if (used)
		memmove(*buffer, rest->at, used);
	bool more = used == 0;
	for (;;) {
		ssize_t n = 0;
		if (more) {
			char *line = NULL;
			size_t line_size = 0;
			n = getline(&line, &line_size, input);
			if (n > 0) {
				if (used + (size_t)n > *size) {
					*size = (used + (size_t)n) * 2;
					*buffer = realloc(*buffer, *size);
					if (!*buffer) {
						complain(NO_MEMORY);
						exit(FAILED);
					}
				}
				memcpy(*buffer + used, line, (size_t)n);
				used += (size_t)n;
			}
			free(line);
			if (n <= 0 && used == 0)
				return false;
		}
		*rest = text_of(*buffer, used);
		char *word;
		enum word result;
		*count = 0;
		while ((result = next_word(rest, &word)) == WORD) {
			if (*count <= MAX_WORDS)
				words[*count] = word;
			++*count;
		}
		if (result == OPEN && (!more || n > 0)) {
			more = true;
			continue;
		}
		if (result == END) {
			end_statement(rest);
		} else if (rest->reason) {
			complain(fail(PARSE, " (%s)", rest->reason));
			rest->at = rest->end;
			*count = 0;
		}
		return true;
	}
}

static int batch(void)
{
	FILE *input = input_path ? fopen(input_path, "re") : stdin;
	if (!input)
		return done(fail(IO, " (opening %s: %s)", input_path, strerror(errno)));
	char *words[MAX_WORDS + 1], *buffer = NULL;
	int count;
	size_t size = 0;
	struct text rest = text_of("", 0);
	in_batch = true;
	while (read_statement(input, &buffer, &size, &rest, words, &count)) {
		if (count >= MAX_WORDS) {
			if (!quiet)
				fprintf(stderr, "Too many arguments\n");
		} else if (count > 0) {
			if (strcasecmp(words[0], "exit") == 0)
				break;
			if (run(count, words) == USAGE && !quiet)
				fprintf(stderr, "Unknown command\n");
		}
		fflush(stdout);
		release_all();
	}
	free(buffer);
	if (input != stdin)
		fclose(input);
	return 0;
}

static int run(int count, char **words)
{
	static const struct {
		const char *name;
		enum error (*how)(struct target *);
	} changing[] = {
	    {"set", set_target},          {"add_list", add_list_target}, {"del_list", del_list_target},
	    {"delete", delete_target},    {"del", delete_target},        {"rename", rename_target},
	    {"ren", rename_target},       {"reorder", reorder_target},
	};
	const char *command = words[0];
	for (size_t i = 0; i < sizeof(changing) / sizeof(*changing); i++)
		if (strcasecmp(command, changing[i].name) == 0)
			return change(changing[i].how, count, words);
	if (strcasecmp(command, "get") == 0)
		return get(count, words);
	if (strcasecmp(command, "show") == 0)
		return whole_packages(SHOW, count, words);
	if (strcasecmp(command, "changes") == 0)
		return whole_packages(CHANGES, count, words);
	if (strcasecmp(command, "export") == 0)
		return whole_packages(EXPORT, count, words);
	if (strcasecmp(command, "commit") == 0)
		return whole_packages(COMMIT, count, words);
	if (strcasecmp(command, "add") == 0)
		return add(count, words);
	if (strcasecmp(command, "revert") == 0)
		return revert(count, words);
	if (strcasecmp(command, "import") == 0)
		return import(count, words);
	if (strcasecmp(command, "batch") == 0 && !in_batch)
		return batch();
	if (strcasecmp(command, "help") == 0) {
		usage();
		return 0;
	}
	return USAGE;
}

int main(int argc, char **argv)
{
	int c;
	program = argv[0];
	while ((c = getopt(argc, argv, "+c:C:d:f:LmnNp:P:qsSt:X")) != -1)
		switch (c) {
		case 'c': config_directory = optarg; break;
		case 'C': override_directory = optarg; break;
		case 'd': delimiter = optarg; break;
		case 'f': input_path = optarg; break;
		case 'L': break; /* plugins, which there are none of */
		case 'm': merge = true; break;
		case 'n': name_all = true; break;
		case 'N': name_all = false; break;
		case 'p': add_change_path(optarg, false); break;
		case 'P':
			add_change_path(optarg, true);
			no_commit = true;
			break;
		case 'q': quiet = true; break;
		case 's': strict = true; break;
		case 'S': strict = false; break;
		case 't': add_change_path(optarg, true); break;
		case 'X': extended = false; break;
		default: usage(); return 0;
		}
	if (optind == argc) {
		usage();
		return 0;
	}
	int code = run(argc - optind, argv + optind);
	if (code == USAGE)
		usage();
	if (fflush(stdout) != 0 || ferror(stdout)) {
		complain(fail(IO, " (writing the output: %s)", strerror(errno)));
		code = code ? code : FAILED;
	}
	return code;
}
