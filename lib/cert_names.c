/* SPDX-License-Identifier: Apache-2.0
 *
 * cert_names.c - whom a certificate is for, and the key that is its own
 *
 * Process: mcpgw-compile, worker, mcpgwctl.  Owns: the names it gives out.
 * Trusts:  nobody to have put into a certificate what a log or a record may hold: such a name is passed over.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <limits.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "lib/cert.h"

#define NAMES_MAX	256
#define NAME_MAX_BYTES	2048

struct cert_names {
	size_t		count;
	struct cert_san	sans[NAMES_MAX];	/* malloc'ed texts */
};

const char *
cert_san_word(enum cert_san_kind kind)
{
	switch (kind) {
	case CERT_SAN_DNS:
		return "DNS";
	case CERT_SAN_URI:
		return "URI";
	case CERT_SAN_EMAIL:
		return "email";
	case CERT_SAN_IP:
	default:
		return "IP";
	}
}

static bool
is_clean(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] <= 0x20 || (unsigned char)p[i] > 0x7e)
			return false;
	return n > 0 && n <= NAME_MAX_BYTES;
}

static int
add(struct cert_names *n, enum cert_san_kind kind, const char *p, size_t bytes)
{
	char	*copy;

	if (n->count == NAMES_MAX || !is_clean(p, bytes))
		return 0;
	if ((copy = malloc(bytes + 1)) == NULL)
		return E_NOMEM;
	memcpy(copy, p, bytes);
	copy[bytes] = '\0';
	for (size_t i = 0; kind == CERT_SAN_DNS && i < bytes; i++)
		copy[i] = (char)tolower((unsigned char)copy[i]);
	n->sans[n->count++] = (struct cert_san){ kind, span_make(copy, bytes) };
	return 0;
}

static int
add_text(struct cert_names *n, enum cert_san_kind kind, const ASN1_STRING *s)
{
	return add(n, kind, (const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

static int
add_address(struct cert_names *n, const ASN1_STRING *s)
{
	const int	bytes = ASN1_STRING_length(s);
	char		text[INET6_ADDRSTRLEN];

	if ((bytes != 4 && bytes != 16) ||
	    inet_ntop(bytes == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(s), text, sizeof(text)) == NULL)
		return 0;
	return add(n, CERT_SAN_IP, text, strlen(text));
}

static int
add_name(struct cert_names *n, const GENERAL_NAME *g)
{
	switch (g->type) {
	case GEN_DNS:
		return add_text(n, CERT_SAN_DNS, g->d.dNSName);
	case GEN_URI:
		return add_text(n, CERT_SAN_URI, g->d.uniformResourceIdentifier);
	case GEN_EMAIL:
		return add_text(n, CERT_SAN_EMAIL, g->d.rfc822Name);
	case GEN_IPADD:
		return add_address(n, g->d.iPAddress);
	default:
		return 0;
	}
}

int
cert_names_new(struct span der, struct cert_names **out)
{
	const uint8_t	*at = (const uint8_t *)der.p;
	X509		*x = der.n > LONG_MAX ? NULL : d2i_X509(NULL, &at, (long)der.n);
	GENERAL_NAMES	*names;
	int		 r = 0;

	*out = NULL;
	if (x == NULL) {
		ERR_clear_error();
		return E_FORMAT;
	}
	names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	X509_free(x);
	ERR_clear_error();
	if ((*out = calloc(1, sizeof(**out))) == NULL)
		r = E_NOMEM;
	for (int i = 0; r == 0 && i < sk_GENERAL_NAME_num(names); i++)
		r = add_name(*out, sk_GENERAL_NAME_value(names, i));
	GENERAL_NAMES_free(names);
	if (r != 0)
		cert_names_free(out);
	return r;
}

void
cert_names_free(struct cert_names **np)
{
	struct cert_names	*n = *np;

	*np = NULL;
	for (size_t i = 0; n != NULL && i < n->count; i++)
		free((char *)(uintptr_t)n->sans[i].text.p);
	free(n);
}

bool
cert_names_at(const struct cert_names *n, size_t i, struct cert_san *out)
{
	if (i >= n->count)
		return false;
	*out = n->sans[i];
	return true;
}

/* ---- keys -------------------------------------------------------------------------------------- */

/* Nobody is asked for a passphrase. */
static int
on_passphrase(char *to, int room, int writing, void *arg)
{
	bool	*asked = arg;

	(void)to;
	(void)room;
	(void)writing;
	*asked = true;
	return -1;
}

static int
as_pkcs8(EVP_PKEY *key, char **out, size_t *bytes)
{
	PKCS8_PRIV_KEY_INFO	*p8 = EVP_PKEY2PKCS8(key);
	uint8_t			*der = NULL;
	int			 n = p8 == NULL ? -1 : i2d_PKCS8_PRIV_KEY_INFO(p8, &der), r = E_NOMEM;

	PKCS8_PRIV_KEY_INFO_free(p8);
	if (n > 0 && (*out = malloc((size_t)n)) != NULL) {
		memcpy(*out, der, (size_t)n);
		*bytes = (size_t)n;
		r = 0;
	}
	if (n > 0)
		OPENSSL_clear_free(der, (size_t)n);
	return r;
}

int
cert_key(struct span pem, struct span der, char **out, size_t *bytes, const char **why)
{
	const uint8_t	*at = (const uint8_t *)der.p;
	bool		 asked = false;
	X509		*x = NULL;
	EVP_PKEY	*key = NULL;
	BIO		*in = NULL;
	int		 r = E_FORMAT;

	*out = NULL;
	*why = NULL;
	if (pem.n > INT_MAX || der.n > LONG_MAX)
		return E_TOOBIG;
	if ((in = BIO_new_mem_buf(pem.n == 0 ? "" : pem.p, (int)pem.n)) == NULL)
		return E_NOMEM;
	if ((key = PEM_read_bio_PrivateKey(in, NULL, on_passphrase, &asked)) == NULL) {
		*why = asked ? "is encrypted with a passphrase, which nobody is there to type; write it without one" :
		    "holds no private key (PEM)";
	} else if ((x = d2i_X509(NULL, &at, (long)der.n)) == NULL) {
		*why = "belongs to a certificate that is malformed";
	} else if (X509_check_private_key(x, key) != 1) {
		*why = "is not the key of the certificate";
	} else {
		r = as_pkcs8(key, out, bytes);
	}
	ERR_clear_error();
	EVP_PKEY_free(key);
	X509_free(x);
	BIO_free(in);
	return r;
}
