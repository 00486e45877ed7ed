/* SPDX-License-Identifier: Apache-2.0
 *
 * tls_server.h - TLS to clients: certificates by the name they ask for, tickets that every worker takes, and whose
 * certificates are believed
 *
 * 1.3, and 1.2 where that is wanted, with ECDHE and AEAD alone; no renegotiation, no compression, no early data.
 */
#ifndef HTTP_TLS_SERVER_H
#define HTTP_TLS_SERVER_H

#include "http/peer_cert.h"
#include "http/tls.h"
#include "lib/keyring.h"

enum tls_ask { TLS_ASK_NOT, TLS_ASK_MAY, TLS_ASK_MUST };	/* for a client's certificate */

/* All borrowed for the call; certificates and lists are DER, keys PKCS#8. */
struct tls_identity {
	const struct span	*chain;		/* its own certificate first */
	size_t			 chain_count;
	struct span		 key;
	const struct span	*names;		/* sni_add() */
	size_t			 name_count;
};
struct tls_setup {
	bool			   with_1_2;
	const struct tls_identity *identities;	/* the first is for who asks for none of their names */
	size_t			   count;
	const struct span	  *cas, *crls;	/* clients' certificates must lead to one, and stand in no list */
	size_t			   ca_count, crl_count;
	uint64_t		   crl_ends_ms;	/* wall clock: then the first list is too old, and nobody's
						 * certificate counts; 0: never */
};

struct tls_server;

must_check int	tls_server_new(struct tls_server **out);
/* Its connections must be gone. */
void		tls_server_free(struct tls_server **s);
/* For handshakes from now on.  E_FORMAT: something of it cannot be used; then all is as it was.  E_NOMEM. */
must_check int	tls_server_set(struct tls_server *s, const struct tls_setup *setup);
bool		tls_server_is_set(const struct tls_server *s);
/* The keys of tickets: new ones are made with the newest, which all workers have. */
must_check int	tls_server_tickets(struct tls_server *s, const struct keyring *ring);

/* On an accepted socket, which stays the caller's; then tls_handshake().  E_NOTFOUND: nothing is set. */
must_check int	tls_accept(struct tls_server *s, int fd, enum tls_ask ask, struct tls **out);
/* The client's certificate, borrowed; NULL: none. */
struct peer_cert *tls_peer(const struct tls *t);
/* Would this certificate be believed now?  It was when it was shown; authorities and lists change, and time passes. */
bool		tls_server_believes(const struct tls_server *s, struct peer_cert *c, uint64_t wall_ms);

#endif
