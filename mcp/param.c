/* SPDX-License-Identifier: Apache-2.0
 *
 * param.c - Mcp-Param-*: arguments of a call that its header fields repeat
 *
 * Process: worker.  Owns: nothing; what is read from a schema lives in the caller's arena.
 * Trusts:  that schema and arguments are proven JSON, so that their depth is bounded; nothing in a header.
 */
#include "lib/num.h"
#include "mcp/header.h"
#include "mcp/param.h"
#include "mcp/schema.h"

#define WHOLE_MAX	((UINT64_C(1) << 53) - 1)	/* mcp-wire 5 */
#define WHOLE_CHARS	32
#define EXPONENT_MAX	100000		/* past any that JSON_NUMBER_MAX digits could make good */

/* --- what a schema asks for ---------------------------------------------------------------------- */

struct reading {
	struct arena		*arena;
	struct mcp_param	 param[SCHEMA_HEADERS_MAX];
	uint8_t			 count;
};

static int
read_one(struct span name, const struct span *path, size_t depth, void *arg)
{
	struct reading		*rd = arg;
	struct mcp_param	*p = &rd->param[rd->count++];
	const char		**keys;
	struct span		 key;

	p->field = arena_fmt(rd->arena, MCP_PARAM_PREFIX "%.*s", SPAN_FMT(name)).p;
	if (p->field == NULL || (keys = arena_alloc(rd->arena, (depth + 1) * sizeof(*keys))) == NULL)
		return E_NOMEM;
	for (size_t i = 0; i < depth; i++) {
		if (json_string(json_key(path[i]), rd->arena, &key) != 0 ||
		    (key = arena_dup(rd->arena, key)).p == NULL)
			return E_NOMEM;
		keys[i] = key.p;
	}
	keys[depth] = NULL;
	p->path = keys;
	return 0;
}

int
mcp_params_read(struct json_value schema, struct arena *a, const struct mcp_param **out, uint8_t *count)
{
	struct reading		 rd = { .arena = a };
	struct mcp_param	*kept;
	int			 r;

	*out = NULL;
	*count = 0;
	if ((r = mcp_schema_headers(schema, read_one, &rd)) != 0 || rd.count == 0)
		return r;
	if ((kept = arena_alloc(a, rd.count * sizeof(*kept))) == NULL)
		return E_NOMEM;
	memcpy(kept, rd.param, rd.count * sizeof(*kept));
	*out = kept;
	*count = rd.count;
	return 0;
}

/* --- the value of a call ------------------------------------------------------------------------- */

int
mcp_param_find(const struct mcp_param *p, struct json_value arguments, struct json_value *out)
{
	const struct json_value	none = { JSON_NONE, SPAN_NONE };
	struct json_value	at = arguments, value;
	struct json_iter	it;
	struct span		key;

	for (const char *const *name = p->path; *name != NULL; name++) {
		*out = none;
		if (at.type != JSON_OBJECT)
			return 0;
		json_iter_init(&it, at);
		while (json_iter_next(&it, &key, &value)) {
			if (!json_is(json_key(key), *name))
				continue;
			if (out->type != JSON_NONE)
				return E_RPC_PARAMS;
			*out = value;
		}
		at = *out;
	}
	if (out->type == JSON_NULL)
		*out = none;
	return 0;
}

/* --- whole numbers ------------------------------------------------------------------------------- */

struct whole {
	bool		negative;
	uint64_t	n;
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* JSON's numbers without an exponent: what a header may say. */
static bool
is_decimal(struct span s)
{
	size_t	i = s.n > 0 && s.p[0] == '-' ? 1 : 0, from = i;

	while (i < s.n && is_digit(s.p[i]))
		i++;
	if (i == from || (s.p[from] == '0' && i > from + 1))
		return false;
	if (i == s.n)
		return true;
	if (s.p[i] != '.' || i + 1 == s.n)
		return false;
	for (i++; i < s.n; i++)
		if (!is_digit(s.p[i]))
			return false;
	return true;
}

/* The exponent of a number, from behind its "e"; cut to EXPONENT_MAX. */
static long
exponent_of(struct span s)
{
	bool	negative = s.n > 0 && s.p[0] == '-';
	long	e = 0;

	for (size_t i = 0; i < s.n && e < EXPONENT_MAX; i++)
		if (is_digit(s.p[i]))
			e = e * 10 + (s.p[i] - '0');
	return negative ? -e : e;
}

/* What a JSON number counts, exactly: no double is asked.  E_FORMAT when it has a fraction, or is out of
 * range. */
static int
whole_read(struct span raw, struct whole *out)
{
	struct span	 digits = raw;
	const char	*e;
	long		 exponent = 0, zeros = 0;
	bool		 fraction = false;

	*out = (struct whole){ raw.n > 0 && raw.p[0] == '-', 0 };
	for (e = raw.p; e < raw.p + raw.n && (*e | 0x20) != 'e'; e++)
		;
	digits.n = (size_t)(e - raw.p);
	if (digits.n < raw.n)
		exponent = exponent_of(span_part(raw, digits.n + 1, raw.n));
	/* Zeros count only when another digit follows: those at the end are the exponent's. */
	for (size_t i = 0; i < digits.n; i++) {
		fraction = fraction || digits.p[i] == '.';
		if (!is_digit(digits.p[i]))
			continue;
		exponent -= fraction;
		if (digits.p[i] == '0') {
			zeros++;
			continue;
		}
		for (; zeros > 0; zeros--)
			if (out->n > 0 && (out->n *= 10) > WHOLE_MAX)
				return E_FORMAT;
		if ((out->n = out->n * 10 + (uint64_t)(digits.p[i] - '0')) > WHOLE_MAX)
			return E_FORMAT;
	}
	if (out->n == 0) {
		out->negative = false;
		return 0;
	}
	exponent += zeros;
	if (exponent < 0)
		return E_FORMAT;
	for (; exponent > 0; exponent--)
		if ((out->n *= 10) > WHOLE_MAX)
			return E_FORMAT;
	return 0;
}

static struct span
whole_text(const struct whole *w, char to[WHOLE_CHARS])
{
	size_t	n = 0;

	if (w->negative)
		to[n++] = '-';
	n += num_decimal(w->n, to + n);
	return span_make(to, n);
}

/* --- values and headers -------------------------------------------------------------------------- */

/* The text that a header repeats, in `a`, the caller's bytes or the value itself. */
static int
text_of(struct json_value value, struct arena *a, char number[WHOLE_CHARS], struct span *out)
{
	struct whole	w;
	int		r;

	switch (value.type) {
	case JSON_STRING:
		return json_string(value, a, out);
	case JSON_TRUE:
	case JSON_FALSE:
		*out = value.raw;
		return 0;
	case JSON_NUMBER:
		if ((r = whole_read(value.raw, &w)) != 0)
			return r;
		*out = whole_text(&w, number);
		return 0;
	default:
		return E_FORMAT;
	}
}

int
mcp_param_encode(struct buf *to, struct json_value value, struct arena *a)
{
	char		number[WHOLE_CHARS];
	struct span	text;
	int		r;

	if ((r = text_of(value, a, number, &text)) != 0)
		return r;
	return mcp_header_encode(to, text);
}

int
mcp_param_matches(struct span header, struct json_value value, struct arena *a)
{
	char		number[WHOLE_CHARS], said[WHOLE_CHARS], decoded[256];
	struct whole	w;
	struct span	text;
	int		r;

	if ((r = text_of(value, a, number, &text)) != 0)
		return r;
	if ((r = mcp_header_matches(header, text)) == 0 || value.type != JSON_NUMBER)
		return r;
	if (mcp_header_decode(header, decoded, sizeof(decoded), &header) != 0 || !is_decimal(header) ||
	    whole_read(header, &w) != 0)
		return E_MCP_HEADER;
	return span_eq(whole_text(&w, said), text) ? 0 : E_MCP_HEADER;
}
