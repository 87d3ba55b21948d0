/* Words and statements of configuration text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "uci.h"

/* ---- what names may hold ---- */

static bool is_word_character(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_name(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (!is_word_character((unsigned char)*s))
			return false;
	return true;
}

bool is_package(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (!is_word_character((unsigned char)*s) && *s != '-')
			return false;
	return true;
}

/* All that can be seen in ASCII, without blanks. */
bool is_type(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (*s < 33 || *s > 126)
			return false;
	return true;
}

bool is_text(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 32 && *s != '\t' && *s != '\n' && *s != '\r')
			return false;
	return true;
}

enum error parse_target(char *s, struct target *to)
{
	memset(to, 0, sizeof(*to));
	char *equals = strchr(s, '=');
	if (equals) {
		*equals = '\0';
		to->value = equals + 1;
	}
	to->package = strsep(&s, ".");
	to->section = strsep(&s, ".");
	to->option = strsep(&s, ".");
	if (s || !is_package(to->package) || (to->option && !is_name(to->option)) ||
	    (to->value && !is_text(to->value)))
		return fail(PARSE, NULL);
	to->extended = to->section && !is_name(to->section);
	return OK;
}

/* ---- words ---- */

struct text text_of(const char *from, size_t length)
{
	return (struct text){.at = from, .end = from + length, .line_start = from, .line = 1};
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }

/* The word that is being read. Longer than most, as only a copy of its real length is kept. */
static char *word_buffer;
static size_t word_size, word_length;

static void put(char c)
{
	if (word_length + 1 >= word_size) {
		word_size = word_size ? word_size * 2 : 256;
		word_buffer = realloc(word_buffer, word_size);
		if (!word_buffer) {
			complain(NO_MEMORY);
			exit(1);
		}
	}
	word_buffer[word_length++] = c;
}

static void new_line(struct text *t)
{
	t->at++;
	t->line++;
	t->line_start = t->at;
}

static enum word bad(struct text *t, const char *reason)
{
	t->reason = reason;
	return BAD;
}

/* Takes a backslash and what it stands before: itself, or a line end, which both vanish. */
static enum word escaped(struct text *t)
{
	t->at++;
	if (t->end - t->at >= 2 && t->at[0] == '\r' && t->at[1] == '\n')
		t->at++;
	if (t->at == t->end)
		return OPEN;
	if (*t->at == '\n') {
		new_line(t);
		return t->at == t->end ? OPEN : WORD;
	}
	put(*t->at++);
	return WORD;
}

static enum word quoted(struct text *t, char quote)
{
	const struct text opened = *t;
	t->at++;
	while (t->at < t->end) {
		char c = *t->at;
		if (c == quote) {
			t->at++;
			return WORD;
		}
		if (c == '\0')
			return bad(t, "NUL byte");
		if (c == '\\' && quote == '"') {
			if (escaped(t) == OPEN)
				break;
			continue;
		}
		put(c);
		if (c == '\n')
			new_line(t);
		else
			t->at++;
	}
	/* Where it began is what has to be looked at, and where reading may go on. */
	*t = opened;
	t->reason = quote == '"' ? "EOF with unterminated \"" : "EOF with unterminated '";
	return OPEN;
}

/*
 * Takes the next word of the statement: END when there is none, with t->at at what ends it. Parts in '…', in "…" and
 * without quotes may be put together to one word.
 */
enum word next_word(struct text *t, char **word)
{
	bool have = false;
	t->reason = NULL;
	word_length = 0;
	for (;;) {
		char c = t->at == t->end ? '\n' : *t->at;
		if (is_blank(c)) {
			if (have)
				break;
			t->at++;
			continue;
		}
		if (c == '\n' || c == ';' || c == '#')
			break;
		enum word result = WORD;
		if (c == '\0')
			return bad(t, "NUL byte");
		if (c == '\'' || c == '"') {
			result = quoted(t, c);
			have = true;
		} else if (c == '\\') {
			size_t before = word_length;
			result = escaped(t);
			have = have || word_length > before;
		} else {
			put(c);
			t->at++;
			have = true;
		}
		if (result != WORD)
			return result;
	}
	if (!have)
		return END;
	*word = take_string(word_buffer, word_length);
	return WORD;
}

/* Passes over what ends a statement. */
void end_statement(struct text *t)
{
	if (t->at < t->end && *t->at == '#')
		while (t->at < t->end && *t->at != '\n')
			t->at++;
	if (t->at == t->end)
		return;
	if (*t->at == '\n')
		new_line(t);
	else
		t->at++;
}

/* ---- statements of a configuration ---- */

struct reader {
	struct package *package;
	struct package **packages; /* where new ones go, or NULL */
	struct section *section;
	bool strict;
};

/* A word that may be missing, "" then. */
static bool optional(struct text *t, char **word)
{
	enum word result = next_word(t, word);
	if (result == END)
		*word = take_string("", 0);
	if (result == OPEN && !t->reason)
		t->reason = "EOF after a backslash";
	return result == WORD || result == END;
}

static bool required(struct text *t, char **word)
{
	if (!optional(t, word))
		return false;
	if (!**word)
		t->reason = "insufficient arguments";
	return **word;
}

static bool nothing_more(struct text *t, const struct reader *r)
{
	char *word;
	enum word result;
	while ((result = next_word(t, &word)) == WORD)
		if (*word && r->strict) {
			t->reason = "too many arguments";
			return false;
		}
	if (result == OPEN && !t->reason)
		t->reason = "EOF after a backslash";
	return result == END;
}

static enum error wrong(struct text *t, const char *reason)
{
	t->reason = reason;
	return PARSE;
}

static enum error package_statement(struct text *t, struct reader *r)
{
	char *name;
	if (!required(t, &name))
		return PARSE;
	if (!is_package(name))
		return wrong(t, "invalid character in name field");
	if (!nothing_more(t, r))
		return PARSE;
	if (!r->packages)
		return OK;
	struct package **end = r->packages;
	for (; *end; end = &(*end)->next)
		if (strcmp((*end)->name, name) == 0)
			return fail(DUPLICATE, " (package %s)", name);
	r->package = *end = new_package(name);
	r->section = NULL;
	return OK;
}

static enum error config_statement(struct text *t, struct reader *r)
{
	char *type, *name;
	if (!r->package)
		return wrong(t, "attempting to import a file without a package name");
	if (!required(t, &type))
		return PARSE;
	if (!is_type(type))
		return wrong(t, "invalid character in type field");
	if (!optional(t, &name))
		return PARSE;
	if (*name && !is_name(name))
		return wrong(t, "invalid character in name field");
	if (!nothing_more(t, r))
		return PARSE;
	if (!*name) {
		r->section = add_section(r->package, type);
		return OK;
	}
	struct section *other = find_section(r->package, name);
	if (other && r->strict && strcmp(other->type, type) != 0)
		return wrong(t, "section of different type overwrites prior section with same name");
	r->section = set_section(r->package, name, type);
	return OK;
}

static enum error option_statement(struct text *t, struct reader *r, bool list)
{
	char *name, *value;
	if (!r->section)
		return wrong(t, "option/list command found before the first section");
	if (!required(t, &name))
		return PARSE;
	if (!is_name(name))
		return wrong(t, "invalid character in name field");
	if (!optional(t, &value) || !nothing_more(t, r))
		return PARSE;
	if (list)
		add_to_list(r->package, r->section, name, value);
	else if (*value)
		set_option(r->package, r->section, name, value);
	return OK;
}

static enum error statement(struct text *t, struct reader *r)
{
	const char *from = t->at;
	while (t->at < t->end && !is_blank(*t->at) && *t->at != '\n')
		t->at++;
	size_t length = (size_t)(t->at - from);
#define IS(word) (length == sizeof(word) - 1 && memcmp(from, word, length) == 0)
	if (IS("config") || IS("c"))
		return config_statement(t, r);
	if (IS("option") || IS("o"))
		return option_statement(t, r, false);
	if (IS("list") || IS("l"))
		return option_statement(t, r, true);
	if (IS("package") || IS("p"))
		return package_statement(t, r);
#undef IS
	t->at = from;
	return wrong(t, "invalid command");
}

enum error read_configuration(struct text *t, struct package *into, struct package **packages, bool strict,
                              const char *origin)
{
	struct reader r = {.package = into, .packages = packages, .strict = strict};
	while (t->at < t->end) {
		if (is_blank(*t->at)) {
			t->at++;
			continue;
		}
		if (*t->at == '\n' || *t->at == ';' || *t->at == '#') {
			end_statement(t);
			continue;
		}
		enum error error = statement(t, &r);
		if (error == PARSE)
			fail(PARSE, " (%s) at line %u, byte %zu%s%s", t->reason, t->line,
			     (size_t)(t->at - t->line_start), origin ? " of " : "", origin ? origin : "");
		if (error && (strict || error != PARSE))
			return error;
		if (error) {
			complain(error);
			while (t->at < t->end && *t->at != '\n')
				t->at++;
		}
	}
	return OK;
}

/* ---- saved changes ---- */

/* Takes one change apart: [command]package.section[.option][='value']. False when it is none. */
static bool parse_change(char *word, enum command *command, struct target *to)
{
	*command = SET;
	if (*word && strchr("+-@^|~", *word))
		*command = (enum command)*word++;
	if (parse_target(word, to) != OK || !to->section || to->extended)
		return false;
	if (*command != REMOVE && !to->value)
		return false;
	switch (*command) {
	case REORDER: return !to->option;
	case RENAME: return is_name(to->value);
	case LIST_ADD:
	case LIST_DEL: return to->option;
	default: return true;
	}
}

static enum error apply(enum command command, struct target *to)
{
	enum error error = locate(to);
	if (error)
		return error;
	switch (command) {
	case REORDER: return reorder_target(to);
	case RENAME: return rename_target(to);
	case REMOVE: return delete_target(to);
	case LIST_ADD: return add_list_target(to);
	case LIST_DEL: return del_list_target(to);
	case ADD:
	case SET: break;
	}
	error = set_target(to);
	if (!error && command == ADD && !to->option && to->s)
		to->s->anonymous = true;
	return error;
}

void replay_changes(struct text *t, struct package *p)
{
	bool record = p->record;
	p->record = false;
	while (t->at < t->end) {
		char *word, *more;
		struct target to;
		enum command command;
		/* One word, and nothing behind it. */
		bool sound = next_word(t, &word) == WORD && next_word(t, &more) == END &&
			     (t->at == t->end || *t->at == '\n') && parse_change(word, &command, &to) &&
			     strcmp(to.package, p->name) == 0;
		if (sound) {
			keep_change(&p->saved, command, to.section, to.option, to.value);
			to.p = p;
			if (apply(command, &to) == OK)
				p->replayed++;
		}
		while (t->at < t->end && *t->at != '\n')
			t->at++;
		end_statement(t);
	}
	p->record = record;
}
