/* SPDX-License-Identifier: Apache-2.0
 *
 * json_walk.c - going over proven text: members, elements, strings, whole numbers
 *
 * Process: every one that reads JSON.  Owns: nothing; all values point into the caller's text.
 * Trusts:  that the text was proven.  What is not JSON gives a wrong value, never a byte outside it.
 */
#include "lib/json_priv.h"
#include "lib/num.h"

int
json_parse(struct span text, bool unique, struct json_value *out, size_t *at)
{
	static const struct json_want	no_want[1];
	struct json_scan		s;
	struct span			raw = text;
	int				r;

	*out = (struct json_value){ JSON_NONE, SPAN_NONE };
	if ((r = scan_init(&s, no_want, 0, unique ? JSON_WANT_UNIQUE_DEEP : 0)) != 0)
		return r;
	if ((r = json_scan_feed(&s, text)) == 0)
		r = json_scan_end(&s);
	if (at != NULL)
		*at = (size_t)json_scan_at(&s);
	if (r == 0) {
		while (strchr(" \n\t\r", raw.p[0]) != NULL)
			raw.p++, raw.n--;
		while (strchr(" \n\t\r", raw.p[raw.n - 1]) != NULL)
			raw.n--;
		*out = (struct json_value){ json_scan_top(&s), raw };
	}
	scan_fini(&s);
	return r;
}

/* --- values ------------------------------------------------------------------------------------ */

static const char *
skip_blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
		p++;
	return p;
}

/* p is at the opening quote; answers the place behind the closing one. */
static const char *
skip_string(const char *p, const char *end)
{
	for (p++; p < end; p++) {
		p = json_skip_plain(p, end);
		if (p == end)
			break;
		if (*p == '"')
			return p + 1;
		if (*p == '\\' && ++p == end)
			break;
	}
	return end;
}

static const char *
skip_container(const char *p, const char *end)
{
	size_t	depth = 0;

	while (p < end) {
		switch (*p) {
		case '"':
			p = skip_string(p, end);
			continue;
		case '{': case '[':
			depth++;
			break;
		case '}': case ']':
			if (--depth == 0)
				return p + 1;
			break;
		default:
			break;
		}
		p++;
	}
	return end;
}

static const char *
value_at(const char *p, const char *end, struct json_value *out)
{
	const char	*from = p;

	*out = (struct json_value){ JSON_NONE, SPAN_NONE };
	if (p == end)
		return end;
	switch (*p) {
	case '"':
		out->type = JSON_STRING;
		p = skip_string(p, end);
		break;
	case '{': case '[':
		out->type = *p == '{' ? JSON_OBJECT : JSON_ARRAY;
		p = skip_container(p, end);
		break;
	default:
		out->type = *p == 't' ? JSON_TRUE : *p == 'f' ? JSON_FALSE : *p == 'n' ? JSON_NULL : JSON_NUMBER;
		while (p < end && *p != ',' && *p != '}' && *p != ']' && *p != ' ' && *p != '\n' &&
		    *p != '\t' && *p != '\r')
			p++;
	}
	out->raw = span_make(from, (size_t)(p - from));
	return p;
}

void
json_iter_init(struct json_iter *it, struct json_value container)
{
	*it = (struct json_iter){ .object = container.type == JSON_OBJECT };
	if ((container.type != JSON_OBJECT && container.type != JSON_ARRAY) || container.raw.n < 2)
		return;
	it->p = container.raw.p + 1;
	it->end = container.raw.p + container.raw.n - 1;
}

void
json_iter_members(struct json_iter *it, struct span text)
{
	*it = (struct json_iter){ .p = text.p, .end = text.p + text.n, .object = true };
}

void
json_iter_know(struct json_iter *it, const struct json_value *known, size_t count)
{
	it->known = known;
	it->known_count = count;
}

/* The value at p, and the place behind it. */
static const char *
iter_value(const struct json_iter *it, const char *p, struct json_value *value)
{
	for (size_t i = 0; i < it->known_count; i++) {
		if (it->known[i].raw.p == p && it->known[i].type != JSON_NONE) {
			*value = it->known[i];
			return p + value->raw.n;
		}
	}
	return value_at(p, it->end, value);
}

bool
json_iter_next(struct json_iter *it, struct span *key, struct json_value *value)
{
	const char	*p, *name;

	*key = SPAN_NONE;
	if (it->p == NULL)
		return false;
	p = skip_blanks(it->p, it->end);
	if (p < it->end && *p == ',')
		p = skip_blanks(p + 1, it->end);
	if (it->object && p < it->end) {
		name = p;
		p = skip_string(p, it->end);
		*key = span_make(name + 1, p - name >= 2 ? (size_t)(p - name) - 2 : 0);
		p = skip_blanks(p, it->end);
		if (p < it->end)
			p = skip_blanks(p + 1, it->end);	/* the colon */
	}
	if (p == it->end) {
		it->p = NULL;
		*value = (struct json_value){ JSON_NONE, SPAN_NONE };
		return false;
	}
	it->p = iter_value(it, p, value);
	return true;
}

/* --- strings ----------------------------------------------------------------------------------- */

static uint32_t
hex4(const char *p)
{
	uint32_t	v = 0;

	for (int i = 0; i < 4; i++) {
		unsigned char c = (unsigned char)p[i];

		v = v << 4 | (c <= '9' ? (uint32_t)c - '0' : ((uint32_t)c | 0x20) - 'a' + 10);
	}
	return v;
}

/* Decodes what stands at p, one escape or one byte, to `to`; answers the place behind it. */
static const char *
decode_step(const char *p, const char *end, char to[4], size_t *got)
{
	static const char from[] = "bfnrt", plain[] = "\b\f\n\r\t";
	const char	*hit;
	uint32_t	 code;

	*got = 1;
	to[0] = *p;
	if (*p != '\\' || end - p < 2)
		return p + 1;
	to[0] = p[1];
	if (p[1] != 'u') {
		if (p[1] != '\0' && (hit = strchr(from, p[1])) != NULL)
			to[0] = plain[hit - from];
		return p + 2;
	}
	if (end - p < 6)
		return end;
	code = hex4(p + 2) & 0xffff;
	p += 6;
	if (code >= 0xd800 && code <= 0xdbff && end - p >= 6) {
		code = 0x10000 + ((code - 0xd800) << 10) + ((hex4(p + 2) - 0xdc00) & 0x3ff);
		p += 6;
	}
	*got = json_utf8_put(code, to);
	return p;
}

/* The content between the quotes, still escaped. */
static struct span
inside(struct json_value v)
{
	if (v.type != JSON_STRING || v.raw.n < 2)
		return SPAN_NONE;
	return span_make(v.raw.p + 1, v.raw.n - 2);
}

int
json_string(struct json_value v, struct arena *a, struct span *out)
{
	struct span	 s = inside(v);
	const char	*p, *end;
	char		*to, piece[4];
	size_t		 used = 0, got;

	*out = SPAN_NONE;
	if (v.type != JSON_STRING)
		return E_FORMAT;
	if (s.n == 0 || memchr(s.p, '\\', s.n) == NULL) {
		*out = s;
		return 0;
	}
	if ((to = arena_alloc(a, s.n)) == NULL)		/* decoding never makes it longer */
		return E_NOMEM;
	for (p = s.p, end = s.p + s.n; p < end;) {
		p = decode_step(p, end, piece, &got);
		memcpy(to + used, piece, got);
		used += got;
	}
	*out = span_make(to, used);
	return 0;
}

bool
json_is(struct json_value v, const char *cstr)
{
	struct span	 s = inside(v);
	size_t		 left = strlen(cstr), got;
	const char	*p, *end;
	char		 piece[4];

	if (v.type != JSON_STRING)
		return false;
	if (s.n == 0 || memchr(s.p, '\\', s.n) == NULL)
		return s.n == left && (left == 0 || memcmp(s.p, cstr, left) == 0);
	for (p = s.p, end = s.p + s.n; p < end; cstr += got, left -= got) {
		p = decode_step(p, end, piece, &got);
		if (got > left || memcmp(cstr, piece, got) != 0)
			return false;
	}
	return left == 0;
}

bool
json_is_one_of(struct json_value v, const char *const *names)
{
	for (; *names != NULL; names++)
		if (json_is(v, *names))
			return true;
	return false;
}

struct json_value
json_get(struct json_value v, const char *name)
{
	struct json_iter	it;
	struct json_value	value;
	struct span		key;

	if (v.type == JSON_OBJECT) {
		json_iter_init(&it, v);
		while (json_iter_next(&it, &key, &value))
			if (json_is(json_key(key), name))
				return value;
	}
	return (struct json_value){ JSON_NONE, SPAN_NONE };
}

/* --- whole numbers ----------------------------------------------------------------------------- */

bool
json_is_integer(struct span raw)
{
	size_t	i = raw.n > 0 && raw.p[0] == '-' ? 1 : 0;

	if (i == raw.n || (raw.p[i] == '0' && raw.n > i + 1))
		return false;
	for (; i < raw.n; i++)
		if (raw.p[i] < '0' || raw.p[i] > '9')
			return false;
	return true;
}

int
json_u64(struct json_value v, uint64_t *out)
{
	*out = 0;
	if (v.type != JSON_NUMBER || !json_is_integer(v.raw))
		return E_FORMAT;
	if (v.raw.p[0] == '-')
		return span_is(v.raw, "-0") ? 0 : E_RANGE;
	return num_u64(v.raw, out);
}

int
json_i64(struct json_value v, int64_t *out)
{
	uint64_t	u;
	bool		minus;
	int		r;

	*out = 0;
	if (v.type != JSON_NUMBER || !json_is_integer(v.raw))
		return E_FORMAT;
	minus = v.raw.p[0] == '-';
	if ((r = num_u64(span_part(v.raw, minus ? 1 : 0, v.raw.n), &u)) != 0)
		return r;
	if (u > (uint64_t)INT64_MAX + (minus ? 1 : 0))
		return E_RANGE;
	*out = minus ? (int64_t)(0 - u) : (int64_t)u;
	return 0;
}
