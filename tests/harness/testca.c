/* SPDX-License-Identifier: Apache-2.0
 *
 * testca.c - an authority of the test's own, and what it says of servers
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness/testca.h"

static void
extend(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX	 ctx;
	X509_EXTENSION	*e;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	cr_assert(e != NULL && X509_add_ext(x, e, -1) == 1, "%s", value);
	X509_EXTENSION_free(e);
}

static X509 *
make(EVP_PKEY *key, const char *name, int from_days, int until_days, const struct testca *by)
{
	static long	serial;
	X509		*x = X509_new();
	X509_NAME	*n;

	cr_assert(x != NULL && X509_set_version(x, 2) == 1 && X509_set_pubkey(x, key) == 1);
	ASN1_INTEGER_set(X509_get_serialNumber(x), (long)getpid() * 1000 + ++serial);
	X509_gmtime_adj(X509_getm_notBefore(x), 86400L * from_days - 60);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400L * until_days);
	n = X509_get_subject_name(x);
	X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, by == NULL ? n : X509_get_subject_name(by->cert));
	return x;
}

void
testca_new(struct testca *ca, const char *name, const struct testca *by)
{
	ca->key = EVP_EC_gen("P-256");
	ca->cert = make(ca->key, name, -1, 365, by);
	extend(ca->cert, by == NULL ? ca->cert : by->cert, NID_basic_constraints, "critical,CA:TRUE");
	extend(ca->cert, by == NULL ? ca->cert : by->cert, NID_key_usage, "critical,keyCertSign,cRLSign");
	cr_assert(X509_sign(ca->cert, by == NULL ? ca->key : by->key, EVP_sha256()) > 0);
}

void
testca_free(struct testca *ca)
{
	EVP_PKEY_free(ca->key);
	X509_free(ca->cert);
}

void
testca_issue(const struct testca *ca, const char *names, int from_days, int until_days, struct testcert *out)
{
	out->key = EVP_EC_gen("P-256");
	out->cert = make(out->key, "a server", from_days, until_days, ca);
	extend(out->cert, ca->cert, NID_basic_constraints, "critical,CA:FALSE");
	extend(out->cert, ca->cert, NID_subject_alt_name, names);
	cr_assert(X509_sign(out->cert, ca->key, EVP_sha256()) > 0);
}

void
testcert_free(struct testcert *c)
{
	EVP_PKEY_free(c->key);
	X509_free(c->cert);
}

void
testca_write(const struct testca *ca, const char *path)
{
	FILE	*f = fopen(path, "w");

	cr_assert(f != NULL && PEM_write_X509(f, ca->cert) == 1 && fclose(f) == 0, "%s", path);
}

void
testcert_write(const struct testcert *c, const struct testca *between, const char *path)
{
	FILE	*f = fopen(path, "w");

	cr_assert(f != NULL && PEM_write_PrivateKey(f, c->key, NULL, NULL, 0, NULL, NULL) == 1);
	cr_assert(PEM_write_X509(f, c->cert) == 1 && (between == NULL || PEM_write_X509(f, between->cert) == 1));
	cr_assert(fclose(f) == 0, "%s", path);
}

void
testcert_write_pair(const struct testcert *c, const struct testca *between, const char *crt, const char *key)
{
	FILE	*f = fopen(crt, "w");

	cr_assert(f != NULL && PEM_write_X509(f, c->cert) == 1, "%s", crt);
	cr_assert(between == NULL || PEM_write_X509(f, between->cert) == 1);
	cr_assert(fclose(f) == 0, "%s", crt);
	f = fopen(key, "w");
	cr_assert(f != NULL && fchmod(fileno(f), 0600) == 0, "%s", key);
	cr_assert(PEM_write_PrivateKey(f, c->key, NULL, NULL, 0, NULL, NULL) == 1 && fclose(f) == 0);
}

void
testca_revoke(const struct testca *ca, const struct testcert *c, int next_days, const char *path)
{
	X509_CRL	*crl = X509_CRL_new();
	ASN1_TIME	*when = X509_gmtime_adj(NULL, -86400L * 10);
	X509_REVOKED	*one;
	FILE		*f = fopen(path, "w");

	cr_assert(crl != NULL && f != NULL && X509_CRL_set_version(crl, 1) == 1 &&
	    X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->cert)) == 1 && X509_CRL_set1_lastUpdate(crl, when) == 1);
	if (c != NULL) {
		one = X509_REVOKED_new();
		X509_REVOKED_set_serialNumber(one, X509_get_serialNumber(c->cert));
		X509_REVOKED_set_revocationDate(one, when);
		cr_assert(X509_CRL_add0_revoked(crl, one) == 1);
	}
	X509_gmtime_adj(when, 86400L * next_days);
	cr_assert(X509_CRL_set1_nextUpdate(crl, when) == 1 && X509_CRL_sign(crl, ca->key, EVP_sha256()) > 0);
	cr_assert(PEM_write_X509_CRL(f, crl) == 1 && fclose(f) == 0);
	ASN1_TIME_free(when);
	X509_CRL_free(crl);
}
