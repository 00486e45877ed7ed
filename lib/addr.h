/* SPDX-License-Identifier: Apache-2.0
 *
 * addr.h - IP addresses, and which of them are nobody else's business
 */
#ifndef LIB_ADDR_H
#define LIB_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "lib/err.h"
#include "lib/span.h"

struct addr {
	uint16_t	family;		/* AF_INET or AF_INET6; 0: none */
	uint8_t		bytes[16];	/* network order; AF_INET uses four */
};

#define ADDR_TEXT_MAX	48	/* of "[...]:65535", with its NUL */

/* From a sockaddr (AF_INET, AF_INET6).  IPv4-mapped ones come out as IPv4.  E_FORMAT for other families. */
must_check int	addr_from_sockaddr(const struct sockaddr *sa, socklen_t bytes, struct addr *out, uint16_t *port);
socklen_t	addr_to_sockaddr(const struct addr *a, uint16_t port, struct sockaddr_storage *out);
bool		addr_eq(const struct addr *a, const struct addr *b);
/* "192.0.2.1:443", "[2001:db8::1]:443"; without the port when it is 0. */
void		addr_text(const struct addr *a, uint16_t port, char to[ADDR_TEXT_MAX]);

/* Why no fetch on behalf of somebody else may go there: "loopback", "private", "link-local", "multicast",
 * "shared (CGNAT)", "reserved", ...; also what carries such an IPv4 address inside (IPv4-mapped,
 * IPv4-compatible, 6to4, NAT64, Teredo).  NULL: a public address.  IANA special-purpose registries, RFC 6890. */
const char	*addr_special(const struct addr *a);

#endif
