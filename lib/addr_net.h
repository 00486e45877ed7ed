/* SPDX-License-Identifier: Apache-2.0
 *
 * addr_net.h - networks of IP addresses: "10.0.0.0/8", "2001:db8::/32", or one address
 */
#ifndef LIB_ADDR_NET_H
#define LIB_ADDR_NET_H

#include "lib/addr.h"

struct addr_net {
	struct addr	first;
	uint8_t		bits;		/* that count, of 32 or 128 */
};

/* An address: "192.0.2.1", "2001:db8::1", the latter also in brackets; IPv4-mapped ones come out as IPv4.  0 or
 * E_FORMAT. */
must_check int	addr_parse(struct span text, struct addr *out);
/* 0; E_FORMAT; E_RANGE: something is set behind the bits that count, so that another prefix may be meant. */
must_check int	addr_net_parse(struct span text, struct addr_net *out);
bool		addr_net_has(const struct addr_net *n, const struct addr *a);

#endif
