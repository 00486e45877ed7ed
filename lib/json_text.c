/* SPDX-License-Identifier: Apache-2.0
 *
 * json_text.c - the scanner inside strings and numbers: UTF-8, escapes, surrogates, digits
 *
 * Process: every one that reads JSON.  Owns: nothing.
 * Trusts:  nothing in the text; a chunk may end between any two bytes.
 */
#include "lib/json_priv.h"

/* What may follow a lead byte: how many, and the range of the first of them. */
static bool
utf8_lead(unsigned char c, uint8_t *left, uint8_t *low, uint8_t *high)
{
	*low = 0x80;
	*high = 0xbf;
	if (c >= 0xc2 && c <= 0xdf) {
		*left = 1;
	} else if (c >= 0xe0 && c <= 0xef) {
		*left = 2;
		if (c == 0xe0)
			*low = 0xa0;		/* overlong below */
		else if (c == 0xed)
			*high = 0x9f;		/* surrogates above */
	} else if (c >= 0xf0 && c <= 0xf4) {
		*left = 3;
		if (c == 0xf0)
			*low = 0x90;
		else if (c == 0xf4)
			*high = 0x8f;		/* past U+10FFFF above */
	} else {
		return false;
	}
	return true;
}

size_t
json_utf8_bytes(const char *p, const char *end)
{
	uint8_t	left, low, high;
	size_t	n = 1;

	if (p == end)
		return 0;
	if ((unsigned char)*p < 0x80)
		return 1;
	if (!utf8_lead((unsigned char)*p, &left, &low, &high) || end - p <= left)
		return 0;
	for (; left > 0; left--, n++, low = 0x80, high = 0xbf) {
		unsigned char c = (unsigned char)p[n];

		if (c < low || c > high)
			return 0;
	}
	return n;
}

bool
json_utf8_ok(struct span s)
{
	size_t	n;

	for (size_t at = 0; at < s.n; at += n)
		if ((n = json_utf8_bytes(s.p + at, s.p + s.n)) == 0)
			return false;
	return true;
}

size_t
json_utf8_put(uint32_t code, char to[4])
{
	if (code < 0x80) {
		to[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		to[0] = (char)(0xc0 | code >> 6);
		to[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		to[0] = (char)(0xe0 | code >> 12);
		to[1] = (char)(0x80 | (code >> 6 & 0x3f));
		to[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | code >> 18);
	to[1] = (char)(0x80 | (code >> 12 & 0x3f));
	to[2] = (char)(0x80 | (code >> 6 & 0x3f));
	to[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

/* --- strings ----------------------------------------------------------------------------------- */

/* Moves the part of a name that stands in this chunk to the name buffer. */
static int
name_keep(struct json_scan *s, const char *p)
{
	const char	*from = s->name_from;

	s->name_from = NULL;
	if (!s->keeps_name || from == NULL || from == p)
		return 0;
	return buf_put(&s->name, span_make(from, (size_t)(p - from)));
}

/* p is behind the closing quote. */
static const char *
string_end(struct json_scan *s, const char *p)
{
	struct span	name;
	int		r;

	if (!s->is_name) {
		scan_value_end(s, s->want, p);
		return p;
	}
	s->state = SCAN_COLON;
	s->want = SCAN_NO_WANT;
	if (!s->keeps_name)
		return p;
	if (s->name.used == 0 && s->name_from != NULL) {
		name = span_make(s->name_from, (size_t)(p - 1 - s->name_from));
		r = name.n > s->name.ceiling ? E_TOOBIG : 0;
	} else {
		r = name_keep(s, p - 1);
		name = buf_rest(&s->name);
	}
	s->name_from = NULL;
	if (r != 0 || (r = scan_name_end(s, name)) != 0)
		return scan_fail(s, p, r);
	return p;
}

static const char *
utf8_more(struct json_scan *s, const char *p, const char *end)
{
	while (p < end && s->utf8_left > 0) {
		unsigned char c = (unsigned char)*p;

		if (c < s->utf8_low || c > s->utf8_high)
			return scan_fail(s, p, E_JSON_SYNTAX);
		s->utf8_low = 0x80;
		s->utf8_high = 0xbf;
		s->utf8_left--;
		p++;
	}
	if (s->utf8_left == 0)
		s->state = SCAN_STRING;
	return p;
}

/* A whole escape stood before p: `code` is its character. */
static const char *
escape_end(struct json_scan *s, const char *p, uint32_t code)
{
	char	bytes[4];
	int	r;

	if (code == 0 && (s->top_flags & JSON_SCAN_NUL_OK) == 0)
		return scan_fail(s, p, E_JSON_SYNTAX);
	s->state = SCAN_STRING;
	if (s->keeps_name) {
		if ((r = buf_put(&s->name, span_make(bytes, json_utf8_put(code, bytes)))) != 0)
			return scan_fail(s, p, r);
		s->name_from = p;
	}
	return p;
}

static const char *
escape_begin(struct json_scan *s, const char *p)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char	*hit;

	if (*p == 'u') {
		s->state = SCAN_HEX;
		s->digits = 0;
		s->code = 0;
		return p + 1;
	}
	if (s->high != 0 || *p == '\0' || (hit = strchr(from, *p)) == NULL)
		return scan_fail(s, p, E_JSON_SYNTAX);
	return escape_end(s, p + 1, (unsigned char)to[hit - from]);
}

static const char *
escape_hex(struct json_scan *s, const char *p, const char *end)
{
	for (; p < end && s->digits < 4; p++, s->digits++) {
		unsigned char	c = (unsigned char)*p;

		if (c >= '0' && c <= '9')
			c = (unsigned char)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			c = (unsigned char)((c | 0x20) - 'a' + 10);
		else
			return scan_fail(s, p, E_JSON_SYNTAX);
		s->code = s->code << 4 | c;
	}
	if (s->digits < 4)
		return p;
	if (s->high != 0) {
		if (s->code < 0xdc00 || s->code > 0xdfff)
			return scan_fail(s, p, E_JSON_SYNTAX);
		s->code = 0x10000 + ((uint32_t)(s->high - 0xd800) << 10) + (s->code - 0xdc00);
		s->high = 0;
	} else if (s->code >= 0xd800 && s->code <= 0xdbff) {
		s->high = (uint16_t)s->code;
		s->state = SCAN_LOW;
		return p;
	} else if (s->code >= 0xdc00 && s->code <= 0xdfff) {
		return scan_fail(s, p, E_JSON_SYNTAX);
	}
	return escape_end(s, p, s->code);
}

const char *
scan_string_inside(struct json_scan *s, const char *p, const char *end)
{
	switch (s->state) {
	case SCAN_UTF8:
		return utf8_more(s, p, end);
	case SCAN_ESCAPE:
		return escape_begin(s, p);
	case SCAN_HEX:
		return escape_hex(s, p, end);
	default:			/* SCAN_LOW */
		if (*p != '\\')
			return scan_fail(s, p, E_JSON_SYNTAX);
		s->state = SCAN_ESCAPE;
		return p + 1;
	}
}

const char *
scan_string(struct json_scan *s, const char *p, const char *end)
{
	size_t	n;
	int	r;

	for (;;) {
		p = json_skip_plain(p, end);
		if (p == end)
			break;
		if (*p == '"')
			return string_end(s, p + 1);
		if (*p == '\\') {
			if ((r = name_keep(s, p)) != 0)
				return scan_fail(s, p, r);
			s->state = SCAN_ESCAPE;
			return p + 1;
		}
		if ((n = json_utf8_bytes(p, end)) > 1) {
			p += n;
			continue;
		}
		/* A control, malformed, or cut by the end of the chunk. */
		if (!utf8_lead((unsigned char)*p, &s->utf8_left, &s->utf8_low, &s->utf8_high))
			return scan_fail(s, p, E_JSON_SYNTAX);
		s->state = SCAN_UTF8;
		return p + 1;
	}
	return p;
}

/* --- numbers ----------------------------------------------------------------------------------- */

/* The state behind c, or -1 when c does not go on with the number. */
static int
number_step(int number, char c)
{
	bool	digit = c >= '0' && c <= '9';

	switch (number) {
	case NUMBER_SIGN:
		return !digit ? -1 : c == '0' ? NUMBER_ZERO : NUMBER_DIGITS;
	case NUMBER_ZERO:
	case NUMBER_DIGITS:
		if (digit)
			return number == NUMBER_DIGITS ? NUMBER_DIGITS : -1;
		return c == '.' ? NUMBER_POINT : (c | 0x20) == 'e' ? NUMBER_E : -1;
	case NUMBER_POINT:
		return digit ? NUMBER_FRACTION : -1;
	case NUMBER_FRACTION:
		return digit ? NUMBER_FRACTION : (c | 0x20) == 'e' ? NUMBER_E : -1;
	case NUMBER_E:
		if (c == '+' || c == '-')
			return NUMBER_E_SIGN;
		return digit ? NUMBER_E_DIGITS : -1;
	default:			/* NUMBER_E_SIGN, NUMBER_E_DIGITS */
		return digit ? NUMBER_E_DIGITS : -1;
	}
}

const char *
scan_number(struct json_scan *s, const char *p, const char *end)
{
	int	next;

	for (; p < end; p++) {
		if ((next = number_step(s->number, *p)) == -1)
			break;
		s->number = (uint8_t)next;
	}
	if (s->base + (uint64_t)(p - s->chunk) - s->token_at > JSON_NUMBER_MAX)
		return scan_fail(s, p, E_TOOBIG);
	if (p == end)
		return p;
	if (s->number != NUMBER_ZERO && s->number != NUMBER_DIGITS && s->number != NUMBER_FRACTION &&
	    s->number != NUMBER_E_DIGITS)
		return scan_fail(s, p, E_JSON_SYNTAX);
	scan_value_end(s, s->want, p);
	return p;
}
