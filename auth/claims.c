/* SPDX-License-Identifier: Apache-2.0
 *
 * claims.c - what a token's claims say of its bearer, whatever its issuer calls them
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  the policy for names; of a token's claims that somebody proved them.
 */
#include "auth/claims.h"
#include "lib/nameset.h"

#define NAME_MAX_BYTES	256	/* of a name, and of a step of a pointer */

static struct json_value
member(struct json_value from, struct span name)
{
	char	text[NAME_MAX_BYTES];

	if (name.n >= sizeof(text))
		return (struct json_value){ JSON_NONE, SPAN_NONE };
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	return json_get(from, text);
}

/* A step of a pointer, with ~1 and ~0 as what they stand for (RFC 6901 3, 4). */
static struct json_value
step(struct json_value from, struct span part)
{
	char	text[NAME_MAX_BYTES];
	size_t	n = 0;

	for (size_t i = 0; i < part.n; i++) {
		if (n == sizeof(text))
			return (struct json_value){ JSON_NONE, SPAN_NONE };
		text[n++] = part.p[i];
		if (part.p[i] == '~' && i + 1 < part.n && (part.p[i + 1] == '0' || part.p[i + 1] == '1'))
			text[n - 1] = part.p[++i] == '1' ? '/' : '~';
	}
	return member(from, span_make(text, n));
}

static struct json_value
look(struct json_value from, struct span name)
{
	const char	*end;
	struct span	 part;

	if (name.n == 0 || name.p[0] != '/')
		return member(from, name);
	while (name.n > 0 && from.type != JSON_NONE) {
		name = span_part(name, 1, name.n);
		end = name.n == 0 ? NULL : memchr(name.p, '/', name.n);
		part = span_part(name, 0, end == NULL ? name.n : (size_t)(end - name.p));
		name = span_part(name, part.n, name.n);
		from = step(from, part);
	}
	return from;
}

static struct json_value
first_of(const struct jwt *t, struct span names)
{
	struct json_value	v = { JSON_NONE, SPAN_NONE };

	while (names.n > 0 && v.type == JSON_NONE)
		v = look(t->claims, nameset_take(&names));
	return v;
}

int
claims_text(const struct jwt *t, struct span names, struct arena *a, struct span *out)
{
	struct json_value	v = first_of(t, names);

	*out = SPAN_NONE;
	return v.type == JSON_STRING ? json_string(v, a, out) : 0;
}

struct gathered {
	struct span	name[NAMESET_MAX];
	size_t		count;
};

static int
gather(struct gathered *g, struct span text, bool words)
{
	const char	*blank;
	size_t		 n;

	while (text.n > 0) {
		blank = words ? memchr(text.p, ' ', text.n) : NULL;
		n = blank == NULL ? text.n : (size_t)(blank - text.p);
		if (n > 0 && g->count == NAMESET_MAX)
			return E_FULL;
		if (n > 0)
			g->name[g->count++] = span_part(text, 0, n);
		text = span_part(text, n + 1, text.n);
	}
	return 0;
}

int
claims_set(const struct jwt *t, struct span names, bool words, struct arena *a, struct span *out)
{
	struct json_value	v = first_of(t, names), e;
	struct gathered		g = { .count = 0 };
	struct json_iter	it;
	struct span		key, text;
	int			r = 0;

	*out = SPAN_NONE;
	if (v.type == JSON_STRING && ((r = json_string(v, a, &text)) != 0 || (r = gather(&g, text, words)) != 0))
		return r;
	if (v.type == JSON_ARRAY)
		for (json_iter_init(&it, v); json_iter_next(&it, &key, &e);)
			if (e.type == JSON_STRING &&
			    ((r = json_string(e, a, &text)) != 0 || (r = gather(&g, text, words)) != 0))
				return r;
	return nameset_make(g.name, g.count, a, out);
}

bool
claims_is_one_of(const struct jwt *t, struct span names, struct span values)
{
	struct json_value	v = first_of(t, names);
	struct span		value;
	char			text[NAME_MAX_BYTES];

	while (values.n > 0) {
		value = nameset_take(&values);
		if (v.type == JSON_NUMBER && span_eq(v.raw, value))
			return true;
		if (v.type != JSON_STRING || value.n >= sizeof(text))
			continue;
		memcpy(text, value.p, value.n);
		text[value.n] = '\0';
		if (json_is(v, text))
			return true;
	}
	return false;
}
