/* SPDX-License-Identifier: Apache-2.0
 *
 * tls_priv.h - shared by tls.c (a connection), tls_client.c and tls_server.c (how it begins)
 */
#ifndef HTTP_TLS_PRIV_H
#define HTTP_TLS_PRIV_H

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "http/peer_cert.h"
#include "http/tls.h"

/* Records that the kernel did not take yet. */
struct tls_unsent {
	char	*p;		/* malloc'ed */
	size_t	 at, bytes;
};

struct tls {
	SSL		 *ssl;
	int		  fd;		/* of a client's, borrowed; of a server's OpenSSL has it */
	struct tls_unsent unsent;
	struct tls_site	 *site;		/* to a server: whose */
	struct tls_server *server;	/* of a client: through which */
	uint64_t	 trust;		/* ... and by what its certificate is verified */
	struct peer_cert *cert;		/* the client's, verified */
	const char	 *why;
	int		(*failed)(struct tls *t, int error);	/* sets why; what tls_handshake() answers */
	int		(*took)(struct tls *t);		/* the handshake is done; NULL: nobody asks */
	int		 end;		/* what reading came to, when it was told bytes first; 0: not yet */
	bool		 done, broken;
	bool		 starved;	/* what there is of the next record is not all of it */
	bool		 no_ticket;	/* a ticket could not hold what is known of the client */
};

struct tls	*tls_of(const SSL *ssl);
/* E_NOMEM; the caller frees it. */
must_check int	 tls_begin(struct tls *t, SSL_CTX *ctx);

/* tls_wire.c: over this socket, for a client's. */
must_check int	 tls_wire_begin(struct tls *t, int fd);
/* After each call of OpenSSL that may write.  0, E_AGAIN: when the socket is writable; E_CLOSED. */
must_check int	 tls_wire_flush(struct tls *t);
/* What still goes, goes. */
void		 tls_wire_end(struct tls *t);

#endif
