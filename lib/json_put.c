/* SPDX-License-Identifier: Apache-2.0
 *
 * json_put.c - writing strings
 *
 * Process: every one that writes JSON.  Owns: nothing.
 * Trusts:  nothing: what is written is JSON whatever the bytes were.
 */
#include "lib/json_priv.h"

static int
put_escape(struct buf *to, unsigned char c)
{
	static const char from[] = "\"\\\b\f\n\r\t", plain[] = "\"\\bfnrt";
	const char	*hit;
	char		 two[2] = "\\";

	if (c != '\0' && (hit = strchr(from, c)) != NULL) {
		two[1] = plain[hit - from];
		return buf_put(to, span_make(two, 2));
	}
	return buf_put_fmt(to, "\\u%04x", c);
}

static int
put_content(struct buf *to, const char *p, const char *end)
{
	const char	*from = p;
	size_t		 n;
	int		 r;

	for (;;) {
		p = json_skip_plain(p, end);
		if (p < end && (n = json_utf8_bytes(p, end)) > 1) {
			p += n;
			continue;
		}
		if (p > from && (r = buf_put(to, span_make(from, (size_t)(p - from)))) != 0)
			return r;
		if (p == end)
			return 0;
		r = (unsigned char)*p < 0x80 ? put_escape(to, (unsigned char)*p) : buf_put_str(to, "\xef\xbf\xbd");
		if (r != 0)
			return r;
		from = ++p;
	}
}

int
json_put_string(struct buf *to, struct span s)
{
	size_t	used = to->used;
	int	r;

	if ((r = buf_put_str(to, "\"")) != 0 ||
	    (s.n > 0 && (r = put_content(to, s.p, s.p + s.n)) != 0) ||
	    (r = buf_put_str(to, "\"")) != 0)
		to->used = used;
	return r;
}
