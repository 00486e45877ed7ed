/* SPDX-License-Identifier: Apache-2.0
 *
 * b64.c - base64, and base64url without padding
 *
 * Process: all.  Owns: nothing.
 * Trusts:  nothing in a text: what could be spelled in two ways is refused.
 */
#include "lib/b64.h"

static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* One to three bytes to two to four characters; answers where the next ones go. */
static char *
put(const char *digits, const uint8_t *p, size_t n, char *to)
{
	*to++ = digits[p[0] >> 2];
	*to++ = digits[(p[0] & 3) << 4 | (n > 1 ? p[1] >> 4 : 0)];
	if (n > 1)
		*to++ = digits[(p[1] & 15) << 2 | (n > 2 ? p[2] >> 6 : 0)];
	if (n > 2)
		*to++ = digits[p[2] & 63];
	return to;
}

void
b64_four(const void *bytes, size_t n, char to[4])
{
	char	*end = put(plain, bytes, n < 3 ? n : 3, to);

	while (end < to + 4)
		*end++ = '=';
}

void
b64url_encode(const void *bytes, size_t n, char *to)
{
	const uint8_t	*p = bytes;

	for (size_t i = 0; i < n; i += 3)
		to = put(url, p + i, n - i < 3 ? n - i : 3, to);
	*to = '\0';
}

/* 0..63, or -1. */
static int
value_of(const char *digits, char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == digits[62] ? 62 : c == digits[63] ? 63 : -1;
}

/* A text without padding. */
static int
decode(const char *digits, struct span text, uint8_t *to, size_t room, size_t *got)
{
	uint32_t	bits = 0;
	int		have = 0, v;
	size_t		n = text.n / 4 * 3 + (text.n % 4 == 0 ? 0 : text.n % 4 - 1);

	*got = 0;
	if (text.n % 4 == 1)
		return E_FORMAT;
	if (n > room)
		return E_TOOBIG;
	for (size_t i = 0; i < text.n; i++) {
		if ((v = value_of(digits, text.p[i])) == -1)
			return E_FORMAT;
		bits = bits << 6 | (uint32_t)v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			*to++ = (uint8_t)(bits >> have);
		}
	}
	/* Left-over bits must be zero: one text per value, or a token could be spelled two ways. */
	if ((bits & ((1u << have) - 1)) != 0)
		return E_FORMAT;
	*got = n;
	return 0;
}

int
b64_decode(struct span text, uint8_t *to, size_t room, size_t *got)
{
	size_t	padding = 0;

	*got = 0;
	if (text.n % 4 != 0)
		return E_FORMAT;
	while (padding < 2 && padding < text.n && text.p[text.n - 1 - padding] == '=')
		padding++;
	return decode(plain, span_part(text, 0, text.n - padding), to, room, got);
}

int
b64url_decode(struct span text, uint8_t *to, size_t room, size_t *got)
{
	return decode(url, text, to, room, got);
}
