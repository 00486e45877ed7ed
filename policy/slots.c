/* SPDX-License-Identifier: Apache-2.0
 *
 * slots.c - what clients fill in for a program: whether a value may be so, and how values travel
 *
 * Process: runner, spawner, mcpgw-compile (defaults).  Owns: nothing.
 * Trusts:  nothing in a value; the snapshot as far as snap_at() vouches for it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "policy/slots.h"

#define NUMBER_BYTES	64

const struct rec_slot *
slots_at(const struct snap *s, const struct rec_tool *t, uint64_t i)
{
	return i < t->slot_count ? SNAP_AT(s, SLOT, (uint64_t)t->slot_first + i) : NULL;
}

static int __attribute__((format(printf, 3, 4)))
refuse(char *why, size_t bytes, const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(why, bytes, fmt, ap);
	va_end(ap);
	return E_RANGE;
}

/* --- one value -------------------------------------------------------------------------------- */

static bool
is_word(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
	    c == '.' || c == '-';
}

/* UTF-8 without C0, DEL and C1; tab and line feed where `lines`. */
static bool
is_text(struct span s, bool lines)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c < 0x20 && !(lines && (c == '\t' || c == '\n'))) || c == 0x7f)
			return false;
		if (c == 0xc2 && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xa0)
			return false;
	}
	return json_utf8_ok(s);
}

static int
check_string(const struct rec_slot *slot, struct span text, char *why, size_t bytes)
{
	switch ((enum slot_class)slot->slot_class) {
	case SLOT_WORD:
	case SLOT_NAME:
		for (size_t i = 0; i < text.n; i++)
			if (!is_word((unsigned char)text.p[i]) && (slot->slot_class == SLOT_WORD ||
			    text.p[i] == '\0' || strchr("/:@+,=~^%", text.p[i]) == NULL))
				return refuse(why, bytes, slot->slot_class == SLOT_WORD ?
				    "may have letters, digits, _ . and - only" :
				    "may have letters, digits and _ . - / : @ + , = ~ ^ %% only");
		return 0;
	case SLOT_LINE:
		return is_text(text, false) ? 0 : refuse(why, bytes, "must be one line without control characters");
	case SLOT_TEXT:
		return is_text(text, true) ? 0 : refuse(why, bytes,
		    "must be text without control characters but tab and line feed");
	}
	return refuse(why, bytes, "is of an unknown class");
}

/* "Nowhere" means between slashes: a name may hold two dots. */
static int
check_path(struct span text, char *why, size_t bytes)
{
	size_t	part = 0;

	if (text.n > 0 && text.p[0] == '/')
		return refuse(why, bytes, "must be a relative path");
	if (!is_text(text, false))
		return refuse(why, bytes, "must be a path without control characters");
	for (size_t i = 0; i <= text.n; i++) {
		if (i < text.n && text.p[i] != '/')
			continue;
		if (i - part == 2 && text.p[part] == '.' && text.p[part + 1] == '.')
			return refuse(why, bytes, "must not lead out of the folder with \"..\"");
		part = i + 1;
	}
	return 0;
}

static int
check_integer(const struct rec_slot *slot, struct span text, char *why, size_t bytes)
{
	struct json_value	v = { JSON_NUMBER, text };
	int64_t			n;

	if (!json_is_integer(text) || json_i64(v, &n) != 0)
		return refuse(why, bytes, "must be a whole number");
	if (n < slot->min)
		return refuse(why, bytes, "must be at least %lld", (long long)slot->min);
	if (n > slot->max)
		return refuse(why, bytes, "must be at most %lld", (long long)slot->max);
	return 0;
}

static double
bound(int64_t bits)
{
	double	d;

	memcpy(&d, &bits, sizeof(d));
	return d;
}

static int
check_number(const struct rec_slot *slot, struct span text, char *why, size_t bytes)
{
	struct json_value	v;
	char			copy[NUMBER_BYTES + 1];
	double			d;

	if (text.n > NUMBER_BYTES || json_parse(text, false, &v, NULL) != 0 || v.type != JSON_NUMBER ||
	    v.raw.n != text.n)
		return refuse(why, bytes, "must be a number");
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	d = strtod(copy, NULL);
	if (!(d >= bound(slot->min)))
		return refuse(why, bytes, "must be at least %g", bound(slot->min));
	if (!(d <= bound(slot->max)))
		return refuse(why, bytes, "must be at most %g", bound(slot->max));
	return 0;
}

static int
check_choice(const struct snap *s, const struct rec_slot *slot, struct span text, char *why, size_t bytes)
{
	const struct rec_choice	*c;

	for (uint32_t i = 0; i < slot->choice_count; i++) {
		if ((c = SNAP_AT(s, CHOICE, (uint64_t)slot->choice_first + i)) == NULL)
			break;
		if (span_eq(snap_text(s, c->text), text))
			return 0;
	}
	return refuse(why, bytes, "must be one of the choices");
}

int
slots_check_value(const struct snap *s, const struct rec_slot *slot, struct span text, char *why, size_t why_bytes)
{
	struct json_value	v;

	if (text.n < slot->min_length)
		return text.n == 0 ? refuse(why, why_bytes, "must not be empty") :
		    refuse(why, why_bytes, "must have at least %u bytes", slot->min_length);
	if (text.n > slot->max_length)
		return refuse(why, why_bytes, "must have at most %u bytes", slot->max_length);
	switch ((enum slot_type)slot->type) {
	case SLOT_STRING:
		return check_string(slot, text, why, why_bytes);
	case SLOT_INTEGER:
		return check_integer(slot, text, why, why_bytes);
	case SLOT_NUMBER:
		return check_number(slot, text, why, why_bytes);
	case SLOT_BOOLEAN:
		return span_is(text, "true") || span_is(text, "false") ? 0 :
		    refuse(why, why_bytes, "must be true or false");
	case SLOT_CHOICE:
		return check_choice(s, slot, text, why, why_bytes);
	case SLOT_PATH:
		return check_path(text, why, why_bytes);
	case SLOT_JSON:
		return json_parse(text, false, &v, NULL) == 0 ? 0 : refuse(why, why_bytes, "must be JSON");
	}
	return refuse(why, why_bytes, "is of an unknown type");
}

/* --- all of them ------------------------------------------------------------------------------ */

static int
name_it(const struct snap *s, const struct rec_slot *slot, const char *what, char *why, size_t bytes)
{
	struct span	name = snap_text(s, slot->name);

	snprintf(why, bytes, "argument \"%.*s\" %s", name.n > 64 ? 64 : (int)name.n, name.p == NULL ? "" : name.p,
	    what);
	return E_RANGE;
}

static int
check_missing(const struct snap *s, const struct rec_tool *t, const uint16_t *given, unsigned uses, char *why,
    size_t bytes)
{
	const struct rec_slot	*slot;

	for (uint32_t i = 0; i < t->slot_count; i++) {
		if ((slot = slots_at(s, t, i)) == NULL)
			return E_FORMAT;
		if (given[i] == 0 && (slot->flags & SLOT_FLAG_REQUIRED) != 0 && (slot->flags & uses) != 0)
			return name_it(s, slot, "is missing", why, bytes);
	}
	return 0;
}

int
slots_check(const struct snap *s, const struct rec_tool *t, const struct slot_values *values, unsigned uses,
    char *why, size_t why_bytes)
{
	const struct rec_slot	*slot;
	uint16_t		 given[SLOTS_MAX] = { 0 };
	char			 what[160];

	snprintf(why, why_bytes, "malformed");
	if (t->slot_count > SLOTS_MAX || values->count > SLOT_VALUES_MAX)
		return E_FORMAT;
	for (size_t i = 0; i < values->count; i++) {
		const struct slot_value	*v = &values->v[i];

		if ((slot = slots_at(s, t, v->slot)) == NULL || (slot->flags & uses) == 0 ||
		    (i > 0 && v->slot < values->v[i - 1].slot))
			return E_FORMAT;
		if (++given[v->slot] > slot->max_items) {
			snprintf(what, sizeof(what), "has more than %u values", slot->max_items);
			return name_it(s, slot, what, why, why_bytes);
		}
		if (slots_check_value(s, slot, v->text, what, sizeof(what)) != 0)
			return name_it(s, slot, what, why, why_bytes);
	}
	return check_missing(s, t, given, uses, why, why_bytes);
}

size_t
slots_find(const struct rec_slot *slot, uint32_t index, const struct slot_values *values,
    const struct slot_value **first)
{
	size_t	n = 0;

	*first = NULL;
	for (size_t i = 0; i < values->count; i++)
		if (values->v[i].slot == index && n++ == 0)
			*first = &values->v[i];
	return n == 0 && (slot->flags & SLOT_FLAG_DEFAULT) != 0 ? 1 : n;
}

/* --- on the way ------------------------------------------------------------------------------- */

int
slots_encode(const struct snap *s, const struct rec_tool *t, const struct slot_values *values, struct buf *to)
{
	const struct rec_slot	*slot;
	size_t			 before = to->used;
	int			 r;

	for (size_t i = 0; i < values->count; i++) {
		const struct slot_value	*v = &values->v[i];

		if ((slot = slots_at(s, t, v->slot)) == NULL || (slot->flags & SLOT_FLAG_ARGS) == 0)
			continue;
		if (v->text.n > UINT16_MAX || to->used - before + 4 + v->text.n > SLOTS_WIRE_MAX)
			return E_TOOBIG;
		if ((r = buf_put_u16(to, (uint16_t)v->slot)) != 0 ||
		    (r = buf_put_u16(to, (uint16_t)v->text.n)) != 0 || (r = buf_put(to, v->text)) != 0)
			return r;
	}
	return 0;
}

int
slots_decode(struct span wire, struct slot_values *out)
{
	struct buf	b;
	uint16_t	slot, bytes;

	out->count = 0;
	if (wire.n > SLOTS_WIRE_MAX)
		return E_FORMAT;
	buf_init_from(&b, wire);
	while (buf_rest(&b).n > 0) {
		struct slot_value	*v = &out->v[out->count];

		if (out->count == SLOT_VALUES_MAX || buf_get_u16(&b, &slot) != 0 ||
		    buf_get_u16(&b, &bytes) != 0 || buf_get(&b, bytes, &v->text) != 0)
			return E_FORMAT;
		v->slot = slot;
		out->count++;
	}
	return 0;
}
