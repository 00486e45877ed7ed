/* SPDX-License-Identifier: Apache-2.0
 *
 * testca.h - an authority of the test's own, and what it says of servers
 */
#ifndef TESTS_HARNESS_TESTCA_H
#define TESTS_HARNESS_TESTCA_H

#include <openssl/x509.h>

struct testca {
	EVP_PKEY	*key;
	X509		*cert;
};

struct testcert {
	EVP_PKEY	*key;
	X509		*cert;
};

/* Signed by itself, or by another; the key is an EC one.  What goes wrong fails the test. */
void	testca_new(struct testca *ca, const char *name, const struct testca *by);
void	testca_free(struct testca *ca);
/* names: as of subjectAltName, such as "DNS:a.example,IP:127.0.0.1"; valid from and until so many days from now. */
void	testca_issue(const struct testca *ca, const char *names, int from_days, int until_days, struct testcert *out);
void	testcert_free(struct testcert *c);
/* A list with these certificates in it (NULL: with none), which is to be replaced in so many days. */
void	testca_revoke(const struct testca *ca, const struct testcert *c, int next_days, const char *path);
/* Key and certificate in files of their own; between: as testcert_write(). */
void	testcert_write_pair(const struct testcert *c, const struct testca *between, const char *crt, const char *key);

/* PEM files: the authority's certificate; a server's key and certificate, with that of the authority between
 * (NULL: none). */
void	testca_write(const struct testca *ca, const char *path);
void	testcert_write(const struct testcert *c, const struct testca *between, const char *path);

#endif
