/* SPDX-License-Identifier: Apache-2.0
 *
 * header.c - values of Mcp-Name and Mcp-Param-*: text, or =?base64?...?=
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  nothing in a value; base64 has one spelling (padded, canonical), which is compared with.
 */
#include "lib/b64.h"
#include "mcp/header.h"

#define MARK_BEGIN	"=?base64?"
#define MARK_END	"?="

/* A value that only begins or only ends like the mark is literal. */
static bool
is_marked(struct span v)
{
	return v.n >= sizeof(MARK_BEGIN) + sizeof(MARK_END) - 2 && span_starts(v, SPAN_LIT(MARK_BEGIN)) &&
	    memcmp(v.p + v.n - 2, MARK_END, 2) == 0;
}

static struct span
marked_part(struct span v)
{
	return span_part(v, sizeof(MARK_BEGIN) - 1, v.n - (sizeof(MARK_BEGIN) + sizeof(MARK_END) - 2));
}

/* A text has one base64 form, so the value is not decoded. */
int
mcp_header_matches(struct span value, struct span want)
{
	struct span	v = span_trim(value);
	char		four[4];

	if (!is_marked(v))
		return span_eq(v, want) ? 0 : E_MCP_HEADER;
	v = marked_part(v);
	if (v.n != B64_CHARS(want.n))
		return E_MCP_HEADER;
	for (size_t i = 0; i < want.n; i += 3, v.p += 4) {
		b64_four(want.p + i, want.n - i, four);
		if (memcmp(v.p, four, 4) != 0)
			return E_MCP_HEADER;
	}
	return 0;
}

int
mcp_header_decode(struct span value, char *to, size_t room, struct span *out)
{
	struct span	v = span_trim(value);
	size_t		n;
	int		r;

	*out = v;
	if (!is_marked(v))
		return 0;
	if ((r = b64_decode(marked_part(v), (uint8_t *)to, room, &n)) != 0)
		return r == E_TOOBIG ? r : E_MCP_HEADER;
	*out = span_make(to, n);
	return 0;
}

static bool
can_stand(struct span text)
{
	if (text.n == 0 || is_marked(text) || span_trim(text).n != text.n)
		return false;
	for (size_t i = 0; i < text.n; i++)
		if ((text.p[i] < 0x20 || text.p[i] > 0x7e) && text.p[i] != '\t')
			return false;
	return true;
}

int
mcp_header_encode(struct buf *to, struct span text)
{
	char	*p;
	int	 r;

	if (can_stand(text))
		return buf_put(to, text);
	if ((r = buf_reserve(to, sizeof(MARK_BEGIN) + sizeof(MARK_END) + B64_CHARS(text.n), &p)) != 0)
		return r;
	memcpy(p, MARK_BEGIN, sizeof(MARK_BEGIN) - 1);
	p += sizeof(MARK_BEGIN) - 1;
	for (size_t i = 0; i < text.n; i += 3, p += 4)
		b64_four(text.p + i, text.n - i, p);
	memcpy(p, MARK_END, sizeof(MARK_END) - 1);
	buf_commit(to, sizeof(MARK_BEGIN) + sizeof(MARK_END) - 2 + B64_CHARS(text.n));
	return 0;
}
