/* SPDX-License-Identifier: Apache-2.0
 *
 * json_fast.c - the scanner where a token lies whole in the chunk, and where nothing is to be noted
 *
 * Process: every one that reads JSON.  Owns: nothing.
 * Trusts:  nothing in the text.  What is not plainly right is left to the slow way, byte by byte and
 *          resumable, which is the only one that refuses.
 */
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "lib/json_priv.h"

#define ONES	UINT64_C(0x0101010101010101)
#define HIGHS	UINT64_C(0x8080808080808080)

static bool
byte_is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* Whether any of 8 bytes is not plain.  May say yes for a plain byte above a special one, which the
 * caller looks at byte by byte anyway. */
static bool
word_has_special(uint64_t w)
{
	uint64_t quote = w ^ (ONES * '"'), slash = w ^ (ONES * '\\');

	return (((quote - ONES) | (slash - ONES) | (w - ONES * 0x20) | w) & HIGHS) != 0;
}

static inline const char *
skip_plain(const char *p, const char *end)
{
	uint64_t	w;

#ifdef __SSE2__
	const __m128i	quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'), low = _mm_set1_epi8(0x20);

	while (end - p >= 16) {
		__m128i	v = _mm_loadu_si128((const __m128i *)(const void *)p);
		/* Signed: bytes of 0x80 and more count as less than a blank, as controls do. */
		__m128i	bad = _mm_or_si128(_mm_cmplt_epi8(v, low),
			    _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash)));
		unsigned mask = (unsigned)_mm_movemask_epi8(bad);

		if (mask != 0)
			return p + __builtin_ctz(mask);
		p += 16;
	}
#endif
	while (end - p >= 8) {
		memcpy(&w, p, 8);
		if (word_has_special(w))
			break;
		p += 8;
	}
	while (p < end && byte_is_plain((unsigned char)*p))
		p++;
	return p;
}

const char *
json_skip_plain(const char *p, const char *end)
{
	return skip_plain(p, end);
}

/* --- whole tokens -------------------------------------------------------------------------------- */

static bool
hex4(const char *p, uint32_t *out)
{
	uint32_t	v = 0;

	for (int i = 0; i < 4; i++) {
		unsigned char	c = (unsigned char)p[i];

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint32_t)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			v = v << 4 | (uint32_t)((c | 0x20) - 'a' + 10);
		else
			return false;
	}
	*out = v;
	return true;
}

/* p is at a backslash; the place behind the escape, or NULL. */
static const char *
fast_escape(const char *p, const char *end)
{
	uint32_t	code, low;

	if (end - p < 2)
		return NULL;
	switch (p[1]) {
	case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
		return p + 2;
	case 'u':
		break;
	default:
		return NULL;
	}
	if (end - p < 6 || !hex4(p + 2, &code) || code == 0 || (code >= 0xdc00 && code <= 0xdfff))
		return NULL;
	if (code < 0xd800 || code > 0xdbff)
		return p + 6;
	if (end - p < 12 || p[6] != '\\' || p[7] != 'u' || !hex4(p + 8, &low) || low < 0xdc00 || low > 0xdfff)
		return NULL;
	return p + 12;
}

/* U+1000 to U+CFFF and U+E000 to U+FFFF: three bytes without a special case. */
static bool
is_common_three(const char *p, const char *end)
{
	unsigned char	lead = (unsigned char)*p;

	return end - p >= 3 && lead > 0xe0 && lead < 0xf0 && lead != 0xed &&
	    ((unsigned char)p[1] & 0xc0) == 0x80 && ((unsigned char)p[2] & 0xc0) == 0x80;
}

/* From a byte that is not plain. */
static const char *
fast_string_rest(const char *p, const char *end, bool *escaped)
{
	size_t	n;

	*escaped = false;
	for (;; p = skip_plain(p, end)) {
		if (p == end)
			return NULL;
		if (*p == '"')
			return p + 1;
		if (*p == '\\') {
			*escaped = true;
			if ((p = fast_escape(p, end)) == NULL)
				return NULL;
			continue;
		}
		/* Text that is not Latin comes in runs. */
		while (p < end && (unsigned char)*p >= 0x80) {
			n = is_common_three(p, end) ? 3 : json_utf8_bytes(p, end);
			if (n == 0)
				return NULL;
			p += n;
		}
		if (p < end && (unsigned char)*p < 0x20)
			return NULL;
	}
}

const char *
json_fast_string(const char *p, const char *end, bool *escaped)
{
	return fast_string_rest(skip_plain(p, end), end, escaped);
}

/* From behind the opening quote.  Most strings are plain. */
static inline const char *
plain_string(const char *p, const char *end)
{
	bool	escaped;

	p = skip_plain(p, end);
	return p < end && *p == '"' ? p + 1 : fast_string_rest(p, end, &escaped);
}

static const char *
skip_digits(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

/* A number that something follows; NULL when the slow way must look. */
static const char *
fast_number(const char *p, const char *end)
{
	const char	*start = p, *from;

	if (*p == '-')
		p++;
	from = p;
	p = skip_digits(p, end);
	if (p == from || (*from == '0' && p - from > 1))
		return NULL;
	if (p < end && *p == '.') {
		from = ++p;
		if ((p = skip_digits(p, end)) == from)
			return NULL;
	}
	if (p < end && (*p | 0x20) == 'e') {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		from = p;
		if ((p = skip_digits(p, end)) == from)
			return NULL;
	}
	return p == end || p - start > JSON_NUMBER_MAX ? NULL : p;
}

static inline const char *
fast_scalar(const char *p, const char *end)
{
	switch (*p) {
	case 't':
		return end - p >= 4 && memcmp(p, "true", 4) == 0 ? p + 4 : NULL;
	case 'f':
		return end - p >= 5 && memcmp(p, "false", 5) == 0 ? p + 5 : NULL;
	case 'n':
		return end - p >= 4 && memcmp(p, "null", 4) == 0 ? p + 4 : NULL;
	default:
		return *p == '-' || (*p >= '0' && *p <= '9') ? fast_number(p, end) : NULL;
	}
}

/* --- containers that nobody asked about ---------------------------------------------------------- */

static bool
plain_open(struct json_scan *s, bool object)
{
	if (s->depth == JSON_DEPTH_MAX)
		return false;
	s->level[++s->depth] = (struct scan_level){ .owner = SCAN_NO_WANT, .object = object, .plain = true };
	return true;
}

static inline bool
is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* Each kind of token goes straight on to the one that follows it in most texts, without asking the state again;
 * a blank between them takes the longer way. */
const char *
scan_plain(struct json_scan *s, const char *p, const char *end)
{
	enum scan_state	 state = s->state;
	bool		 object = s->level[s->depth].object;
	const char	*next;

	while (p < end) {
		char c = *p;

		if (is_blank(c)) {
			p++;
			continue;
		}
		switch (state) {
		case SCAN_AFTER:
 after:
			if (c != ',')
				goto close;
			state = object ? SCAN_NAME : SCAN_VALUE;
			if (++p == end || is_blank(*p))
				break;
			if (!object)
				goto value;
			c = *p;
			/* fallthrough */
		case SCAN_NAME:
		case SCAN_NAME_OR_CLOSE:
			if (c != '"')
				goto close;
			if ((next = plain_string(p + 1, end)) == NULL)
				goto slow;
			p = next;
			state = SCAN_COLON;
			if (p == end || (c = *p) != ':')
				break;
			/* fallthrough */
		case SCAN_COLON:
			if (c != ':')
				goto slow;
			state = SCAN_VALUE;
			if (++p == end || is_blank(*p))
				break;
			/* fallthrough */
		default:		/* SCAN_VALUE, SCAN_VALUE_OR_CLOSE */
 value:
			if (*p == '"') {
				if ((next = plain_string(p + 1, end)) == NULL)
					goto slow;
			} else if ((next = fast_scalar(p, end)) == NULL) {
				if (*p != '{' && *p != '[')
					goto close;
				if (!plain_open(s, *p == '{'))
					goto slow;
				object = *p++ == '{';
				state = object ? SCAN_NAME_OR_CLOSE : SCAN_VALUE_OR_CLOSE;
				break;
			}
			p = next;
			state = SCAN_AFTER;
			if (p == end || is_blank(*p))
				break;
			c = *p;
			goto after;
		}
		continue;
 close:
		if (*p != (object ? '}' : ']') || (state != SCAN_AFTER &&
		    state != (object ? SCAN_NAME_OR_CLOSE : SCAN_VALUE_OR_CLOSE)))
			goto slow;
		s->depth--;
		p++;
		scan_value_end(s, s->level[s->depth + 1].owner, p);
		if (!s->level[s->depth].plain)
			return p;
		state = SCAN_AFTER;
		object = s->level[s->depth].object;
	}
 slow:
	s->state = state;
	return p;
}
