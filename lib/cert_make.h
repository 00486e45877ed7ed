/* SPDX-License-Identifier: Apache-2.0
 *
 * cert_make.h - keys and certificates for trying things out on one machine
 */
#ifndef LIB_CERT_MAKE_H
#define LIB_CERT_MAKE_H

#include <stdbool.h>

#include "lib/err.h"

/* PEM texts, malloc'ed. */
struct cert_pair {
	char	*crt, *key;
};

/* A new P-256 key and a certificate for it, until so many days from now: an authority that signs itself (`by` NULL), or
 * one of that authority for these names, as subjectAltName has them ("DNS:a.example,IP:127.0.0.1"), of a server or
 * of a client.  E_FORMAT: names, or what was given as an authority, are none. */
must_check int	cert_make(const struct cert_pair *by, const char *common_name, const char *names, bool client,
		    unsigned days, struct cert_pair *out);
/* Wipes the key. */
void		cert_pair_free(struct cert_pair *p);

#endif
