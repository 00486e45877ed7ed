/* SPDX-License-Identifier: Apache-2.0
 *
 * json_scan.c - the scanner between tokens: structure and wanted members
 *
 * Process: every one that reads JSON.
 * Owns:    the scanner and its name buffer.
 * Trusts:  nothing in the text.
 */
#include <stdlib.h>

#include "lib/bug.h"
#include "lib/json_priv.h"

/* --- wanted members ---------------------------------------------------------------------------- */

static void
wants_chain(struct json_scan *s)
{
	memset(s->first_of, SCAN_NO_WANT, sizeof(s->first_of));
	for (size_t i = s->want_count; i-- > 0;) {
		int	owner = s->wants[i].parent;

		BUG_ON(owner < JSON_ROOT || owner >= (int)i);
		BUG_ON(strlen(s->wants[i].name) > UINT8_MAX);
		s->want_bytes[i] = (uint8_t)strlen(s->wants[i].name);
		s->next_of[i] = s->first_of[owner + 1];
		s->first_of[owner + 1] = (int8_t)i;
	}
}

/* The member `want` came again: what was noted below its first coming is void. */
static void
wants_forget_below(struct json_scan *s, int want)
{
	for (int i = s->first_of[want + 1]; i != SCAN_NO_WANT; i = s->next_of[i]) {
		s->slots[i] = (struct json_slot){ 0 };
		wants_forget_below(s, i);
	}
}

int
scan_name_end(struct json_scan *s, struct span name)
{
	const struct scan_level	*l = &s->level[s->depth];
	int			 r;

	if (l->unique != 0 && (r = scan_names_add(&s->names, l->serial, name)) != 0)
		return r;
	if (l->owner == SCAN_NO_WANT)
		return 0;
	for (int i = s->first_of[l->owner + 1]; i != SCAN_NO_WANT; i = s->next_of[i]) {
		if (s->want_bytes[i] == name.n && memcmp(s->wants[i].name, name.p, name.n) == 0) {
			s->want = (int8_t)i;
			return 0;
		}
	}
	if (s->strangers[l->owner + 1] < UINT16_MAX)
		s->strangers[l->owner + 1]++;
	return 0;
}

static void
value_note(struct json_scan *s, uint64_t at, enum json_type type)
{
	struct json_slot	*slot;

	if (s->depth == 0)
		s->top = (uint8_t)type;
	if (s->want < 0)
		return;
	slot = &s->slots[s->want];
	slot->at = at;
	slot->bytes = 0;
	slot->type = (uint8_t)type;
	if (slot->seen > 0)
		wants_forget_below(s, s->want);
	if (slot->seen < UINT8_MAX)
		slot->seen++;
}

void
scan_value_end(struct json_scan *s, int want, const char *p)
{
	if (want >= 0)
		s->slots[want].bytes = s->base + (uint64_t)(p - s->chunk) - s->slots[want].at;
	s->want = SCAN_NO_WANT;
	s->state = s->depth == 0 ? SCAN_DONE : SCAN_AFTER;
}

/* --- structure --------------------------------------------------------------------------------- */

const char *
scan_fail(struct json_scan *s, const char *p, int error)
{
	s->error = error;
	s->at = s->base + (uint64_t)(p - s->chunk);
	return NULL;
}

static const char *
container_open(struct json_scan *s, const char *p, bool object)
{
	const struct scan_level	*outer = &s->level[s->depth];
	struct scan_level	*l;

	if (s->depth == JSON_DEPTH_MAX)
		return scan_fail(s, p, E_JSON_DEPTH);
	l = &s->level[s->depth + 1];
	l->object = object;
	l->unique = outer->unique & JSON_WANT_UNIQUE_DEEP;
	if (s->depth == 0) {
		l->owner = JSON_ROOT;
		l->unique |= s->top_flags & (JSON_WANT_UNIQUE_MEMBERS | JSON_WANT_UNIQUE_DEEP);
	} else {
		l->owner = s->want;
		if (s->want >= 0)
			l->unique |= s->wants[s->want].flags &
			    (JSON_WANT_UNIQUE_MEMBERS | JSON_WANT_UNIQUE_DEEP);
	}
	l->serial = ++s->serials;
	l->plain = l->unique == 0 &&
	    (!object || l->owner == SCAN_NO_WANT || s->first_of[l->owner + 1] == SCAN_NO_WANT);
	s->depth++;
	s->want = SCAN_NO_WANT;
	s->state = object ? SCAN_NAME_OR_CLOSE : SCAN_VALUE_OR_CLOSE;
	return p + 1;
}

static const char *
container_close(struct json_scan *s, const char *p)
{
	int	owner = s->level[s->depth].owner;

	s->depth--;
	scan_value_end(s, owner, p + 1);
	return p + 1;
}

static const char *
string_begin(struct json_scan *s, const char *p, const char *end, bool is_name)
{
	const char	*behind;
	bool		 escaped;

	s->is_name = is_name;
	s->keeps_name = is_name && !s->level[s->depth].plain;
	behind = json_fast_string(p + 1, end, &escaped);
	if (behind != NULL && !is_name) {
		scan_value_end(s, s->want, behind);
		return behind;
	}
	if (behind != NULL && !escaped && behind - p - 2 <= JSON_NAME_MAX) {
		int	r;

		s->state = SCAN_COLON;
		s->want = SCAN_NO_WANT;
		r = s->keeps_name ? scan_name_end(s, span_make(p + 1, (size_t)(behind - p) - 2)) : 0;
		return r != 0 ? scan_fail(s, behind, r) : behind;
	}
	s->state = SCAN_STRING;
	s->name_from = s->keeps_name ? p + 1 : NULL;
	if (s->keeps_name)
		buf_clear(&s->name);
	return scan_string(s, p + 1, end);
}

static const char *
literal_begin(struct json_scan *s, const char *p, const char *rest, enum json_type type, uint64_t at)
{
	value_note(s, at, type);
	s->state = SCAN_LITERAL;
	s->literal = rest;
	return p + 1;
}

static const char *
literal_more(struct json_scan *s, const char *p, const char *end)
{
	while (p < end && *s->literal != '\0') {
		if (*p != *s->literal)
			return scan_fail(s, p, E_JSON_SYNTAX);
		p++;
		s->literal++;
	}
	if (*s->literal == '\0')
		scan_value_end(s, s->want, p);
	return p;
}

static const char *
value_begin(struct json_scan *s, const char *p, const char *end)
{
	uint64_t	at = s->base + (uint64_t)(p - s->chunk);

	switch (*p) {
	case '"':
		value_note(s, at, JSON_STRING);
		return string_begin(s, p, end, false);
	case '{':
		value_note(s, at, JSON_OBJECT);
		return container_open(s, p, true);
	case '[':
		value_note(s, at, JSON_ARRAY);
		return container_open(s, p, false);
	case 't':
		return literal_begin(s, p, "rue", JSON_TRUE, at);
	case 'f':
		return literal_begin(s, p, "alse", JSON_FALSE, at);
	case 'n':
		return literal_begin(s, p, "ull", JSON_NULL, at);
	case '-': case '0': case '1': case '2': case '3': case '4':
	case '5': case '6': case '7': case '8': case '9':
		value_note(s, at, JSON_NUMBER);
		s->state = SCAN_NUMBER;
		s->token_at = at;
		s->number = *p == '-' ? NUMBER_SIGN : *p == '0' ? NUMBER_ZERO : NUMBER_DIGITS;
		return scan_number(s, p + 1, end);
	default:
		return scan_fail(s, p, E_JSON_SYNTAX);
	}
}

/* One character that is no blank, in a state between tokens. */
static const char *
structure_step(struct json_scan *s, const char *p, const char *end)
{
	const struct scan_level	*l = &s->level[s->depth];

	switch (s->state) {
	case SCAN_VALUE_OR_CLOSE:
		if (*p == ']')
			return container_close(s, p);
		return value_begin(s, p, end);
	case SCAN_VALUE:
		return value_begin(s, p, end);
	case SCAN_NAME_OR_CLOSE:
		if (*p == '}')
			return container_close(s, p);
		/* fallthrough */
	case SCAN_NAME:
		if (*p == '"')
			return string_begin(s, p, end, true);
		break;
	case SCAN_COLON:
		if (*p != ':')
			break;
		s->state = SCAN_VALUE;
		return p + 1;
	case SCAN_AFTER:
		if (*p == ',') {
			s->state = l->object ? SCAN_NAME : SCAN_VALUE;
			return p + 1;
		}
		if (*p == (l->object ? '}' : ']'))
			return container_close(s, p);
		break;
	default:
		break;
	}
	return scan_fail(s, p, E_JSON_SYNTAX);
}

int
json_scan_feed(struct json_scan *s, struct span chunk)
{
	const char	*p = chunk.p, *end;
	int		 r;

	if (s->error != 0 || chunk.n == 0)
		return s->error;
	end = p + chunk.n;
	s->chunk = p;
	if (s->keeps_name && (s->state == SCAN_STRING || s->state == SCAN_UTF8))
		s->name_from = p;
	while (p != NULL && p < end) {
		switch (s->state) {
		case SCAN_STRING:
			p = scan_string(s, p, end);
			break;
		case SCAN_UTF8: case SCAN_ESCAPE: case SCAN_HEX: case SCAN_LOW:
			p = scan_string_inside(s, p, end);
			break;
		case SCAN_NUMBER:
			p = scan_number(s, p, end);
			break;
		case SCAN_LITERAL:
			p = literal_more(s, p, end);
			break;
		default:
			if (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r') {
				p++;
				break;
			}
			if (s->level[s->depth].plain) {
				p = scan_plain(s, p, end);
				if (p == end || !s->level[s->depth].plain)
					break;
			}
			p = structure_step(s, p, end);
		}
	}
	if (p == NULL)
		return s->error;
	/* The chunk goes away: a name that is cut keeps its first part. */
	if (s->keeps_name && s->name_from != NULL && (s->state == SCAN_STRING || s->state == SCAN_UTF8) &&
	    end > s->name_from &&
	    (r = buf_put(&s->name, span_make(s->name_from, (size_t)(end - s->name_from)))) != 0) {
		(void)scan_fail(s, end, r);
		return r;
	}
	s->name_from = NULL;
	s->base += chunk.n;
	s->at = s->base;
	return 0;
}

int
json_scan_end(struct json_scan *s)
{
	int	r;

	if (s->error != 0)
		return s->error;
	/* Only a blank tells that a number at the top is over; it does not count as text. */
	if (s->state == SCAN_NUMBER && s->depth == 0) {
		if ((r = json_scan_feed(s, SPAN_LIT(" "))) != 0)
			return r;
		s->base--;
		s->at--;
	}
	if (s->state != SCAN_DONE)
		s->error = E_JSON_SYNTAX;
	return s->error;
}

/* --- birth, death ------------------------------------------------------------------------------ */

int
scan_init(struct json_scan *s, const struct json_want *wants, size_t count, uint8_t top_flags)
{
	int	r;

	BUG_ON(count > JSON_WANTS_MAX);
	if ((r = scan_names_ready()) != 0)
		return r;
	s->wants = wants;
	s->want_count = count;
	s->top_flags = top_flags;
	wants_chain(s);
	buf_init(&s->name, JSON_NAME_MAX);
	s->names.at = NULL;
	json_scan_reset(s);
	return 0;
}

void
scan_fini(struct json_scan *s)
{
	buf_fini(&s->name);
	scan_names_clear(&s->names);
}

int
json_scan_new(const struct json_want *wants, size_t count, uint8_t unique_top, struct json_scan **out)
{
	struct json_scan	*s;
	int			 r;

	*out = NULL;
	if ((s = malloc(sizeof(*s))) == NULL)
		return E_NOMEM;
	if ((r = scan_init(s, wants, count, unique_top)) != 0) {
		free(s);
		return r;
	}
	*out = s;
	return 0;
}

void
json_scan_free(struct json_scan **s)
{
	if (*s != NULL) {
		scan_fini(*s);
		free(*s);
	}
	*s = NULL;
}

void
json_scan_reset(struct json_scan *s)
{
	memset(s->slots, 0, s->want_count * sizeof(s->slots[0]));
	memset(s->strangers, 0, sizeof(s->strangers));
	s->state = SCAN_VALUE;
	s->error = 0;
	s->top = JSON_NONE;
	s->depth = 0;
	s->want = SCAN_NO_WANT;
	s->level[0] = (struct scan_level){ .owner = SCAN_NO_WANT };
	s->serials = 0;
	s->chunk = NULL;
	s->base = s->at = 0;
	s->high = 0;
	s->is_name = s->keeps_name = false;
	s->name_from = NULL;
	buf_clear(&s->name);
	scan_names_clear(&s->names);
}

const struct json_slot *
json_scan_slots(const struct json_scan *s)
{
	return s->slots;
}

unsigned
json_scan_strangers(const struct json_scan *s, int owner)
{
	BUG_ON(owner < JSON_ROOT || owner >= (int)s->want_count);
	return s->strangers[owner + 1];
}

enum json_type
json_scan_top(const struct json_scan *s)
{
	return (enum json_type)s->top;
}

uint64_t
json_scan_at(const struct json_scan *s)
{
	return s->at;
}
