/* SPDX-License-Identifier: Apache-2.0
 *
 * native_slots.c - what clients may fill in for a program: "slots" to SLOT and CHOICE
 *
 * Process: mcpgw-compile.  Owns: nothing.
 * Trusts:  the operator's words.
 */
#include <float.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy/compiler/native.h"
#include "policy/compiler/typed.h"

#define NAME_MAX_BYTES	64
#define WORD_BYTES	256		/* of a value, unless max_length says otherwise */
#define LINE_BYTES	4096
#define INPUT_BYTES	(256 * 1024)
#define NUMBER_BYTES	64
#define ITEMS_NORMAL	16

static const char *const slot_keys[] = { "type", "array", "description", "required", "default", "min", "max",
	"min_length", "max_length", "max_items", "class", "choices", "dash", "may_create", NULL };

struct native_slot *
native_slot_find(struct native *t, struct span name)
{
	for (size_t i = 0; i < t->slot_count; i++)
		if (span_eq(t->slots[i].name, name))
			return &t->slots[i];
	return NULL;
}

/* A member that means something for some types only. */
static void
refuse_member(struct native *t, const struct native_slot *slot, const char *key, bool ok, const char *needs)
{
	const struct conf_node	*n = conf_find(slot->node, key);

	if (n != NULL && !ok)
		job_error_key(t->j, t->s, n, "has a meaning for %s only", needs);
}

/* --- bounds ----------------------------------------------------------------------------------- */

static void
read_bound(struct native *t, struct native_slot *slot, const char *key, int64_t *out)
{
	const struct conf_node	*n = conf_find(slot->node, key);
	double			 d;

	if (n == NULL || !typed_is(t->j, t->s, n, JSON_NUMBER))
		return;
	if (slot->rec.type == SLOT_NUMBER) {
		d = strtod(job_dup(t->j, n->text).p, NULL);
		memcpy(out, &d, sizeof(d));
	} else if (json_i64((struct json_value){ n->type, n->text }, out) != 0) {
		job_error(t->j, t->s, n, "%.*s: want a whole number of 64 bits", SHOWN(n->text));
	}
}

static void
read_bounds(struct native *t, struct native_slot *slot)
{
	static const double	least = -DBL_MAX, most = DBL_MAX;
	bool			number = slot->rec.type == SLOT_NUMBER, wrong;
	double			a, b;

	refuse_member(t, slot, "min", number || slot->rec.type == SLOT_INTEGER, "integer and number");
	refuse_member(t, slot, "max", number || slot->rec.type == SLOT_INTEGER, "integer and number");
	slot->rec.min = INT64_MIN;
	slot->rec.max = INT64_MAX;
	if (number) {
		memcpy(&slot->rec.min, &least, sizeof(least));
		memcpy(&slot->rec.max, &most, sizeof(most));
	}
	if (!number && slot->rec.type != SLOT_INTEGER)
		return;
	read_bound(t, slot, "min", &slot->rec.min);
	read_bound(t, slot, "max", &slot->rec.max);
	memcpy(&a, &slot->rec.min, sizeof(a));
	memcpy(&b, &slot->rec.max, sizeof(b));
	wrong = number ? !(a <= b) : slot->rec.min > slot->rec.max;
	if (wrong)
		job_error_key(t->j, t->s, slot->node, "its \"min\" is over its \"max\"");
}

static bool
has_text(const struct native_slot *slot)
{
	return slot->rec.type == SLOT_STRING || slot->rec.type == SLOT_PATH || slot->rec.type == SLOT_JSON;
}

static void
read_lengths(struct native *t, struct native_slot *slot)
{
	bool		text = has_text(slot), array = (slot->rec.flags & SLOT_FLAG_ARRAY) != 0;
	uint64_t	least = 1, most = NUMBER_BYTES, items = array ? ITEMS_NORMAL : 1;

	refuse_member(t, slot, "min_length", text, "string, path and json");
	refuse_member(t, slot, "max_length", text, "string, path and json");
	refuse_member(t, slot, "max_items", array, "arrays");
	if (slot->rec.type == SLOT_CHOICE)
		most = SLOT_ARGS_MAX;
	if (text) {
		most = slot->rec.type == SLOT_STRING && slot->rec.slot_class <= SLOT_NAME ? WORD_BYTES : LINE_BYTES;
		(void)typed_number(t->j, t->s, slot->node, "min_length", 0, SLOT_INPUT_MAX, &least);
		slot->says_max_length = typed_size(t->j, t->s, slot->node, "max_length", 1, SLOT_INPUT_MAX, &most);
		if (slot->says_max_length && least > most)
			job_error_key(t->j, t->s, slot->node, "its \"min_length\" is over its \"max_length\"");
	}
	if (array)
		(void)typed_number(t->j, t->s, slot->node, "max_items", 1, SLOT_ITEMS_MAX, &items);
	slot->rec.min_length = (uint32_t)least;
	slot->rec.max_length = (uint32_t)most;
	slot->rec.max_items = (uint32_t)items;
}

/* --- one slot --------------------------------------------------------------------------------- */

static void
read_choices(struct native *t, struct native_slot *slot)
{
	const struct conf_node	*list = NULL, *n;
	struct rec_choice	 c;

	refuse_member(t, slot, "choices", slot->rec.type == SLOT_CHOICE, "choice");
	if (slot->rec.type != SLOT_CHOICE)
		return;
	slot->rec.choice_first = (uint32_t)build_count(t->m->b, SECTION_CHOICE);
	if (!typed_list(t->j, t->s, slot->node, "choices", JSON_ARRAY, true, &list) || list->count == 0) {
		if (list != NULL || conf_find(slot->node, "choices") == NULL)
			job_error_key(t->j, t->s, slot->node, "needs \"choices\"");
		return;
	}
	for (n = list->first; n != NULL; n = n->next) {
		if (n->text.n == 0 || n->text.n > SLOT_ARGS_MAX || memchr(n->text.p, '\0', n->text.n) != NULL) {
			job_error(t->j, t->s, n, "want a text of 1 to %d bytes", SLOT_ARGS_MAX);
			continue;
		}
		c.text = put_text(t->m->b, n->text);
		put_record(t->m->b, SECTION_CHOICE, &c);
		slot->rec.choice_count++;
		digest_text(&t->m->digest, n->text);
		/* The operator wrote it, so it may be an option. */
		if (n->text.p[0] == '-')
			slot->rec.flags |= SLOT_FLAG_DASH;
	}
}

static bool
is_choice(const struct native_slot *slot, struct span text)
{
	for (const struct conf_node *n = conf_find(slot->node, "choices")->first; n != NULL; n = n->next)
		if (span_eq(n->text, text))
			return true;
	return false;
}

static void
read_default(struct native *t, struct native_slot *slot)
{
	static const enum json_type	types[] = { [SLOT_STRING] = JSON_STRING, [SLOT_INTEGER] = JSON_NUMBER,
					    [SLOT_NUMBER] = JSON_NUMBER, [SLOT_CHOICE] = JSON_STRING,
					    [SLOT_PATH] = JSON_STRING };
	const struct conf_node		*n = conf_find(slot->node, "default");
	char				 why[160];

	if (n == NULL)
		return;
	if ((slot->rec.flags & SLOT_FLAG_ARRAY) != 0 || slot->rec.type == SLOT_JSON) {
		job_error_key(t->j, t->s, n, "arrays and json have no default");
		return;
	}
	if (slot->rec.type == SLOT_BOOLEAN ? n->type != JSON_TRUE && n->type != JSON_FALSE :
	    n->type != types[slot->rec.type]) {
		(void)typed_is(t->j, t->s, n, slot->rec.type == SLOT_BOOLEAN ? JSON_TRUE : types[slot->rec.type]);
		return;
	}
	snprintf(why, sizeof(why), "is none of the choices");
	if (slot->rec.type == SLOT_CHOICE ? conf_find(slot->node, "choices") != NULL && !is_choice(slot, n->text) :
	    slots_check_value(NULL, &slot->rec, n->text, why, sizeof(why)) != 0) {
		job_error(t->j, t->s, n, "%.*s %s", SHOWN(n->text), why);
		return;
	}
	slot->fallback = n;
	slot->rec.flags |= SLOT_FLAG_DEFAULT;
	slot->rec.fallback = put_text(t->m->b, n->text);
}

static void
flag(struct native *t, struct native_slot *slot, const char *key, unsigned bit)
{
	bool	yes = false;

	if (typed_flag(t->j, t->s, slot->node, key, &yes) && yes)
		slot->rec.flags |= bit;
}

static void
read_slot(struct native *t, struct native_slot *slot)
{
	static const char *const types[] = { "string", "integer", "number", "boolean", "choice", "path", "json", NULL };
	static const char *const classes[] = { "word", "name", "line", "text", NULL };
	const struct conf_node	*n = NULL;

	typed_keys(t->j, t->s, slot->node, slot_keys);
	slot->rec.type = conf_find(slot->node, "choices") != NULL ? SLOT_CHOICE : SLOT_STRING;
	slot->rec.slot_class = SLOT_LINE;
	(void)typed_word(t->j, t->s, slot->node, "type", types, &slot->rec.type);
	(void)typed_word(t->j, t->s, slot->node, "class", classes, &slot->rec.slot_class);
	(void)typed_string(t->j, t->s, slot->node, "description", &n);
	refuse_member(t, slot, "class", slot->rec.type == SLOT_STRING, "string");
	refuse_member(t, slot, "may_create", slot->rec.type == SLOT_PATH, "path");
	flag(t, slot, "array", SLOT_FLAG_ARRAY);
	flag(t, slot, "dash", SLOT_FLAG_DASH);
	flag(t, slot, "may_create", SLOT_FLAG_MAY_CREATE);
	flag(t, slot, "required", SLOT_FLAG_REQUIRED);
	slot->says_required = conf_find(slot->node, "required") != NULL;
	if ((slot->rec.flags & SLOT_FLAG_ARRAY) != 0 && slot->rec.type == SLOT_BOOLEAN)
		job_error_key(t->j, t->s, slot->node, "an array of booleans has no use");
	read_bounds(t, slot);
	read_lengths(t, slot);
	read_choices(t, slot);
	read_default(t, slot);
	/* The working folder is what a path is beneath, and the spawner must find it on the host. */
	if (slot->rec.type == SLOT_PATH && t->m->ok &&
	    (t->m->workdir == NULL || !view_covers(&t->m->view, t->m->workdir, 0)))
		job_error_key(t->j, t->s, slot->node, "a path needs the file's \"workdir\", in \"read\" or \"write\"");
}

static bool
slot_name_ok(struct span name)
{
	for (size_t i = 0; i < name.n; i++) {
		char	c = name.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (i > 0 && c >= '0' && c <= '9')))
			return false;
	}
	return name.n > 0 && name.n <= NAME_MAX_BYTES;
}

void
native_slots_read(struct native *t)
{
	const struct conf_node	*list = NULL, *n;
	struct native_slot	*slot;

	if (!typed_list(t->j, t->s, t->node, "slots", JSON_OBJECT, false, &list))
		return;
	for (n = list->first; n != NULL; n = n->next) {
		if (t->slot_count == SLOTS_MAX) {
			job_error_key(t->j, t->s, n, "more than %d slots", SLOTS_MAX);
			return;
		}
		if (!slot_name_ok(n->key))
			job_error_key(t->j, t->s, n, "a slot's name is of letters, digits and _, at most %d",
			    NAME_MAX_BYTES);
		if (!typed_is(t->j, t->s, n, JSON_OBJECT))
			continue;
		slot = &t->slots[t->slot_count++];
		*slot = (struct native_slot){ .node = n, .name = job_dup(t->j, n->key) };
		slot->rec.name = put_text(t->m->b, n->key);
		read_slot(t, slot);
	}
}

/* --- when their places are known -------------------------------------------------------------- */

static void
settle_use(struct native *t, struct native_slot *slot)
{
	const unsigned	uses = SLOT_FLAG_ARGS | SLOT_FLAG_INPUT;
	bool		args = (slot->rec.flags & SLOT_FLAG_ARGS) != 0;
	bool		grouped = args && !slot->outside && (slot->rec.flags & SLOT_FLAG_INPUT) == 0;
	bool		has_default = (slot->rec.flags & SLOT_FLAG_DEFAULT) != 0;

	if ((slot->rec.flags & uses) == 0) {
		job_error_key(t->j, t->s, slot->node, "stands neither in \"args\" nor in \"stdin\"");
		return;
	}
	if (!slot->says_required && !has_default && !grouped && slot->rec.type != SLOT_BOOLEAN)
		slot->rec.flags |= SLOT_FLAG_REQUIRED;
	if ((slot->rec.flags & SLOT_FLAG_REQUIRED) != 0) {
		if (has_default)
			job_error_key(t->j, t->s, slot->node, "is required, so its default has no use");
		else if (grouped)
			job_error_key(t->j, t->s, slot->node, "is required, but stands in optional groups only");
	} else if (slot->outside && !has_default && (slot->rec.flags & SLOT_FLAG_ARRAY) == 0) {
		job_error_key(t->j, t->s, slot->node, "may be left out, but stands outside of a group and has no "
		    "default");
	}
	if (args && slot->rec.max_length > SLOT_ARGS_MAX)
		job_error_key(t->j, t->s, slot->node, "\"max_length\" is at most %d for what stands in \"args\"",
		    SLOT_ARGS_MAX);
	if (!args && has_text(slot) && !slot->says_max_length)
		slot->rec.max_length = INPUT_BYTES;
}

void
native_slots_put(struct native *t)
{
	t->rec.slot_first = (uint32_t)build_count(t->m->b, SECTION_SLOT);
	for (size_t i = 0; i < t->slot_count; i++) {
		struct native_slot	*slot = &t->slots[i];
		struct digest		*d = &t->m->digest;

		settle_use(t, slot);
		put_record(t->m->b, SECTION_SLOT, &slot->rec);
		t->rec.slot_count++;
		digest_text(d, slot->name);
		digest_text(d, slot->fallback == NULL ? SPAN_NONE : slot->fallback->text);
		digest_number(d, (uint64_t)slot->rec.min);
		digest_number(d, (uint64_t)slot->rec.max);
		digest_number(d, slot->rec.type);
		digest_number(d, slot->rec.slot_class);
		digest_number(d, slot->rec.flags);
		digest_number(d, slot->rec.min_length);
		digest_number(d, slot->rec.max_length);
		digest_number(d, slot->rec.max_items);
	}
}
