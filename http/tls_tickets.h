/* SPDX-License-Identifier: Apache-2.0
 *
 * tls_tickets.h - the keys of session tickets, the same in all workers
 */
#ifndef HTTP_TLS_TICKETS_H
#define HTTP_TLS_TICKETS_H

#include <stdbool.h>

#include <openssl/evp.h>

#include "lib/keyring.h"

struct ticket_key {
	uint8_t	name[16], cipher[32], mac[32];
};

struct tickets {
	struct ticket_key	 keys[KEYRING_KEYS];	/* the newest first */
	size_t			 count;
	EVP_CIPHER		*cipher;
};

/* Of storage that is cleared.  E_INTERNAL. */
must_check int	tickets_init(struct tickets *t);
void		tickets_fini(struct tickets *t);
/* From the ring that every worker has.  E_NOMEM: all is as it was. */
must_check int	tickets_set(struct tickets *t, const struct keyring *ring);
/* As SSL_CTX_set_tlsext_ticket_key_evp_cb() wants it. */
int		tickets_use(const struct tickets *t, unsigned char name[16], unsigned char *iv, EVP_CIPHER_CTX *ctx,
		    EVP_MAC_CTX *mac, bool making);

#endif
