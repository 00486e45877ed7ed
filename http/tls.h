/* SPDX-License-Identifier: Apache-2.0
 *
 * tls.h - TLS, on the same non-blocking socket and the same events as without: a connection, and how one to a server
 * begins (that of a client: http/tls_server.h)
 *
 * 1.2 or later, no renegotiation.  A server's certificate must lead to one of the anchors that its site knows and be
 * for the host that was asked for.  Anchors are not kept as objects: those whose names come up are asked for.  Who
 * uses it ignores SIGPIPE.
 */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include <stdint.h>

#include "http/queue.h"

#define TLS_HOST_MAX	253
#define TLS_SESSIONS	2	/* of a site, to begin the next connections with */

struct ssl_session_st;
struct tls_client;
struct tls;

/* Anchor i of those whose subject has this hash (lib/cert.h): DER, borrowed for the call; false: no such. */
typedef bool tls_anchor_fn(uint32_t subject, size_t i, struct span *der, void *arg);

/* A server; outlives its connections.  Embedded in what knows its anchors. */
struct tls_site {
	char			 host[TLS_HOST_MAX + 1];	/* a name, or an address without brackets */
	tls_anchor_fn		*anchor;
	void			*arg;
	struct ssl_session_st	*sessions[TLS_SESSIONS];	/* tls.c's, the newest first */
	int64_t			 verified_s;	/* wall clock: when a certificate was looked at last */
};

/* 0, E_NOMEM or E_INTERNAL.  tls_client_prepare() beforehand, where no file can be opened later. */
must_check int	tls_client_new(struct tls_client **out);
void		tls_client_free(struct tls_client **c);
/* Reads OpenSSL's own configuration, once. */
void		tls_client_prepare(void);

/* The host as a url has it, perhaps with a port.  E_FORMAT: no name that TLS can ask for. */
must_check int	tls_site_init(struct tls_site *s, struct span host, tls_anchor_fn *anchor, void *arg);
void		tls_site_fini(struct tls_site *s);

/* On a connected socket, which stays the caller's.  0 or E_NOMEM. */
must_check int	tls_open(struct tls_client *c, struct tls_site *site, int fd, struct tls **out);
/* Says the end to the server, where that still goes. */
void		tls_free(struct tls **t);

/* 0: done.  E_AGAIN: when the socket is readable, or writable if *writes.  E_SERVER: tls_why(); of a client's also
 * E_HTTP_TLS: it speaks plain HTTP, and may be answered so. */
must_check int	tls_handshake(struct tls *t, bool *writes);
/* What is wrong with it, for people; static. */
const char	*tls_why(const struct tls *t);
bool		tls_is_resumed(const struct tls *t);

/* At least one byte, *got of them.  E_AGAIN; E_EOF: the server said that it ends; E_CLOSED: broken off.  With room
 * for HTTP_TLS_RECORD or more nothing is held back that was read of the socket, but for such an end. */
#define HTTP_TLS_RECORD	(16 * 1024)
must_check int	tls_read(struct tls *t, void *to, size_t room, size_t *got);
/* The next tls_read() tells the end, whether the socket is readable or not. */
bool		tls_has_ended(const struct tls *t);
/* ... or has bytes that were read of the socket before. */
bool		tls_has_more(const struct tls *t);
/* As http_queue_write(). */
must_check int	tls_write(struct tls *t, struct http_queue *q);
/* Of a client's connection: bytes of the wire that tls_write() took and the kernel did not. */
size_t		tls_unsent(const struct tls *t);
/* Of a server's: bytes of the wire that the kernel took. */
uint64_t	tls_written(const struct tls *t);

#endif
