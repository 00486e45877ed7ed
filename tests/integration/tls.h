/* SPDX-License-Identifier: Apache-2.0
 *
 * tls.h - an authority, and a gateway with its certificates in etc/certs
 */
#ifndef TESTS_INTEGRATION_TLS_H
#define TESTS_INTEGRATION_TLS_H

#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness/overtls.h"
#include "tests/harness/testca.h"
#include "tests/integration/common.h"

static struct testca	tls_ca;
static char		tls_dir[64], tls_ca_file[96];

static inline void
tls_path(const struct gateway *g, const char *name, char to[512])
{
	snprintf(to, 512, "%s/etc/certs", g->dir);
	(void)mkdir(to, 0755);
	snprintf(to, 512, "%s/etc/certs/%s", g->dir, name);
}

/* certs/NAME.crt and .key, for these names, until so many days from now. */
static inline void
tls_certificate(const struct gateway *g, const char *name, const char *names, int until_days)
{
	struct testcert	c;
	char		crt[512], key[512], file[64];

	snprintf(file, sizeof(file), "%s.crt", name);
	tls_path(g, file, crt);
	snprintf(file, sizeof(file), "%s.key", name);
	tls_path(g, file, key);
	testca_issue(&tls_ca, names, until_days < 0 ? until_days - 1 : 0, until_days, &c);
	testcert_write_pair(&c, NULL, crt, key);
	testcert_free(&c);
}

static inline void
tls_begin(void)
{
	snprintf(tls_dir, sizeof(tls_dir), "/tmp/mcpgw-tls.XXXXXX");
	cr_assert(mkdtemp(tls_dir) != NULL);
	snprintf(tls_ca_file, sizeof(tls_ca_file), "%s/ca.pem", tls_dir);
	testca_new(&tls_ca, "the test's own", NULL);
	testca_write(&tls_ca, tls_ca_file);
	overtls_begin(tls_ca_file);
}

static inline void
tls_end(void)
{
	unlink(tls_ca_file);
	rmdir(tls_dir);
	testca_free(&tls_ca);
}

/* The first DNS name of the certificate that a connection with this name gets; "" when there is none. */
static inline const char *
tls_got_name(const char *address, const char *name)
{
	static char	 got[256];
	SSL		*ssl;
	GENERAL_NAMES	*names;
	const GENERAL_NAME *first;

	got[0] = '\0';
	overtls.name = name;
	ssl = overtls_connect(address, NULL, NULL, 0);
	overtls.name = NULL;
	if (ssl == NULL)
		return got;
	names = X509_get_ext_d2i(SSL_get0_peer_certificate(ssl), NID_subject_alt_name, NULL, NULL);
	first = sk_GENERAL_NAME_value(names, 0);
	if (first != NULL && first->type == GEN_DNS)
		snprintf(got, sizeof(got), "%s", (const char *)ASN1_STRING_get0_data(first->d.dNSName));
	GENERAL_NAMES_free(names);
	overtls_close(&ssl);
	return got;
}

#endif
