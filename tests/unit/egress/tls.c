/* SPDX-License-Identifier: Apache-2.0
 *
 * tls.c - ClientHello messages, made by hand
 */
#include <string.h>

#include "tls.h"

static uint8_t *
put_u16(uint8_t *to, size_t v)
{
	*to++ = (uint8_t)(v >> 8);
	*to++ = (uint8_t)v;
	return to;
}

size_t
tls_hello_raw(const void *extension, size_t bytes, unsigned times, size_t piece, uint8_t *to)
{
	static const uint8_t	versions[] = { 0, 43, 0, 3, 2, 3, 4 };
	uint8_t			message[1024], *p = message, *start = to;
	size_t			at, n, extensions = sizeof(versions) + times * (4 + bytes);

	*p++ = 1;
	*p++ = 0;
	p = put_u16(p, 2 + 32 + 1 + 32 + 2 + 4 + 2 + 2 + extensions);
	p = put_u16(p, 0x0303);
	memset(p, 'R', 32);
	p += 32;
	*p++ = 32;
	memset(p, 'S', 32);
	p += 32;
	p = put_u16(p, 4);
	p = put_u16(p, 0x1301);
	p = put_u16(p, 0x1302);
	*p++ = 1;
	*p++ = 0;
	p = put_u16(p, extensions);
	memcpy(p, versions, sizeof(versions));
	p += sizeof(versions);
	for (; times > 0; times--) {
		p = put_u16(p, 0);
		p = put_u16(p, bytes);
		memcpy(p, extension, bytes);
		p += bytes;
	}
	for (at = 0; at < (size_t)(p - message); at += n) {
		n = (size_t)(p - message) - at;
		n = n < piece ? n : piece;
		*to++ = 22;
		to = put_u16(to, 0x0301);
		to = put_u16(to, n);
		memcpy(to, message + at, n);
		to += n;
	}
	return (size_t)(to - start);
}

size_t
tls_hello(const char *name, size_t piece, uint8_t *to)
{
	uint8_t	extension[300], *p = extension;
	size_t	n = name == NULL ? 0 : strlen(name);

	if (name == NULL)
		return tls_hello_raw(NULL, 0, 0, piece, to);
	p = put_u16(p, n + 3);
	*p++ = 0;
	p = put_u16(p, n);
	memcpy(p, name, n);
	return tls_hello_raw(extension, n + 5, 1, piece, to);
}
