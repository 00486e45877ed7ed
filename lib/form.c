/* SPDX-License-Identifier: Apache-2.0
 *
 * form.c - forms and queries: application/x-www-form-urlencoded
 *
 * Process: worker, mcpgw-scout, mcpgwctl.  Owns: nothing.
 * Trusts:  no byte of it.
 */
#include "lib/form.h"
#include "lib/num.h"
#include "lib/percent.h"

int
form_decode(struct span text, struct arena *a, struct span *out)
{
	char	*to;
	size_t	 n = 0;
	int	 c, high, low;

	*out = SPAN_NONE;
	if (text.n == 0)
		return 0;
	if ((to = arena_alloc(a, text.n)) == NULL)
		return E_NOMEM;
	for (size_t i = 0; i < text.n; i++) {
		c = (unsigned char)text.p[i];
		if (c == '+') {
			c = ' ';
		} else if (c == '%') {
			if (text.n - i < 3 || (high = num_hex_digit(text.p[i + 1])) < 0 ||
			    (low = num_hex_digit(text.p[i + 2])) < 0)
				return E_FORMAT;
			c = high << 4 | low;
			i += 2;
		}
		if (c == '\0')
			return E_FORMAT;
		to[n++] = (char)c;
	}
	*out = span_make(to, n);
	return 0;
}

int
form_find(struct span form, const char *name, struct arena *a, struct span *out)
{
	const char	*end;
	struct span	 part, key, value, raw = SPAN_NONE;
	bool		 found = false;
	int		 r;

	*out = SPAN_NONE;
	for (; form.n > 0; form = span_part(form, part.n + 1, form.n)) {
		end = memchr(form.p, '&', form.n);
		part = span_part(form, 0, end == NULL ? form.n : (size_t)(end - form.p));
		end = part.n == 0 ? NULL : memchr(part.p, '=', part.n);
		value = end == NULL ? SPAN_NONE : span_part(part, (size_t)(end - part.p) + 1, part.n);
		if ((r = form_decode(span_part(part, 0, end == NULL ? part.n : (size_t)(end - part.p)), a, &key)) != 0)
			return r;
		if (!span_is(key, name))
			continue;
		if (found)
			return E_EXISTS;
		found = true;
		raw = value;
	}
	if ((r = form_decode(raw, a, out)) == 0 && found && out->n == 0)
		*out = SPAN_LIT("");
	return r;
}

int
form_put(struct buf *to, const char *name, struct span value)
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
