/*
 * uci, the command of OpenWrt's Unified Configuration Interface, written for the demo firmware because OpenWrt's own is
 * in no package that this firmware is made of. Behaviour, file formats and messages follow openwrt/uci of 2025; where
 * they differ on purpose, ../README.md says so.
 *
 *   text.c    words and statements of configuration text
 *   tree.c    packages, sections, options, and the changes made to them
 *   store.c   the files: configuration, saved changes, locks
 *   main.c    the command line
 *
 * A package is read, changed and written by one command. All memory is taken from an arena that is emptied between the
 * commands of a batch, so nothing is freed one by one.
 */
#ifndef UCI_H
#define UCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* The numbers are OpenWrt's: `uci add` has them as its exit code. */
enum error { OK, NO_MEMORY, INVALID, NOT_FOUND, IO, PARSE, DUPLICATE };

struct value {
	char *text;
	struct value *next;
};

struct option {
	char *name;
	bool list;
	struct value *values; /* exactly one, or those of a list */
	struct option *next;
};

struct section {
	char *name; /* an anonymous one has a name too: cfg, its number, a hash of its type */
	char *type;
	bool anonymous;
	struct option *options;
	struct section *next;
};

/* What a change does; the character that it begins with in a file of saved changes, 0 for none. */
enum command { SET = 0, ADD = '+', REMOVE = '-', RENAME = '@', REORDER = '^', LIST_ADD = '|', LIST_DEL = '~' };

struct change {
	enum command command;
	char *section, *option, *value; /* option and value may be NULL */
	struct change *next;
};

struct package {
	char *name;
	char *path;               /* of its file */
	struct section *sections;
	unsigned made;            /* sections made so far: the number in an anonymous one's name */
	struct change *saved;     /* changes read from the change files, in their order */
	struct change *own;       /* the first of them that is from the save directory, or NULL */
	struct change *fresh;     /* changes made by this command */
	bool record;              /* whether what is done to it becomes a fresh change */
	unsigned replayed;        /* saved changes that could be applied */
	int lock;                 /* the open and locked file of saved changes, or -1 */
	struct package *next;
};

/* package.section.option=value, as people write it and as change files hold it. */
struct target {
	char *package, *section, *option, *value; /* NULL: not given */
	bool extended;                            /* the section is written as @type[index] */
	struct package *p;
	struct section *s;
	struct option *o;
	bool complete;                            /* all that is named exists */
};

/* main.c */
extern bool quiet;
/* Remembers what to add to the message of an error, and returns the error. */
enum error fail(enum error error, const char *format, ...) __attribute__((format(printf, 2, 3)));
void complain(enum error error);

/* text.c */
struct text {
	const char *at, *end;    /* what is left of it */
	const char *line_start;
	unsigned line;           /* the number of the line, from 1 */
	const char *reason;      /* what is wrong with it */
};
enum word { END, WORD, BAD, OPEN }; /* OPEN: the text ends in the middle of a word */

struct text text_of(const char *from, size_t length);
enum word next_word(struct text *t, char **word);
void end_statement(struct text *t);
bool is_name(const char *s);
bool is_type(const char *s);
bool is_package(const char *s);
bool is_text(const char *s);
enum error parse_target(char *s, struct target *to);
/*
 * Reads configuration text. Into `into`, or, where that is NULL, into the packages that the text names, which are put
 * into *packages. `origin` is named in complaints, or NULL.
 */
enum error read_configuration(struct text *t, struct package *into, struct package **packages, bool strict,
                              const char *origin);
/* Applies a file of saved changes. Lines that make no sense are passed over, so that the others are not lost. */
void replay_changes(struct text *t, struct package *p);

/* tree.c */
void *take(size_t bytes);
char *take_string(const char *from, size_t length);
void release_all(void);

struct package *new_package(const char *name);
struct section *find_section(struct package *p, const char *name);
struct option *find_option(struct section *s, const char *name);
enum error locate(struct target *t);
void keep_change(struct change **list, enum command command, const char *section, const char *option,
                 const char *value);
struct section *add_section(struct package *p, const char *type);
struct section *set_section(struct package *p, const char *name, const char *type);
void set_option(struct package *p, struct section *s, const char *name, const char *value);
void add_to_list(struct package *p, struct section *s, const char *name, const char *value);
enum error set_target(struct target *t);
enum error add_list_target(struct target *t);
enum error del_list_target(struct target *t);
enum error delete_target(struct target *t);
enum error rename_target(struct target *t);
enum error reorder_target(struct target *t);

/* store.c */
extern const char *config_directory, *override_directory, *save_directory;
enum intent { LOOK, CHANGE };

void add_change_path(const char *directory, bool as_save_directory);
/* Reads a package with its saved changes. With CHANGE nobody else changes it until it is closed. */
enum error open_package(const char *name, enum intent intent, bool strict, struct package **out);
void close_package(struct package *p);
/* Writes the fresh changes to the file of saved changes: all of them, or none. */
enum error save_changes(struct package *p);
/* Writes the package to its file, if changes are saved, and forgets these. On an error both are as before. */
enum error commit_package(struct package *p, bool name_all);
/* Writes a package to the file of its name. */
enum error write_package(struct package *p, bool name_all);
enum error revert_changes(struct package *p, const char *section, const char *option);
/* Names of all configurations, sorted, ending in NULL; NULL when there are none. */
char **configurations(void);
/* All of a file, or of standard input when path is NULL. */
enum error read_all(const char *path, char **content, size_t *length);

/* Writes a package as configuration text; `name_all` gives the anonymous sections their names. */
void print_package(FILE *to, const struct package *p, bool name_all);
void print_quoted(FILE *to, const char *value);

#endif
