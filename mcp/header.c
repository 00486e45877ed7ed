/* SPDX-License-Identifier: Apache-2.0
 *
 * header.c - values of Mcp-Name and Mcp-Param-*: text, or =?base64?...?=
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  nothing in a value; base64 has one spelling (padded, canonical), others are refused.
 */
#include "lib/json.h"
#include "mcp/header.h"

#define MARK_BEGIN	"=?base64?"
#define MARK_END	"?="

static const char digits[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

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

static int
digit_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters to 1..3 bytes; 0 when they are not base64.  Padding is for the last four only. */
static size_t
decode_four(const char *p, bool last, unsigned char to[3])
{
	int	v[4] = { digit_value(p[0]), digit_value(p[1]), digit_value(p[2]), digit_value(p[3]) };
	size_t	n = 3;

	if (last && p[3] == '=') {
		n = p[2] == '=' ? 1 : 2;
		v[3] = 0;
		if (n == 1)
			v[2] = 0;
	}
	if (v[0] == -1 || v[1] == -1 || v[2] == -1 || v[3] == -1)
		return 0;
	if ((n == 1 && (v[1] & 15) != 0) || (n == 2 && (v[2] & 3) != 0))
		return 0;
	to[0] = (unsigned char)(v[0] << 2 | v[1] >> 4);
	to[1] = (unsigned char)(v[1] << 4 | v[2] >> 2);
	to[2] = (unsigned char)(v[2] << 6 | v[3]);
	return n;
}

int
mcp_header_matches(struct span value, struct span want)
{
	struct span	v = span_trim(value);
	unsigned char	three[3];
	size_t		n, at = 0;

	if (!is_marked(v))
		return span_eq(v, want) ? 0 : E_MCP_HEADER;
	v = marked_part(v);
	if (v.n % 4 != 0)
		return E_MCP_HEADER;
	for (size_t i = 0; i < v.n; i += 4, at += n) {
		if ((n = decode_four(v.p + i, i + 4 == v.n, three)) == 0 || n > want.n - at ||
		    memcmp(three, want.p + at, n) != 0)
			return E_MCP_HEADER;
	}
	return at == want.n ? 0 : E_MCP_HEADER;
}

int
mcp_header_decode(struct span value, struct arena *a, struct span *out)
{
	struct span	v = span_trim(value);
	unsigned char	three[3];
	char		*to;
	size_t		n, used = 0;

	*out = SPAN_NONE;
	if (!is_marked(v)) {
		if (!json_utf8_ok(v))
			return E_MCP_HEADER;
		*out = v;
		return 0;
	}
	v = marked_part(v);
	if (v.n % 4 != 0)
		return E_MCP_HEADER;
	if ((to = arena_alloc(a, v.n / 4 * 3 + 1)) == NULL)
		return E_NOMEM;
	for (size_t i = 0; i < v.n; i += 4, used += n) {
		if ((n = decode_four(v.p + i, i + 4 == v.n, three)) == 0)
			return E_MCP_HEADER;
		memcpy(to + used, three, n);
	}
	if (!json_utf8_ok(span_make(to, used)))
		return E_MCP_HEADER;
	*out = span_make(to, used);
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
	if ((r = buf_reserve(to, sizeof(MARK_BEGIN) + sizeof(MARK_END) + (text.n + 2) / 3 * 4, &p)) != 0)
		return r;
	memcpy(p, MARK_BEGIN, sizeof(MARK_BEGIN) - 1);
	p += sizeof(MARK_BEGIN) - 1;
	for (size_t i = 0; i < text.n; i += 3, p += 4) {
		unsigned char	b[3] = { 0 };
		size_t		n = text.n - i < 3 ? text.n - i : 3;

		memcpy(b, text.p + i, n);
		p[0] = digits[b[0] >> 2];
		p[1] = digits[(b[0] & 3) << 4 | b[1] >> 4];
		p[2] = n > 1 ? digits[(b[1] & 15) << 2 | b[2] >> 6] : '=';
		p[3] = n > 2 ? digits[b[2] & 63] : '=';
	}
	memcpy(p, MARK_END, sizeof(MARK_END) - 1);
	buf_commit(to, sizeof(MARK_BEGIN) + sizeof(MARK_END) - 2 + (text.n + 2) / 3 * 4);
	return 0;
}
