/* SPDX-License-Identifier: Apache-2.0
 *
 * cable.h - a connection to an HTTP upstream as bytes: a socket, with TLS over it or without
 */
#ifndef UPSTREAM_CABLE_H
#define UPSTREAM_CABLE_H

#include "http/queue.h"
#include "lib/addr.h"
#include "upstream/sites.h"

struct cable {			/* cleared but for fd, which is -1: none */
	int		 fd;
	struct tls	*tls;		/* NULL: as they are */
	struct site	*site;
	uint64_t	 before;	/* bytes of the wire that were not this user's */
};

void		cable_close(struct cable *c);
/* Closes the one before.  0: under way, writable when it is known what became of it.  E_SERVER. */
must_check int	cable_connect(struct cable *c, const struct addr *to, uint16_t port);
/* 0; E_SERVER, with *why (static). */
must_check int	cable_connected(struct cable *c, const char **why);
/* Once connected, and then whenever it is ready.  0: bytes may go.  E_AGAIN: when readable, or writable if *writes.
 * E_SERVER with *why (static), E_NOMEM. */
must_check int	cable_secure(struct cable *c, struct sites *sites, uint64_t profile, bool *writes, const char **why);

/* At least one byte.  E_AGAIN; E_EOF: that is all; E_CLOSED: broken off. */
must_check int	cable_read(struct cable *c, void *to, size_t room, size_t *got);
/* cable_read() has an end to tell, whether the socket is readable or not. */
bool		cable_has_ended(const struct cable *c);
/* As http_queue_write(). */
must_check int	cable_write(struct cable *c, struct http_queue *q);

/* Another user's from here on; `sent` bytes of those before were put. */
void		cable_begin(struct cable *c, uint64_t sent);
/* The server closed: had it closed before any byte of this user's was there? */
bool		cable_was_closed_before(const struct cable *c);

#endif
