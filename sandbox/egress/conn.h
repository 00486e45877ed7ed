/* SPDX-License-Identifier: Apache-2.0
 *
 * conn.h - one connection out of a jail
 *
 * accepted -> (front: what a proxy is asked for) -> decided -> `begin` in the audit -> (turn's end: the record is in
 * the kernel) -> resolved -> connected -> relayed -> `end`.  One that is refused before leaves a single `once`.
 */
#ifndef SANDBOX_EGRESS_CONN_H
#define SANDBOX_EGRESS_CONN_H

#include "audit/record.h"
#include "http/head.h"
#include "lib/buf.h"
#include "sandbox/egress/jail.h"

enum conn_state {
	CONN_FRONT,		/* a proxy waits for its request */
	CONN_BEGUN,		/* its begin is not in the kernel yet */
	CONN_RESOLVE,
	CONN_CONNECT,
	CONN_RELAY,
	CONN_LINGER,		/* was told that it is refused; what it still says is dropped */
	CONN_OVER,
};

enum conn_front {
	FRONT_TRANSPARENT,
	FRONT_PROXY,		/* not known yet which */
	FRONT_SOCKS,		/* greeted already */
	FRONT_CONNECT,
};

struct way {			/* of bytes, in one direction */
	char		*held;		/* read and not written yet: from `at` to `used` */
	size_t		 at, used;
	uint64_t	 bytes;		/* written */
	bool		 ended;		/* nothing more comes */
	bool		 closed;	/* and the other side knows */
};

struct conn {
	uint32_t		 magic;
	struct egress		*e;
	struct jail		*jail;		/* NULL: over */
	struct conn		*next, **back;	/* the jail's */
	struct conn		*next_begun, *next_over;
	enum conn_state		 state;
	enum conn_front		 front;
	int			 tool_fd, host_fd;
	struct loop_io		 tool, host;
	struct loop_timer	 timer;
	struct buf		 in;		/* CONN_FRONT: what the tool said, and what came behind it */
	struct http_head	*head;

	struct reach_host	 to;
	uint16_t		 port;
	struct addr		 known;		/* where an operator says it is; family 0: names are asked */
	uint16_t		 to_port;	/* that is connected to */
	struct addr		 stand_in;	/* of the name; family 0: none */
	char			 object[REACH_NAME_MAX + 16];
	uint64_t		 begin_seq, request, generation, born_ns;
	bool			 has_begun;	/* owes an `end` */

	struct lookup		*lookup;
	struct addr		 addresses[RESOLVE_ADDRESSES_MAX];
	unsigned		 address_count, address_next, tries;
	char			 address[ADDR_TEXT_MAX];

	struct way		 out, back_in;	/* to the host, and from it */
	bool			 looking;	/* the tool's first bytes are held until it is known what they are */
	size_t			 look_need;
	uint64_t		 moved_ms, look_until_ms;
};

/* These take *fd; when they cannot they leave it.  To an address that the tool wanted: */
void	conn_transparent(struct jail *j, int *fd, const struct addr *a, uint16_t port);
void	conn_proxied(struct jail *j, int *fd);

/* What it wants is known (->to, ->port): decides, and begins. */
void	conn_ask(struct conn *c);
/* The tool is told, as its front does that; the record ends.  error is E_*. */
void	conn_fail(struct conn *c, enum audit_outcome outcome, int error);
/* Closes both sides; the record ends unless it did. */
void	conn_end(struct conn *c, enum audit_outcome outcome, int error);
/* Nothing for ms: ends or goes on, as the state says. */
void	conn_wait(struct conn *c, uint64_t ms);
const char *conn_method(const struct conn *c);

/* At the turn's end: those whose begin was kept go on; those that ended are freed. */
void	conns_dispatch(struct egress *e);
void	conns_reap(struct egress *e);

#endif
