/* SPDX-License-Identifier: Apache-2.0
 *
 * cert.c - X.509 certificates as trust anchors
 *
 * Process: mcpgw-compile, which reads them; whoever verifies by them.  Owns: nothing beyond a call.
 * Trusts:  whoever wrote the file to have meant all that is in it.
 */
#include <limits.h>
#include <time.h>

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

static uint64_t
ms_of(const ASN1_TIME *t)
{
	struct tm	tm;
	time_t		s;

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1 || (s = timegm(&tm)) <= 0)
		return 0;
	return (uint64_t)s * 1000;
}

int
cert_read(struct span der, struct cert *out)
{
	const uint8_t	*at = (const uint8_t *)der.p;
	X509		*x = der.n > LONG_MAX ? NULL : d2i_X509(NULL, &at, (long)der.n);
	X509_NAME	*name;

	*out = (struct cert){ 0 };
	if (x == NULL)
		return E_FORMAT;
	out->begins_ms = ms_of(X509_get0_notBefore(x));
	out->ends_ms = ms_of(X509_get0_notAfter(x));
	name = X509_get_subject_name(x);
	if (X509_NAME_get_text_by_NID(name, NID_commonName, out->subject, sizeof(out->subject)) <= 0)
		(void)X509_NAME_oneline(name, out->subject, sizeof(out->subject));
	for (char *c = out->subject; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
			*c = '?';
	X509_free(x);
	return 0;
}
