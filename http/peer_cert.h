/* SPDX-License-Identifier: Apache-2.0
 *
 * peer_cert.h - the certificate that a client has shown, as far as anybody asks: whom it names, and until when
 *
 * Shared by a connection and its exchanges, which may outlive it.
 */
#ifndef HTTP_PEER_CERT_H
#define HTTP_PEER_CERT_H

#include "lib/cert.h"

#define PEER_CERT_SANS	16	/* what a certificate has beyond them counts for nobody */
#define PEER_CERT_CHAIN	8
#define PEER_CERT_BYTES	(32 * 1024)	/* all of the chain */

struct peer_cert {
	uint32_t	refs;
	uint64_t	trust;		/* what it was verified by: tls_server.h; 0: another process did */
	uint64_t	ends_ms;	/* wall clock */
	char		issuer[128];	/* as struct cert has it */
	size_t		san_count;
	struct cert_san	sans[PEER_CERT_SANS];
	struct span	der;
	size_t		chain_count;	/* what was sent with it */
	struct span	chain[PEER_CERT_CHAIN];
	char		text[];
};

/* Of DER, which is copied; one reference.  E_FORMAT, E_TOOBIG, E_NOMEM. */
must_check int	  peer_cert_new(struct span der, const struct span *chain, size_t count, uint64_t trust,
		    struct peer_cert **out);
/* Both accept NULL. */
struct peer_cert *peer_cert_ref(struct peer_cert *c);
void		  peer_cert_unref(struct peer_cert **c);

#endif
