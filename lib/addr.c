/* SPDX-License-Identifier: Apache-2.0
 *
 * addr.c - IP addresses, and which of them are nobody else's business
 *
 * Process: all.  Owns: nothing.
 * Trusts:  nobody: addresses come from name servers, tools and configurations.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "lib/addr.h"

/* A block of the IANA special-purpose registries.  Blocks that are marked as globally reachable and are served
 * by ordinary hosts (AS112, AMT) are not here; those that no ordinary host has are, reachable or not. */
struct block {
	uint8_t		 bytes[16];
	uint8_t		 bits;
	const char	*why;		/* NULL: what the IPv4 addresses inside say */
	uint8_t		 inside[2];	/* where they begin; 0: none */
	uint8_t		 flip;		/* ... the second with all its bits turned over */
};

static const struct block v4_blocks[] = {
	{ { 0 },		 8, "unspecified" },
	{ { 10 },		 8, "private" },
	{ { 100, 64 },		10, "shared (CGNAT)" },
	{ { 127 },		 8, "loopback" },
	{ { 168, 63, 129, 16 },	32, "metadata" },	/* a cloud's machines ask it who they are */
	{ { 169, 254 },		16, "link-local" },
	{ { 172, 16 },		12, "private" },
	{ { 192, 0, 0 },	24, "reserved" },	/* protocol assignments, RFC 6890 */
	{ { 192, 0, 2 },	24, "documentation" },
	{ { 192, 88, 99 },	24, "reserved" },	/* relays of 6to4, RFC 7526 */
	{ { 192, 168 },		16, "private" },
	{ { 198, 18 },		15, "benchmarking" },
	{ { 198, 51, 100 },	24, "documentation" },
	{ { 203, 0, 113 },	24, "documentation" },
	{ { 224 },		 4, "multicast" },
	{ { 255, 255, 255, 255 }, 32, "broadcast" },
	{ { 240 },		 4, "reserved" },
};

/* The first that fits decides. */
static const struct block v6_blocks[] = {
	{ { 0 },					128, "unspecified" },
	{ { [15] = 1 },					128, "loopback" },
	{ { [10] = 0xff, [11] = 0xff },			 96, NULL, { 12 } },		/* IPv4-mapped */
	{ { 0x00, 0x64, 0xff, 0x9b },			 96, NULL, { 12 } },		/* NAT64, RFC 6052 */
	{ { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 },	 48, "private" },		/* NAT64, RFC 8215 */
	{ { 0x01 },					 63, "discard" },		/* and the dummy prefix */
	{ { 0x20, 0x01 },				 32, NULL, { 4, 12 }, 1 },	/* Teredo, RFC 4380 */
	{ { 0x20, 0x01 },				 23, "reserved" },		/* protocol assignments */
	{ { 0x20, 0x01, 0x0d, 0xb8 },			 32, "documentation" },
	{ { 0x20, 0x02 },				 16, NULL, { 2 } },		/* 6to4, RFC 3056 */
	{ { 0x3f, 0xff },				 20, "documentation" },
	{ { 0xfc },					  7, "private" },
	{ { 0xfe, 0x80 },				 10, "link-local" },
	{ { 0xfe, 0xc0 },				 10, "private" },		/* site-local, RFC 3879 */
	{ { 0xff },					  8, "multicast" },
};

int
addr_from_sockaddr(const struct sockaddr *sa, socklen_t bytes, struct addr *out, uint16_t *port)
{
	static const uint8_t	mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct sockaddr_in	four;
	struct sockaddr_in6	six;

	*out = (struct addr){ 0 };
	*port = 0;
	if (bytes >= sizeof(four) && sa->sa_family == AF_INET) {
		memcpy(&four, sa, sizeof(four));
		out->family = AF_INET;
		memcpy(out->bytes, &four.sin_addr, 4);
		*port = ntohs(four.sin_port);
		return 0;
	}
	if (bytes < sizeof(six) || sa->sa_family != AF_INET6)
		return E_FORMAT;
	memcpy(&six, sa, sizeof(six));
	*port = ntohs(six.sin6_port);
	if (memcmp(&six.sin6_addr, mapped, sizeof(mapped)) == 0) {
		out->family = AF_INET;
		memcpy(out->bytes, six.sin6_addr.s6_addr + 12, 4);
		return 0;
	}
	out->family = AF_INET6;
	memcpy(out->bytes, &six.sin6_addr, 16);
	return 0;
}

socklen_t
addr_to_sockaddr(const struct addr *a, uint16_t port, struct sockaddr_storage *out)
{
	struct sockaddr_in	four = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6	six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	memset(out, 0, sizeof(*out));
	if (a->family == AF_INET) {
		memcpy(&four.sin_addr, a->bytes, 4);
		memcpy(out, &four, sizeof(four));
		return sizeof(four);
	}
	memcpy(&six.sin6_addr, a->bytes, 16);
	memcpy(out, &six, sizeof(six));
	return sizeof(six);
}

bool
addr_eq(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, a->family == AF_INET ? 4 : 16) == 0;
}

void
addr_text(const struct addr *a, uint16_t port, char to[ADDR_TEXT_MAX])
{
	char	text[INET6_ADDRSTRLEN];

	if (inet_ntop(a->family, a->bytes, text, sizeof(text)) == NULL)
		snprintf(to, ADDR_TEXT_MAX, "-");
	else if (port == 0)
		snprintf(to, ADDR_TEXT_MAX, "%s", text);
	else
		snprintf(to, ADDR_TEXT_MAX, a->family == AF_INET6 ? "[%s]:%u" : "%s:%u", text, port);
}

static bool
begins(const uint8_t *bytes, const struct block *b)
{
	unsigned	whole = b->bits / 8, rest = b->bits % 8;

	if (memcmp(bytes, b->bytes, whole) != 0)
		return false;
	return rest == 0 || ((bytes[whole] ^ b->bytes[whole]) & (0xff00 >> rest) & 0xff) == 0;
}

static const char *
special_v4(const uint8_t bytes[4])
{
	for (size_t i = 0; i < sizeof(v4_blocks) / sizeof(v4_blocks[0]); i++)
		if (begins(bytes, &v4_blocks[i]))
			return v4_blocks[i].why;
	return NULL;
}

static const char *
special_inside(const uint8_t *bytes, const struct block *b)
{
	const char	*why;
	uint8_t		 four[4];

	for (size_t i = 0; i < 2 && b->inside[i] != 0; i++) {
		for (size_t k = 0; k < 4; k++)
			four[k] = (uint8_t)(bytes[b->inside[i] + k] ^ (i == 1 && b->flip ? 0xff : 0));
		if ((why = special_v4(four)) != NULL)
			return why;
	}
	return NULL;
}

const char *
addr_special(const struct addr *a)
{
	static const uint8_t	zeros[12];
	const char		*why;

	if (a->family == AF_INET)
		return special_v4(a->bytes);
	if (a->family != AF_INET6)
		return "no address";
	for (size_t i = 0; i < sizeof(v6_blocks) / sizeof(v6_blocks[0]); i++)
		if (begins(a->bytes, &v6_blocks[i]))
			return v6_blocks[i].why != NULL ? v6_blocks[i].why : special_inside(a->bytes, &v6_blocks[i]);
	/* IPv4-compatible ones are gone (RFC 4291), and what they held says more than that. */
	if (memcmp(a->bytes, zeros, sizeof(zeros)) == 0 && (why = special_v4(a->bytes + 12)) != NULL)
		return why;
	/* Nothing else was given out yet than 2000::/3. */
	return (a->bytes[0] & 0xe0) == 0x20 ? NULL : "reserved";
}
