/* SPDX-License-Identifier: Apache-2.0
 *
 * overtls.h - TLS for the tests' own client: addresses that begin with "tls:"
 */
#ifndef TESTS_HARNESS_OVERTLS_H
#define TESTS_HARNESS_OVERTLS_H

#include <openssl/ssl.h>

/* From overtls_begin() on; changed by whoever likes between connections. */
struct overtls {
	const char	*ca;		/* whom to believe */
	const char	*pem;		/* our own certificate and key; NULL: none */
	const char	*name;		/* that is asked for; NULL: none */
	const char	*ciphers;	/* of 1.2; NULL: all */
	int		 version;	/* TLS1_2_VERSION: that and no other; 0: what both like best */
};
extern struct overtls overtls;

void	overtls_begin(const char *ca);

/* One handshake with 127.0.0.1:PORT of "HOST:PORT", resuming a session, or NULL; the caller frees it.  NULL: it failed, and
 * why (of why_bytes) says what OpenSSL says; may be NULL. */
SSL	*overtls_connect(const char *address, SSL_SESSION *session, char *why, size_t why_bytes);
void	 overtls_close(SSL **ssl);

#endif
