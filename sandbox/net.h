/* SPDX-License-Identifier: Apache-2.0
 *
 * net.h - the network of a jail with a list of hosts: every address is the jail's own
 */
#ifndef SANDBOX_NET_H
#define SANDBOX_NET_H

#include "sandbox/jail.h"

/* In the jail's new network namespace, as root of its user namespace: lo up, and any address of IPv4 and, where the
 * kernel has it, IPv6 is this machine's, on lo.  There is no way out.  0, or E_SYS with *failed saying what. */
must_check int	net_capture(const char **failed);
/* The sockets for mcpgw-egress: one per port, names, the proxy; all close-on-exec and non-blocking.  `to` has room
 * for JAIL_SOCKETS_MAX; those made are the caller's, also after an error.  0, or E_SYS with *failed. */
must_check int	net_sockets(const uint16_t *ports, size_t count, struct jail_socket *to, size_t *made,
		    const char **failed);

#endif
