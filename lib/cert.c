/* SPDX-License-Identifier: Apache-2.0
 *
 * cert.c - X.509 certificates out of PEM texts
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

/* Goes into the next element, or over it, within *at and end; false: it is not of this tag and class. */
static bool
element(const uint8_t **at, const uint8_t **end, int tag, int class, bool into)
{
	const uint8_t	*p = *at;
	int		 is, of;
	long		 bytes;

	if (p >= *end || (ASN1_get_object(&p, &bytes, &is, &of, *end - p) & 0x81) != 0 || is != tag || of != class)
		return false;
	*at = into ? p : p + bytes;
	if (into)
		*end = p + bytes;
	return true;
}

/* RFC 5280, 4.1.  To parse all of it would take some 0.14 ms, most of it the key's, and a machine has 140 of them. */
static X509_NAME *
subject_of(const uint8_t *der, long bytes)
{
	const uint8_t	*at = der, *end = der + bytes, *name;
	const int	 seq = V_ASN1_SEQUENCE, any = V_ASN1_UNIVERSAL;
	X509_NAME	*subject;

	if (!element(&at, &end, seq, any, true) || end != der + bytes || !element(&at, &end, seq, any, true))
		return NULL;
	(void)element(&at, &end, 0, V_ASN1_CONTEXT_SPECIFIC, false);	/* the version, where it is not 1 */
	if (!element(&at, &end, V_ASN1_INTEGER, any, false) || !element(&at, &end, seq, any, false) ||
	    !element(&at, &end, seq, any, false) || !element(&at, &end, seq, any, false))
		return NULL;		/* serial number, algorithm, issuer, validity */
	name = at;
	if (!element(&at, &end, seq, any, false) || (subject = d2i_X509_NAME(NULL, &name, at - name)) == NULL)
		return NULL;
	if (element(&at, &end, seq, any, false))
		return subject;		/* and a key behind it */
	X509_NAME_free(subject);
	return NULL;
}

static int
take(const uint8_t *der, long bytes, cert_fn *fn, void *arg, const char **why)
{
	X509_NAME	*subject = subject_of(der, bytes);
	int		 r;

	if (subject == NULL) {
		*why = "holds a certificate that is malformed";
		return E_FORMAT;
	}
	r = fn(span_make(der, (size_t)bytes), cert_name_hash(subject), arg);
	X509_NAME_free(subject);
	return r;
}

static bool
is_certificate(const char *name)
{
	return strcmp(name, PEM_STRING_X509) == 0 || strcmp(name, PEM_STRING_X509_OLD) == 0;
}

static bool
is_crl(const char *name)
{
	return strcmp(name, PEM_STRING_X509_CRL) == 0;
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

/* Each block of a PEM text that is_one(), to take(). */
struct pem_walk {
	bool		(*is_one)(const char *name);
	int		(*take)(const uint8_t *der, long bytes, const struct pem_walk *w, const char **why);
	const char	*none;
	cert_fn		*on_cert;
	crl_fn		*on_crl;
	void		*arg;
};

static int
take_cert(const uint8_t *der, long bytes, const struct pem_walk *w, const char **why)
{
	return take(der, bytes, w->on_cert, w->arg, why);
}

static int
take_crl(const uint8_t *der, long bytes, const struct pem_walk *w, const char **why)
{
	const uint8_t	*at = der;
	X509_CRL	*crl = d2i_X509_CRL(NULL, &at, bytes);
	uint64_t	 next;

	if (crl == NULL) {
		*why = "holds a list of revoked certificates that is malformed";
		return E_FORMAT;
	}
	next = ms_of(X509_CRL_get0_nextUpdate(crl));
	X509_CRL_free(crl);
	return w->on_crl(span_make(der, (size_t)bytes), next, w->arg);
}

static int
pem_each(struct span pem, const struct pem_walk *w, const char **why)
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
		if (w->is_one(name)) {
			count++;
			r = w->take(der, bytes, w, why);
		}
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(der);
	}
	if (r == 0 && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
		*why = "holds PEM that is malformed";
		r = E_FORMAT;
	} else if (r == 0 && count == 0) {
		*why = w->none;
		r = E_FORMAT;
	}
	ERR_clear_error();
	BIO_free(in);
	return r;
}

int
cert_each(struct span pem, cert_fn *fn, void *arg, const char **why)
{
	const struct pem_walk	w = { .is_one = is_certificate, .take = take_cert, .none = "holds no certificate (PEM)",
				    .on_cert = fn, .arg = arg };

	return pem_each(pem, &w, why);
}

int
crl_each(struct span pem, crl_fn *fn, void *arg, const char **why)
{
	const struct pem_walk	w = { .is_one = is_crl, .take = take_crl, .on_crl = fn, .arg = arg,
				    .none = "holds no list of revoked certificates (PEM, X509 CRL)" };

	return pem_each(pem, &w, why);
}

static void
name_text(const X509_NAME *name, char *to, size_t room)
{
	if (X509_NAME_get_text_by_NID(name, NID_commonName, to, (int)room) <= 0)
		(void)X509_NAME_oneline(name, to, (int)room);
	for (char *c = to; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
			*c = '?';
}

int
cert_read(struct span der, struct cert *out)
{
	const uint8_t	*at = (const uint8_t *)der.p;
	X509		*x = der.n > LONG_MAX ? NULL : d2i_X509(NULL, &at, (long)der.n);

	*out = (struct cert){ 0 };
	if (x == NULL)
		return E_FORMAT;
	out->begins_ms = ms_of(X509_get0_notBefore(x));
	out->ends_ms = ms_of(X509_get0_notAfter(x));
	name_text(X509_get_subject_name(x), out->subject, sizeof(out->subject));
	name_text(X509_get_issuer_name(x), out->issuer, sizeof(out->issuer));
	X509_free(x);
	return 0;
}
