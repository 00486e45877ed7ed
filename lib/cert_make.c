/* SPDX-License-Identifier: Apache-2.0
 *
 * cert_make.c - keys and certificates for trying things out on one machine
 *
 * Process: mcpgwctl.  Owns: the texts it gives out.
 * Trusts:  the files that an authority is read from, which are the operator's.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "lib/cert_make.h"
#include "lib/crypt.h"

#define DAY_S	86400L

struct made {
	EVP_PKEY	*key;
	X509		*x;
};

static void
made_fini(struct made *m)
{
	EVP_PKEY_free(m->key);
	X509_free(m->x);
	*m = (struct made){ 0 };
}

static int
read_authority(const struct cert_pair *from, struct made *ca)
{
	BIO	*crt = BIO_new_mem_buf(from->crt, -1), *key = BIO_new_mem_buf(from->key, -1);
	int	 r = E_FORMAT;

	if (crt != NULL && key != NULL && (ca->x = PEM_read_bio_X509(crt, NULL, NULL, NULL)) != NULL &&
	    (ca->key = PEM_read_bio_PrivateKey(key, NULL, NULL, (void *)(uintptr_t)"")) != NULL &&
	    X509_check_private_key(ca->x, ca->key) == 1 && X509_check_ca(ca->x) == 1)
		r = 0;
	BIO_free(crt);
	BIO_free(key);
	return r;
}

static bool
extend(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX	 ctx;
	X509_EXTENSION	*e;
	bool		 ok;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	X509V3_set_nconf(&ctx, NULL);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = e != NULL && X509_add_ext(x, e, -1) == 1;
	X509_EXTENSION_free(e);
	return ok;
}

static bool
set_serial(X509 *x)
{
	uint8_t	 bytes[16];
	BIGNUM	*n;
	bool	 ok;

	if (crypt_random(bytes, sizeof(bytes)) != 0)
		return false;
	bytes[0] = (uint8_t)((bytes[0] & 0x3f) | 0x40);		/* a positive number of all its bytes */
	ok = (n = BN_bin2bn(bytes, sizeof(bytes), NULL)) != NULL &&
	    BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL;
	BN_free(n);
	return ok;
}

/* All of it but its extensions and its signature. */
static bool
begin(struct made *m, const struct made *ca, const char *common_name, unsigned days)
{
	X509_NAME	*name;

	return (m->key = EVP_EC_gen("P-256")) != NULL && (m->x = X509_new()) != NULL &&
	    X509_set_version(m->x, X509_VERSION_3) == 1 && X509_set_pubkey(m->x, m->key) == 1 && set_serial(m->x) &&
	    X509_gmtime_adj(X509_getm_notBefore(m->x), -300) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(m->x), DAY_S * (long)days) != NULL &&
	    (name = X509_get_subject_name(m->x)) != NULL &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0) == 1 &&
	    X509_set_issuer_name(m->x, ca->x == NULL ? name : X509_get_subject_name(ca->x)) == 1;
}

static bool
finish(struct made *m, const struct made *ca, const char *names, bool client)
{
	X509	*issuer = ca->x == NULL ? m->x : ca->x;

	if (ca->x == NULL)
		return extend(m->x, issuer, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
		    extend(m->x, issuer, NID_key_usage, "critical,keyCertSign,cRLSign") &&
		    extend(m->x, issuer, NID_subject_key_identifier, "hash") &&
		    X509_sign(m->x, m->key, EVP_sha256()) > 0;
	return extend(m->x, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
	    extend(m->x, issuer, NID_key_usage, "critical,digitalSignature") &&
	    extend(m->x, issuer, NID_ext_key_usage, client ? "clientAuth" : "serverAuth") &&
	    extend(m->x, issuer, NID_subject_key_identifier, "hash") &&
	    extend(m->x, issuer, NID_authority_key_identifier, "keyid") &&
	    extend(m->x, issuer, NID_subject_alt_name, names) && X509_sign(m->x, ca->key, EVP_sha256()) > 0;
}

static char *
take_text(BIO *b)
{
	char	*p, *copy;
	long	 n = BIO_get_mem_data(b, &p);

	if (n <= 0 || (copy = malloc((size_t)n + 1)) == NULL)
		return NULL;
	memcpy(copy, p, (size_t)n);
	copy[n] = '\0';
	return copy;
}

static int
write_pair(const struct made *m, struct cert_pair *out)
{
	BIO	*crt = BIO_new(BIO_s_mem()), *key = BIO_new(BIO_s_secmem());

	if (crt != NULL && key != NULL && PEM_write_bio_X509(crt, m->x) == 1 &&
	    PEM_write_bio_PrivateKey(key, m->key, NULL, NULL, 0, NULL, NULL) == 1) {
		out->crt = take_text(crt);
		out->key = take_text(key);
	}
	BIO_free(crt);
	BIO_free(key);
	if (out->crt != NULL && out->key != NULL)
		return 0;
	cert_pair_free(out);
	return E_NOMEM;
}

int
cert_make(const struct cert_pair *by, const char *common_name, const char *names, bool client, unsigned days,
    struct cert_pair *out)
{
	struct made	ca = { 0 }, m = { 0 };
	int		r = by == NULL ? 0 : read_authority(by, &ca);

	*out = (struct cert_pair){ 0 };
	if (r == 0 && (!begin(&m, &ca, common_name, days) || !finish(&m, &ca, names, client)))
		r = E_FORMAT;
	if (r == 0)
		r = write_pair(&m, out);
	ERR_clear_error();
	made_fini(&ca);
	made_fini(&m);
	return r;
}

void
cert_pair_free(struct cert_pair *p)
{
	if (p->key != NULL)
		explicit_bzero(p->key, strlen(p->key));
	free(p->crt);
	free(p->key);
	*p = (struct cert_pair){ 0 };
}
