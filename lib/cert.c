/* SPDX-License-Identifier: Apache-2.0
 *
 * cert.c - X.509 certificates as trust anchors
 *
 * Process: mcpgw-compile, which reads them; whoever verifies by them.  Owns: nothing beyond a call.
 * Trusts:  whoever wrote the file to have meant all that is in it.
 */
#include <limits.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "lib/cert.h"

uint32_t
cert_name_hash(const struct X509_name_st *name)
{
	int		ok = 0;
	unsigned long	hash = X509_NAME_hash_ex(name, NULL, NULL, &ok);

	return ok ? (uint32_t)hash : 0;
}

static int
take(const uint8_t *der, long bytes, cert_fn *fn, void *arg, const char **why)
{
	const uint8_t	*at = der;
	X509		*x = d2i_X509(NULL, &at, bytes);
	int		 r;

	if (x == NULL || at != der + bytes) {
		*why = "holds a certificate that is malformed";
		r = E_FORMAT;
	} else {
		r = fn(span_make(der, (size_t)bytes), cert_name_hash(X509_get_subject_name(x)), arg);
	}
	X509_free(x);
	return r;
}

static bool
is_certificate(const char *name)
{
	return strcmp(name, PEM_STRING_X509) == 0 || strcmp(name, PEM_STRING_X509_OLD) == 0;
}

int
cert_each(struct span pem, cert_fn *fn, void *arg, const char **why)
{
	char	*name = NULL, *header = NULL;
	uint8_t	*der = NULL;
	size_t	 count = 0;
	long	 bytes;
	BIO	*in;
	int	 r = 0;

	*why = NULL;
	if (pem.n > INT_MAX)
		return E_TOOBIG;
	if ((in = BIO_new_mem_buf(pem.n == 0 ? "" : pem.p, (int)pem.n)) == NULL)
		return E_NOMEM;
	while (r == 0 && PEM_read_bio(in, &name, &header, &der, &bytes) == 1) {
		if (is_certificate(name)) {
			count++;
			r = take(der, bytes, fn, arg, why);
		}
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(der);
	}
	if (r == 0 && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
		*why = "holds PEM that is malformed";
		r = E_FORMAT;
	} else if (r == 0 && count == 0) {
		*why = "holds no certificate (PEM)";
		r = E_FORMAT;
	}
	ERR_clear_error();
	BIO_free(in);
	return r;
}
