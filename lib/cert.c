/* SPDX-License-Identifier: Apache-2.0
 *
 * cert.c - the certificates of a PEM text
 *
 * Process: those that read configuration.  Owns: nothing beyond a call.
 * Trusts:  libcrypto to read what somebody wrote.
 */
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <time.h>

#include "lib/cert.h"

static uint64_t
ms_of(const ASN1_TIME *t)
{
	struct tm	tm;
	time_t		s;

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1 || (s = timegm(&tm)) <= 0)
		return 0;
	return (uint64_t)s * 1000;
}

static void
take(X509 *x, struct cert *out)
{
	X509_NAME	*name = X509_get_subject_name(x);

	*out = (struct cert){ .begins_ms = ms_of(X509_get0_notBefore(x)), .ends_ms = ms_of(X509_get0_notAfter(x)) };
	if (X509_NAME_get_text_by_NID(name, NID_commonName, out->subject, sizeof(out->subject)) <= 0)
		(void)X509_NAME_oneline(name, out->subject, sizeof(out->subject));
	for (char *c = out->subject; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
			*c = '?';
}

int
cert_each(struct span pem, cert_fn *fn, void *arg)
{
	struct cert	c;
	X509		*x;
	BIO		*bio;
	int		 n = 0;

	if (pem.n > INT_MAX || (bio = BIO_new_mem_buf(pem.p, (int)pem.n)) == NULL)
		return E_NOMEM;
	while ((x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		take(x, &c);
		X509_free(x);
		fn(&c, arg);
		n++;
	}
	/* Nothing more that begins as one is how it ends. */
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		n = E_FORMAT;
	ERR_clear_error();
	BIO_free(bio);
	return n;
}
