/* SPDX-License-Identifier: Apache-2.0
 *
 * socks.h - SOCKS5, the server's side of what comes before the bytes (RFC 1928)
 *
 * No credentials, CONNECT alone.  Names go through reach_host_parse(), so that what is checked is what is used.
 */
#ifndef SANDBOX_EGRESS_SOCKS_H
#define SANDBOX_EGRESS_SOCKS_H

#include "policy/reach.h"

#define SOCKS_VERSION	5

enum socks_reply {
	SOCKS_OK = 0,
	SOCKS_FAILED = 1,
	SOCKS_NOT_ALLOWED = 2,
	SOCKS_UNREACHABLE = 4,
	SOCKS_REFUSED = 5,
	SOCKS_EXPIRED = 6,
	SOCKS_NO_COMMAND = 7,
	SOCKS_NO_ADDRESS_TYPE = 8,
};
#define SOCKS_NO_METHOD	0xff

/* The greeting at the front of `in`.  0: a client that goes without credentials; E_DENIED: one that will not, to
 * be told SOCKS_NO_METHOD; E_AGAIN: more is needed; E_FORMAT: it is none.  *took: its bytes. */
must_check int	socks_greeting(struct span in, size_t *took);

struct socks_request {
	struct reach_host	 host;
	uint16_t		 port;
	unsigned		 command;	/* of SOCKS_NO_COMMAND: 2 is BIND, 3 is UDP ASSOCIATE */
	enum socks_reply	 reply;		/* of a refusal */
	struct span		 text;		/* a name as it was sent; borrowed */
	const char		*why;		/* what is wrong with it, or NULL */
};
/* The request behind it.  0; E_AGAIN; E_DENIED: refused with ->reply; E_FORMAT: it is none. */
must_check int	socks_request(struct span in, struct socks_request *out, size_t *took);

/* The answer to it, without an address. */
#define SOCKS_ANSWER_BYTES	10
void		socks_answer(enum socks_reply reply, uint8_t to[SOCKS_ANSWER_BYTES]);

#endif
