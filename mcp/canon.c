/* SPDX-License-Identifier: Apache-2.0
 *
 * canon.c - a JSON value in one form
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  that the text was proven by the scanner: depth and syntax are not checked again.
 */
#include <stdlib.h>

#include "mcp/canon.h"

#define POWER_MAX	100000000000L
#define DECODED		4		/* an arena gives 16 bytes for the one that "\n", is decoded to */

struct member {
	struct span		name;		/* decoded */
	struct json_value	value;
};

struct canon {
	struct buf	*to;
	struct arena	 names;			/* decoded names and strings */
};

static int
member_cmp(const void *a, const void *b)
{
	const struct member	*x = a, *y = b;

	return span_cmp(x->name, y->name);
}

/* The power behind 'e'.  One that has more digits than any reader looks at is only known to be large. */
static long
power_of(struct span s)
{
	bool	minus = s.n > 0 && s.p[0] == '-';
	long	v = 0;

	for (size_t i = s.n > 0 && (minus || s.p[0] == '+'); i < s.n; i++)
		if (v < POWER_MAX)
			v = v * 10 + (s.p[i] - '0');
	return minus ? -v : v;
}

/* Digits without zeros at either end, and the power of ten that they are multiplied with: 1.0, 1 and 10e-1
 * are the same. */
static int
put_number(struct buf *to, struct span raw)
{
	char	digits[JSON_NUMBER_MAX];
	size_t	n = 0, at = 0;
	long	power = 0;
	bool	minus = raw.p[0] == '-', point = false;
	int	r;

	for (at = minus; at < raw.n && raw.p[at] != 'e' && raw.p[at] != 'E'; at++) {
		if (raw.p[at] == '.') {
			point = true;
			continue;
		}
		power -= point;
		if ((n > 0 || raw.p[at] != '0') && n < sizeof(digits))
			digits[n++] = raw.p[at];
	}
	if (n == 0)
		return buf_put_str(to, "0");
	if (at < raw.n)
		power += power_of(span_part(raw, at + 1, raw.n));
	for (; digits[n - 1] == '0'; n--)
		power++;
	if ((minus && (r = buf_put_str(to, "-")) != 0) || (r = buf_put(to, span_make(digits, n))) != 0)
		return r;
	return buf_put_fmt(to, "e%ld", power);
}

static int
put_string(struct canon *c, struct json_value v)
{
	struct span	s;
	int		r;

	if ((r = json_string(v, &c->names, &s)) != 0)
		return r;
	return json_put_string(c->to, s);
}

static bool
is_without(struct span key, const char *const *without)
{
	return without != NULL && json_is_one_of(json_key(key), without);
}

static int	put_value(struct canon *c, struct json_value v, const char *const *without);

static int
put_object(struct canon *c, struct json_value v, const char *const *without)
{
	struct json_iter	it;
	struct json_value	value;
	struct span		key;
	struct member		*m = NULL;
	size_t			n = 0, i = 0;
	int			r = 0;

	for (json_iter_init(&it, v); json_iter_next(&it, &key, &value); )
		n += !is_without(key, without);
	if (n > 0 && (m = calloc(n, sizeof(*m))) == NULL)
		return E_NOMEM;
	for (json_iter_init(&it, v); r == 0 && json_iter_next(&it, &key, &value); ) {
		if (is_without(key, without))
			continue;
		m[i].value = value;
		r = json_string(json_key(key), &c->names, &m[i++].name);
	}
	if (n > 0)
		qsort(m, n, sizeof(*m), member_cmp);
	if (r == 0)
		r = buf_put_str(c->to, "{");
	for (i = 0; r == 0 && i < n; i++)
		if ((i == 0 || (r = buf_put_str(c->to, ",")) == 0) && (r = json_put_string(c->to, m[i].name)) == 0 &&
		    (r = buf_put_str(c->to, ":")) == 0)
			r = put_value(c, m[i].value, NULL);
	free(m);
	return r != 0 ? r : buf_put_str(c->to, "}");
}

static int
put_array(struct canon *c, struct json_value v)
{
	struct json_iter	it;
	struct json_value	value;
	struct span		key;
	const char		*sep = "[";
	int			r;

	for (json_iter_init(&it, v); json_iter_next(&it, &key, &value); sep = ",")
		if ((r = buf_put_str(c->to, sep)) != 0 || (r = put_value(c, value, NULL)) != 0)
			return r;
	return buf_put_str(c->to, *sep == ',' ? "]" : "[]");
}

/* As deep as the scanner let it be: JSON_DEPTH_MAX. */
static int
put_value(struct canon *c, struct json_value v, const char *const *without)
{
	switch (v.type) {
	case JSON_OBJECT:
		return put_object(c, v, without);
	case JSON_ARRAY:
		return put_array(c, v);
	case JSON_STRING:
		return put_string(c, v);
	case JSON_NUMBER:
		return put_number(c->to, v.raw);
	default:
		return buf_put(c->to, v.raw);
	}
}

int
canon_put(struct buf *to, struct json_value v, const char *const *without)
{
	struct canon	c = { .to = to };
	int		r;

	arena_init(&c.names, NULL, 0, v.raw.n * DECODED + 4096);
	r = put_value(&c, v, without);
	arena_fini(&c.names);
	return r;
}

int
canon_digest(const char *word, struct json_value v, const char *const *without, size_t most,
    struct crypt_digest *out)
{
	struct buf	b;
	int		r;

	buf_init(&b, most + strlen(word) + 1);
	if ((r = buf_put_str(&b, word)) == 0 && (r = buf_put_u8(&b, 0)) == 0 &&
	    (r = canon_put(&b, v, without)) == 0)
		r = crypt_sha256(buf_rest(&b), out);
	buf_fini(&b);
	return r;
}
