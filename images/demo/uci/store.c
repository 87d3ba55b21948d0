/*
 * The files of a configuration: /etc/config/NAME, and /tmp/.uci/NAME with the changes that are not committed.
 *
 * What is promised: a configuration file is the old one or the new one, whole, whatever happens in between; a command
 * that changes something sees what the others before it saved. The lock for the latter is the file of saved changes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "uci.h"

#define MAX_PATHS 16

const char *config_directory = "/etc/config";
/* A file in here stands in for the one of the same name in the configuration directory. */
const char *override_directory = "/var/run/uci";
const char *save_directory = "/tmp/.uci";

/* Directories with changes to read, the save directory last. */
static const char *change_paths[MAX_PATHS] = {"/tmp/.uci"};
static size_t change_path_count = 1;

void add_change_path(const char *directory, bool as_save_directory)
{
	size_t i, at = 0;
	for (i = 0; i < change_path_count; i++)
		if (strcmp(change_paths[i], directory) != 0)
			change_paths[at++] = change_paths[i];
		else if (!as_save_directory)
			return;
	change_path_count = at;
	if (change_path_count == MAX_PATHS)
		return;
	if (as_save_directory) {
		change_paths[change_path_count] = save_directory = directory;
	} else {
		change_paths[change_path_count] = change_paths[change_path_count - 1];
		change_paths[change_path_count - 1] = directory;
	}
	change_path_count++;
}

static char *join(const char *directory, const char *name)
{
	size_t length = strlen(directory) + strlen(name) + 2;
	char *path = take(length);
	snprintf(path, length, "%s/%s", directory, name);
	return path;
}

static enum error failed(const char *what, const char *path)
{
	return fail(IO, " (%s %s: %s)", what, path, strerror(errno));
}

/* ---- reading ---- */

static enum error read_descriptor(int fd, const char *path, char **content, size_t *length)
{
	size_t size = 4096, used = 0;
	char *buffer = take(size);
	for (;;) {
		ssize_t n = read(fd, buffer + used, size - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return failed("reading", path);
		used += (size_t)n;
		if (n == 0)
			break;
		if (used == size) {
			char *larger = take(size * 2);
			memcpy(larger, buffer, used);
			buffer = larger;
			size *= 2;
		}
	}
	*content = buffer;
	*length = used;
	return OK;
}

enum error read_all(const char *path, char **content, size_t *length)
{
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	if (fd < 0)
		return failed("opening", path);
	enum error error = read_descriptor(fd, path ? path : "standard input", content, length);
	if (path)
		close(fd);
	return error;
}

static bool is_file(const char *path)
{
	struct stat s;
	return stat(path, &s) == 0 && S_ISREG(s.st_mode);
}

static char *configuration_path(const char *name)
{
	if (override_directory && *override_directory) {
		char *path = join(override_directory, name);
		if (is_file(path))
			return path;
	}
	return join(config_directory, name);
}

/* Opens and locks a file; again if it was replaced by another while this waited. -1 with errno set on failure. */
static int open_locked(const char *path, int flags, mode_t mode, int lock)
{
	for (;;) {
		struct stat opened, named;
		int fd = open(path, flags | O_CLOEXEC, mode);
		if (fd < 0)
			return -1;
		while (flock(fd, lock) != 0)
			if (errno != EINTR) {
				close(fd);
				return -1;
			}
		if (fstat(fd, &opened) == 0 && stat(path, &named) == 0 && opened.st_ino == named.st_ino &&
		    opened.st_dev == named.st_dev)
			return fd;
		close(fd);
	}
}

static enum error lock_changes(struct package *p, enum intent intent)
{
	struct stat s;
	char *path = join(save_directory, p->name);
	if (intent == CHANGE && stat(save_directory, &s) != 0 && mkdir(save_directory, 0700) != 0 && errno != EEXIST)
		return failed("making", save_directory);
	p->lock = intent == CHANGE ? open_locked(path, O_RDWR | O_CREAT, 0600, LOCK_EX)
	                           : open_locked(path, O_RDONLY, 0, LOCK_SH);
	/* Who only looks is content without the file. */
	if (p->lock < 0 && intent == CHANGE)
		return failed("opening", path);
	return OK;
}

static enum error read_changes(struct package *p, const char *directory)
{
	char *content, *path = join(directory, p->name);
	size_t length;
	enum error error;
	if (strcmp(directory, save_directory) == 0) {
		if (p->lock < 0)
			return OK;
		error = read_descriptor(p->lock, path, &content, &length);
	} else {
		if (!is_file(path))
			return OK;
		error = read_all(path, &content, &length);
	}
	if (error)
		return error;
	struct text t = text_of(content, length);
	replay_changes(&t, p);
	return OK;
}

enum error open_package(const char *name, enum intent intent, bool strict, struct package **out)
{
	struct package *p = new_package(name);
	*out = p;
	p->path = configuration_path(name);
	if (!is_file(p->path))
		return fail(NOT_FOUND, NULL);
	enum error error = lock_changes(p, intent);
	if (error)
		return error;
	char *content;
	size_t length;
	error = read_all(p->path, &content, &length);
	if (error)
		return error;
	struct text t = text_of(content, length);
	error = read_configuration(&t, p, NULL, strict, p->path);
	if (error)
		return error;
	for (size_t i = 0; i < change_path_count; i++) {
		struct change **end = &p->saved;
		while (*end)
			end = &(*end)->next;
		error = read_changes(p, change_paths[i]);
		if (error)
			return error;
		p->own = *end;
	}
	p->record = true;
	return OK;
}

void close_package(struct package *p)
{
	if (p && p->lock >= 0)
		close(p->lock);
	if (p)
		p->lock = -1;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

char **configurations(void)
{
	DIR *directory = opendir(config_directory);
	if (!directory)
		return NULL;
	size_t count = 0, size = 32;
	char **names = take(size * sizeof(*names));
	struct dirent *entry;
	while ((entry = readdir(directory))) {
		/* What has a dot in its name, or another character that no configuration has, is none. */
		if (!is_package(entry->d_name) || !is_file(join(config_directory, entry->d_name)))
			continue;
		if (count + 1 == size) {
			char **larger = take(size * 2 * sizeof(*names));
			memcpy(larger, names, count * sizeof(*names));
			names = larger;
			size *= 2;
		}
		names[count++] = take_string(entry->d_name, strlen(entry->d_name));
	}
	closedir(directory);
	if (count == 0)
		return NULL;
	qsort(names, count, sizeof(*names), by_name);
	return names;
}

/* ---- writing ---- */

void print_quoted(FILE *to, const char *value)
{
	putc('\'', to);
	for (; *value; value++)
		if (*value == '\'')
			fputs("'\\''", to);
		else
			putc(*value, to);
	putc('\'', to);
}

/* Types are written bare, as OpenWrt does, unless that would make something else of them when they are read. */
static void print_type(FILE *to, const char *type)
{
	if (type[strspn(type, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.,:/+@%=")])
		print_quoted(to, type);
	else
		fputs(type, to);
}

void print_package(FILE *to, const struct package *p, bool name_all)
{
	for (const struct section *s = p->sections; s; s = s->next) {
		fputs("\nconfig ", to);
		print_type(to, s->type);
		if (name_all || !s->anonymous)
			fprintf(to, " '%s'", s->name);
		putc('\n', to);
		for (const struct option *o = s->options; o; o = o->next)
			for (const struct value *v = o->values; v; v = v->next) {
				fprintf(to, "\t%s %s ", o->list ? "list" : "option", o->name);
				print_quoted(to, v->text);
				putc('\n', to);
			}
	}
	putc('\n', to);
}

/* Removes what a write that was cut short has left of a new file. */
static void remove_leftovers(const char *directory, const char *name)
{
	DIR *opened = opendir(directory);
	struct dirent *entry;
	size_t length = strlen(name);
	while (opened && (entry = readdir(opened))) {
		const char *n = entry->d_name;
		if (*n == '.' && strncmp(n + 1, name, length) == 0 && strncmp(n + 1 + length, ".uci-", 5) == 0 &&
		    strlen(n) == length + 12)
			unlink(join(directory, n));
	}
	if (opened)
		closedir(opened);
}

static enum error fill(int fd, const struct package *p, bool name_all, const struct stat *like)
{
	FILE *file = fdopen(fd, "w");
	if (!file) {
		close(fd);
		return IO;
	}
	bool sound = fchmod(fd, like ? like->st_mode & 07777 : 0600) == 0;
	if (sound && like && fchown(fd, like->st_uid, like->st_gid) != 0)
		sound = errno == EPERM;
	if (sound)
		print_package(file, p, name_all);
	/* The name must never stand for a file whose content is not on the disk yet. */
	sound = sound && fflush(file) == 0 && !ferror(file) && fsync(fd) == 0;
	int error = errno;
	if (fclose(file) != 0 && sound) {
		sound = false;
		error = errno;
	}
	errno = error;
	return sound ? OK : IO;
}

enum error write_package(struct package *p, bool name_all)
{
	if (!p->path)
		p->path = configuration_path(p->name);
	/* Through a symbolic link, the file behind it is the one to replace. */
	char *path = realpath(p->path, NULL), *slash;
	char *target = path ? take_string(path, strlen(path)) : p->path;
	free(path);
	char *directory = take_string(target, strlen(target));
	slash = strrchr(directory, '/');
	const char *name = target + (slash ? slash - directory + 1 : 0);
	if (slash)
		*slash = '\0';
	const char *parent = slash ? (slash == directory ? "/" : directory) : ".";

	int lock = open_locked(target, O_RDONLY, 0, LOCK_EX);
	struct stat old;
	bool replaces = lock >= 0 && fstat(lock, &old) == 0;
	remove_leftovers(parent, name);
	size_t length = strlen(name) + sizeof("..uci-XXXXXX");
	char *temporary = take(length);
	snprintf(temporary, length, ".%s.uci-XXXXXX", name);
	temporary = join(parent, temporary);
	int fd = mkstemp(temporary);
	enum error error = fd < 0 ? IO : fill(fd, p, name_all, replaces ? &old : NULL);
	if (!error && rename(temporary, target) != 0)
		error = IO;
	if (error)
		error = failed("writing", p->path);
	if (error && fd >= 0)
		unlink(temporary);
	if (lock >= 0)
		close(lock);
	return error;
}

static void print_change(FILE *to, const struct package *p, const struct change *c)
{
	if (c->command != SET)
		putc(c->command, to);
	fprintf(to, "%s.%s", p->name, c->section);
	if (c->option)
		fprintf(to, ".%s", c->option);
	if (c->value) {
		putc('=', to);
		print_quoted(to, c->value);
	}
	putc('\n', to);
}

/* The changes as text, in memory, so that it is written with one call. */
static enum error changes_text(const struct package *p, const struct change *from, char **text, size_t *length)
{
	FILE *f = open_memstream(text, length);
	if (!f)
		return NO_MEMORY;
	for (; from; from = from->next)
		print_change(f, p, from);
	return fclose(f) == 0 ? OK : NO_MEMORY;
}

static bool write_whole(int fd, const char *from, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, from, length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		from += n;
		length -= (size_t)n;
	}
	return true;
}

enum error save_changes(struct package *p)
{
	if (!p->fresh)
		return OK;
	char *text, *path = join(save_directory, p->name);
	size_t length;
	enum error error = changes_text(p, p->fresh, &text, &length);
	if (error)
		return error;
	off_t before = lseek(p->lock, 0, SEEK_END);
	if (before < 0 || !write_whole(p->lock, text, length)) {
		error = failed("writing", path);
		/* Half a change would take the next one with it. */
		if (before >= 0 && ftruncate(p->lock, before) != 0)
			error = failed("shortening", path);
	}
	free(text);
	return error;
}

enum error revert_changes(struct package *p, const char *section, const char *option)
{
	struct change *kept = NULL;
	for (struct change *c = p->own; c; c = c->next)
		if ((section && strcmp(section, c->section) != 0) ||
		    (option && (!c->option || strcmp(option, c->option) != 0)))
			keep_change(&kept, c->command, c->section, c->option, c->value);
	char *text, *path = join(save_directory, p->name);
	size_t length;
	enum error error = changes_text(p, kept, &text, &length);
	if (error)
		return error;
	/* It is shorter than what it replaces, so it finds room. */
	if (lseek(p->lock, 0, SEEK_SET) != 0 || !write_whole(p->lock, text, length) ||
	    ftruncate(p->lock, (off_t)length) != 0)
		error = failed("writing", path);
	free(text);
	return error;
}

enum error commit_package(struct package *p, bool name_all)
{
	if (p->replayed == 0)
		return OK;
	/* Between the two steps the changes are in both files; nobody but a kill may come between. */
	sigset_t all, before;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	enum error error = write_package(p, name_all);
	if (!error && ftruncate(p->lock, 0) != 0)
		error = failed("shortening", join(save_directory, p->name));
	sigprocmask(SIG_SETMASK, &before, NULL);
	return error;
}
