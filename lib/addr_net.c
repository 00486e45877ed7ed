/* SPDX-License-Identifier: Apache-2.0
 *
 * addr_net.c - networks of IP addresses
 *
 * Process: whoever compares addresses.  Owns: nothing.
 * Trusts:  nothing of the text.
 */
#include <arpa/inet.h>
#include <string.h>

#include "lib/addr_net.h"
#include "lib/num.h"

int
addr_parse(struct span text, struct addr *out)
{
	struct sockaddr_in6	six = { .sin6_family = AF_INET6 };
	char			copy[INET6_ADDRSTRLEN];
	uint16_t		port;

	*out = (struct addr){ 0 };
	if (text.n > 2 && text.p[0] == '[' && text.p[text.n - 1] == ']') {
		text = span_part(text, 1, text.n - 2);
		if (memchr(text.p, ':', text.n) == NULL)
			return E_FORMAT;
	}
	if (text.n == 0 || text.n >= sizeof(copy) || memchr(text.p, '\0', text.n) != NULL)
		return E_FORMAT;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	if (inet_pton(AF_INET, copy, out->bytes) == 1) {
		out->family = AF_INET;
		return 0;
	}
	if (inet_pton(AF_INET6, copy, &six.sin6_addr) != 1)
		return E_FORMAT;
	return addr_from_sockaddr((struct sockaddr *)&six, sizeof(six), out, &port);
}

int
addr_net_parse(struct span text, struct addr_net *out)
{
	const char	*slash = text.n == 0 ? NULL : memchr(text.p, '/', text.n);
	const size_t	 address = slash == NULL ? text.n : (size_t)(slash - text.p);
	uint64_t	 bits;
	unsigned	 most;

	*out = (struct addr_net){ .bits = 0 };
	if (addr_parse(span_part(text, 0, address), &out->first) != 0)
		return E_FORMAT;
	bits = most = out->first.family == AF_INET ? 32 : 128;
	if (slash != NULL && (num_u64(span_part(text, address + 1, text.n), &bits) != 0 || bits > most))
		return E_FORMAT;
	out->bits = (uint8_t)bits;
	for (unsigned i = out->bits; i < most; i++)
		if ((out->first.bytes[i / 8] & 0x80 >> i % 8) != 0)
			return E_RANGE;
	return 0;
}

bool
addr_net_has(const struct addr_net *n, const struct addr *a)
{
	const unsigned	whole = n->bits / 8, rest = n->bits % 8;

	if (n->first.family != a->family || memcmp(n->first.bytes, a->bytes, whole) != 0)
		return false;
	return rest == 0 || ((n->first.bytes[whole] ^ a->bytes[whole]) & (0xff00 >> rest) & 0xff) == 0;
}
