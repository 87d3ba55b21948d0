/* Packages, sections and options in memory, and the changes that are made to them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "uci.h"

/* ---- the arena ---- */

#define BLOCK 16384

static struct block {
	struct block *next;
	size_t used, size;
	/* What is taken is aligned to this. */
	_Alignas(max_align_t) char bytes[];
} *blocks;

void *take(size_t bytes)
{
	bytes = (bytes + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
	if (!blocks || blocks->size - blocks->used < bytes) {
		size_t size = bytes > BLOCK ? bytes : BLOCK;
		struct block *b = calloc(1, sizeof(*b) + size);
		if (!b) {
			complain(NO_MEMORY);
			exit(1);
		}
		*b = (struct block){.next = blocks, .size = size};
		blocks = b;
	}
	void *taken = blocks->bytes + blocks->used;
	blocks->used += bytes;
	return taken;
}

char *take_string(const char *from, size_t length)
{
	char *s = take(length + 1);
	memcpy(s, from, length);
	s[length] = '\0';
	return s;
}

void release_all(void)
{
	while (blocks) {
		struct block *next = blocks->next;
		free(blocks);
		blocks = next;
	}
}

static char *copy(const char *s) { return s ? take_string(s, strlen(s)) : NULL; }

/* ---- parts ---- */

struct package *new_package(const char *name)
{
	struct package *p = take(sizeof(*p));
	p->name = copy(name);
	p->lock = -1;
	return p;
}

struct section *find_section(struct package *p, const char *name)
{
	struct section *s = p->sections;
	while (s && strcmp(s->name, name) != 0)
		s = s->next;
	return s;
}

struct option *find_option(struct section *s, const char *name)
{
	struct option *o = s->options;
	while (o && strcmp(o->name, name) != 0)
		o = o->next;
	return o;
}

/* What an option, or the end of the list where there is none, hangs on. */
static struct option **option_slot(struct section *s, const struct option *o)
{
	struct option **slot = &s->options;
	while (*slot && *slot != o)
		slot = &(*slot)->next;
	return slot;
}

static struct section **section_slot(struct package *p, const struct section *s)
{
	struct section **slot = &p->sections;
	while (*slot && *slot != s)
		slot = &(*slot)->next;
	return slot;
}

static struct value *new_value(const char *text)
{
	struct value *v = take(sizeof(*v));
	v->text = copy(text);
	return v;
}

void keep_change(struct change **list, enum command command, const char *section, const char *option,
                 const char *value)
{
	struct change *c = take(sizeof(*c));
	*c = (struct change){command, copy(section), copy(option), copy(value), NULL};
	while (*list)
		list = &(*list)->next;
	*list = c;
}

static void record(struct package *p, enum command command, const char *section, const char *option,
                   const char *value)
{
	if (p->record)
		keep_change(&p->fresh, command, section, option, value);
}

/*
 * The name of an anonymous section, as libuci makes it: its number, and the low 16 bits of D. J. Bernstein's hash of its
 * type. /lib/functions.sh computes the same.
 */
static char *anonymous_name(unsigned number, const char *type)
{
	unsigned hash = 5381;
	for (; *type; type++)
		hash = hash * 33 + (unsigned)*type;
	char name[24];
	return take_string(name, (size_t)snprintf(name, sizeof(name), "cfg%02x%04x", number, hash & 0xffff));
}

static struct section *append_section(struct package *p, const char *name, const char *type)
{
	struct section *s = take(sizeof(*s));
	p->made++;
	s->type = copy(type);
	s->name = name ? copy(name) : anonymous_name(p->made, type);
	s->anonymous = !name;
	*section_slot(p, NULL) = s;
	return s;
}

struct section *add_section(struct package *p, const char *type)
{
	struct section *s = append_section(p, NULL, type);
	record(p, ADD, s->name, NULL, type);
	return s;
}

/* Makes a named section, or changes the type of the one that is there. */
struct section *set_section(struct package *p, const char *name, const char *type)
{
	struct section *s = find_section(p, name);
	if (s && strcmp(s->type, type) == 0)
		return s;
	if (s)
		s->type = copy(type);
	else
		s = append_section(p, name, type);
	record(p, SET, name, NULL, type);
	return s;
}

static struct option *append_option(struct section *s, const char *name)
{
	struct option *o = take(sizeof(*o));
	o->name = copy(name);
	*option_slot(s, NULL) = o;
	return o;
}

void set_option(struct package *p, struct section *s, const char *name, const char *value)
{
	struct option *o = find_option(s, name);
	if (o && !o->list && strcmp(o->values->text, value) == 0)
		return;
	if (!o)
		o = append_option(s, name);
	o->list = false;
	o->values = new_value(value);
	record(p, SET, s->name, name, value);
}

void add_to_list(struct package *p, struct section *s, const char *name, const char *value)
{
	struct option *o = find_option(s, name);
	if (!o)
		o = append_option(s, name);
	o->list = true;
	struct value **end = &o->values;
	while (*end)
		end = &(*end)->next;
	*end = new_value(value);
	record(p, LIST_ADD, s->name, name, value);
}

/* ---- what is named on the command line and in change files ---- */

/* Finds @type[index] or @[index]; a negative index counts from the end. */
static enum error locate_by_index(struct target *t)
{
	char *type = copy(t->section), *end;
	if (*type++ != '@')
		return fail(INVALID, NULL);
	char *index = strchr(type, '[');
	if (!index)
		return fail(INVALID, NULL);
	*index++ = '\0';
	size_t length = strlen(index);
	if (length < 1 || index[length - 1] != ']')
		return fail(INVALID, NULL);
	index[length - 1] = '\0';
	long n = strtol(index, &end, 10);
	if (*end || end == index || (*type && !is_type(type)))
		return fail(INVALID, NULL);
	struct section *s;
	if (n < 0)
		for (s = t->p->sections; s; s = s->next)
			if (!*type || strcmp(s->type, type) == 0)
				n++;
	for (s = t->p->sections; s; s = s->next)
		if ((!*type || strcmp(s->type, type) == 0) && n-- == 0)
			break;
	t->s = s;
	if (s)
		t->section = s->name;
	return OK;
}

/* Finds what of the target exists in its package. What does not is no error here. */
enum error locate(struct target *t)
{
	t->complete = false;
	if (!t->section) {
		t->complete = true;
		return OK;
	}
	if (t->extended) {
		enum error error = locate_by_index(t);
		if (error)
			return error;
	} else {
		t->s = find_section(t->p, t->section);
	}
	if (!t->s)
		return OK;
	if (!t->option) {
		t->complete = true;
		return OK;
	}
	t->o = find_option(t->s, t->option);
	t->complete = t->o;
	return OK;
}

enum error set_target(struct target *t)
{
	if (!t->value || !t->section || (t->option && !t->s) || (!t->s && t->extended))
		return fail(INVALID, NULL);
	/* Nothing is what an empty value makes of what it is set to. */
	if (!*t->value)
		return t->complete ? delete_target(t) : OK;
	if (t->option) {
		set_option(t->p, t->s, t->option, t->value);
		return OK;
	}
	if (!is_type(t->value))
		return fail(INVALID, NULL);
	t->s = set_section(t->p, t->section, t->value);
	return OK;
}

enum error add_list_target(struct target *t)
{
	if (!t->s || !t->option || !t->value)
		return fail(INVALID, NULL);
	add_to_list(t->p, t->s, t->option, t->value);
	return OK;
}

enum error del_list_target(struct target *t)
{
	if (!t->s || !t->value)
		return fail(INVALID, NULL);
	if (!t->o || !t->o->list)
		return OK;
	record(t->p, LIST_DEL, t->section, t->option, t->value);
	for (struct value **v = &t->o->values; *v;)
		if (strcmp((*v)->text, t->value) == 0)
			*v = (*v)->next;
		else
			v = &(*v)->next;
	return OK;
}

enum error delete_target(struct target *t)
{
	if (!t->complete)
		return fail(NOT_FOUND, NULL);
	if (!t->s)
		return fail(INVALID, NULL);
	if (t->o && t->o->list && t->value && *t->value) {
		char *end;
		long index = strtol(t->value, &end, 10);
		if (end == t->value)
			return fail(INVALID, NULL);
		struct value **v = &t->o->values;
		while (*v && index-- != 0)
			v = &(*v)->next;
		if (*v) {
			*v = (*v)->next;
			record(t->p, REMOVE, t->section, t->option, t->value);
		}
		return OK;
	}
	if (t->o)
		*option_slot(t->s, t->o) = t->o->next;
	else
		*section_slot(t->p, t->s) = t->s->next;
	record(t->p, REMOVE, t->section, t->option, NULL);
	return OK;
}

enum error rename_target(struct target *t)
{
	if (!t->complete)
		return fail(NOT_FOUND, NULL);
	if (!t->s || !t->value || !is_name(t->value))
		return fail(INVALID, NULL);
	/* Two of one name would become one when the file is read again. */
	if (t->o ? find_option(t->s, t->value) : (void *)find_section(t->p, t->value))
		return fail(DUPLICATE, NULL);
	record(t->p, RENAME, t->section, t->option, t->value);
	if (t->o) {
		t->o->name = copy(t->value);
	} else {
		t->s->name = copy(t->value);
		t->s->anonymous = false;
	}
	return OK;
}

/* Moves a section to the position that the value says, counted from 0; behind the last one if there is none. */
enum error reorder_target(struct target *t)
{
	if (!t->s || !t->value)
		return fail(NOT_FOUND, NULL);
	char *end, position[24];
	long to = strtol(t->value, &end, 10);
	if (end == t->value || *end)
		return fail(INVALID, NULL);
	struct section **slot = section_slot(t->p, t->s), *next = t->s->next;
	*slot = next;
	struct section **target = &t->p->sections;
	for (long n = to; *target && n > 0; n--)
		target = &(*target)->next;
	bool moved = target != slot;
	t->s->next = *target;
	*target = t->s;
	snprintf(position, sizeof(position), "%ld", to);
	if (moved)
		record(t->p, REORDER, t->section, NULL, position);
	return OK;
}
