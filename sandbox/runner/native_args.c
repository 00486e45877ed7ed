/* SPDX-License-Identifier: Apache-2.0
 *
 * native_args.c - the arguments of a tools/call to the values of a program's slots
 *
 * Process: mcpgw-runner.  Owns: nothing; decoded texts are the caller's arena's.
 * Trusts:  that the text was proven; nothing in it.
 */
#include <stdio.h>

#include "sandbox/runner/native_priv.h"

#define ESCAPED_MOST	6	/* bytes of JSON for one of text: \u0041 */

struct reading {
	const struct snap	*s;
	const struct rec_tool	*t;
	struct arena		*a;
	struct slot_values	*out;
	char			*why;
	size_t			 why_bytes;
};

static int
refuse(struct reading *r, const struct rec_slot *slot, const char *what)
{
	struct span	name = snap_text(r->s, slot->name);

	snprintf(r->why, r->why_bytes, "argument \"%.*s\" %s", SPAN_FMT(name), what);
	return E_RANGE;
}

/* A name that is no slot's: shown as it came, but short and without what could break a line. */
static int
unknown(struct reading *r, struct span raw)
{
	char	shown[65];
	size_t	n = 0;

	for (; n < raw.n && n < sizeof(shown) - 1; n++)
		shown[n] = (unsigned char)raw.p[n] < 0x20 || (unsigned char)raw.p[n] >= 0x7f ? '?' : raw.p[n];
	shown[n] = '\0';
	snprintf(r->why, r->why_bytes, "there is no argument \"%s\"", shown);
	return E_RANGE;
}

static uint32_t
slot_of(const struct reading *r, struct span key)
{
	const struct rec_slot	*slot;
	const char		*name;

	for (uint32_t i = 0; (slot = slots_at(r->s, r->t, i)) != NULL; i++)
		if ((name = snap_cstr(r->s, slot->name)) != NULL && json_is(json_key(key), name))
			return i;
	return UINT32_MAX;
}

static int
take_value(struct reading *r, const struct rec_slot *slot, uint32_t index, struct json_value v)
{
	struct slot_value	*to = &r->out->v[r->out->count];
	char			 what[64];

	if (r->out->count == SLOT_VALUES_MAX)
		return refuse(r, slot, "has too many values");
	to->slot = index;
	to->text = v.raw;
	switch ((enum slot_type)slot->type) {
	case SLOT_STRING:
	case SLOT_CHOICE:
	case SLOT_PATH:
		if (v.type != JSON_STRING)
			return refuse(r, slot, "must be a string");
		/* So long that it is too long whatever its escapes stand for. */
		if (v.raw.n / ESCAPED_MOST > slot->max_length) {
			snprintf(what, sizeof(what), "must have at most %u bytes", slot->max_length);
			return refuse(r, slot, what);
		}
		if (json_string(v, r->a, &to->text) != 0)
			return E_NOMEM;
		break;
	case SLOT_INTEGER:
	case SLOT_NUMBER:
		if (v.type != JSON_NUMBER)
			return refuse(r, slot, "must be a number");
		break;
	case SLOT_BOOLEAN:
		if (v.type != JSON_TRUE && v.type != JSON_FALSE)
			return refuse(r, slot, "must be true or false");
		break;
	case SLOT_JSON:
		break;
	}
	r->out->count++;
	return 0;
}

static int
take_array(struct reading *r, const struct rec_slot *slot, uint32_t index, struct json_value v)
{
	struct json_iter	it;
	struct json_value	item;
	struct span		key;
	int			res;

	if (v.type != JSON_ARRAY)
		return refuse(r, slot, "must be an array");
	json_iter_init(&it, v);
	while (json_iter_next(&it, &key, &item))
		if ((res = take_value(r, slot, index, item)) != 0)
			return res;
	return 0;
}

int
native_args_read(const struct snap *s, const struct rec_tool *t, struct json_value arguments, struct arena *a,
    struct slot_values *out, char *why, size_t why_bytes)
{
	struct reading		 r = { s, t, a, out, why, why_bytes };
	struct json_value	 given[SLOTS_MAX] = { { JSON_NONE, SPAN_NONE } }, v;
	const struct rec_slot	*slot;
	struct json_iter	 it;
	struct span		 key;
	uint32_t		 i;
	int			 res;

	out->count = 0;
	if (arguments.type == JSON_OBJECT) {
		json_iter_init(&it, arguments);
		while (json_iter_next(&it, &key, &v)) {
			if ((i = slot_of(&r, key)) >= SLOTS_MAX)
				return unknown(&r, key);
			if (given[i].type != JSON_NONE)
				return refuse(&r, slots_at(s, t, i), "is given twice");
			given[i] = v;
		}
	}
	for (i = 0; i < SLOTS_MAX && (slot = slots_at(s, t, i)) != NULL; i++) {
		if (given[i].type == JSON_NONE)
			continue;
		res = (slot->flags & SLOT_FLAG_ARRAY) != 0 ? take_array(&r, slot, i, given[i]) :
		    take_value(&r, slot, i, given[i]);
		if (res != 0)
			return res;
	}
	return 0;
}
