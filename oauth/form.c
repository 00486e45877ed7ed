/* SPDX-License-Identifier: Apache-2.0
 *
 * form.c - names and values of forms and queries (application/x-www-form-urlencoded)
 *
 * Process: mcpgw-scout, mcpgwctl.  Owns: nothing.
 * Trusts:  no query: a browser brings it.
 */
#include "lib/percent.h"
#include "oauth/form.h"

int
oauth_form_put(struct buf *to, const char *name, struct span value)
{
	int	r;

	if (value.n == 0)
		return 0;
	if (buf_rest(to).n > 0 && (r = buf_put_str(to, "&")) != 0)
		return r;
	if ((r = buf_put_str(to, name)) != 0 || (r = buf_put_str(to, "=")) != 0)
		return r;
	return percent_put(to, value);
}

static int
hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ?
	    c - 'A' + 10 : -1;
}

static int
decode(struct span s, struct arena *a, struct span *out)
{
	char	*to = arena_alloc(a, s.n + 1);
	size_t	 n = 0;

	if (to == NULL)
		return E_NOMEM;
	for (size_t i = 0; i < s.n; i++) {
		char	c = s.p[i] == '+' ? ' ' : s.p[i];

		if (c == '%') {
			if (i + 2 >= s.n || hex(s.p[i + 1]) < 0 || hex(s.p[i + 2]) < 0)
				return E_FORMAT;
			c = (char)(hex(s.p[i + 1]) << 4 | hex(s.p[i + 2]));
			i += 2;
		}
		to[n++] = c;
	}
	to[n] = '\0';
	*out = span_make(to, n);
	return 0;
}

int
oauth_form_get(struct span query, const char *name, struct arena *a, struct span *out)
{
	bool	found = false;
	int	r;

	*out = SPAN_NONE;
	while (query.n > 0) {
		const char	*amp = memchr(query.p, '&', query.n);
		struct span	 pair = amp == NULL ? query : span_part(query, 0, (size_t)(amp - query.p));
		const char	*eq = pair.n == 0 ? NULL : memchr(pair.p, '=', pair.n);
		struct span	 key = eq == NULL ? pair : span_part(pair, 0, (size_t)(eq - pair.p));

		query = span_part(query, pair.n + (amp != NULL), query.n);
		if (!span_is(key, name))
			continue;
		if (found)
			return E_FORMAT;
		found = true;
		if ((r = decode(span_part(pair, key.n + (eq != NULL), pair.n), a, out)) != 0)
			return r;
	}
	return 0;
}
