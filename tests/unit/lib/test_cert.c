/* SPDX-License-Identifier: Apache-2.0
 *
 * test_cert.c - certificates out of PEM, and by whose name they are found
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <stdlib.h>

#include "lib/cert.h"
#include "tests/harness/testca.h"

struct seen {
	unsigned	count, stop;
	uint32_t	subjects[4];
	size_t		bytes[4];
};

static int
on_certificate(struct span der, uint32_t subject, void *arg)
{
	struct seen	*s = arg;

	if (s->stop > 0 && s->count == s->stop)
		return E_FULL;
	s->subjects[s->count % 4] = subject;
	s->bytes[s->count++ % 4] = der.n;
	return 0;
}

/* PEM of both, with text between and a key. */
static char *
pem_of(const struct testca *a, const struct testca *b, size_t *bytes)
{
	BIO	*out = BIO_new(BIO_s_mem());
	char	*p, *copy;
	long	 n;

	BIO_puts(out, "# a list\n\n");
	PEM_write_bio_X509(out, a->cert);
	BIO_puts(out, "subject=somebody\n");
	PEM_write_bio_PrivateKey(out, a->key, NULL, NULL, 0, NULL, NULL);
	PEM_write_bio_X509(out, b->cert);
	n = BIO_get_mem_data(out, &p);
	copy = malloc((size_t)n + 1);
	memcpy(copy, p, (size_t)n);
	copy[n] = '\0';
	*bytes = (size_t)n;
	BIO_free(out);
	return copy;
}

Test(cert, each_is_found_by_its_subject)
{
	struct testca	 a, b, same;
	const char	*why;
	struct seen	 s = { 0 };
	size_t		 n;
	char		*pem;

	testca_new(&a, "first", NULL);
	testca_new(&b, "second", &a);
	testca_new(&same, "first", NULL);
	pem = pem_of(&a, &b, &n);
	cr_assert(eq(int, cert_each(span_make(pem, n), on_certificate, &s, &why), 0), "%s", why);
	cr_expect(eq(uint, s.count, 2));
	cr_expect(eq(u32, s.subjects[0], cert_name_hash(X509_get_subject_name(a.cert))));
	cr_expect(eq(u32, s.subjects[1], cert_name_hash(X509_get_subject_name(b.cert))));
	cr_expect(eq(u32, s.subjects[0], cert_name_hash(X509_get_issuer_name(b.cert))));
	cr_expect(eq(u32, s.subjects[0], cert_name_hash(X509_get_subject_name(same.cert))));
	cr_expect(eq(sz, s.bytes[0], (size_t)i2d_X509(a.cert, NULL)));
	s = (struct seen){ .stop = 1 };
	cr_expect(eq(int, cert_each(span_make(pem, n), on_certificate, &s, &why), E_FULL));
	free(pem);
	testca_free(&a);
	testca_free(&b);
	testca_free(&same);
}

Test(cert, a_malformed_one_is_refused_wherever_it_breaks)
{
	static uint8_t	der[4096];
	struct testca	a;
	const char	*why;
	uint8_t		*p = der;
	int		 n;

	testca_new(&a, "first", NULL);
	n = i2d_X509(a.cert, &p);
	cr_assert(n > 0 && n < (int)sizeof(der));
	for (int cut = 0; cut < n; cut++) {
		BIO		*out = BIO_new(BIO_s_mem());
		struct seen	 s = { 0 };
		char		*text;
		long		 bytes;

		PEM_write_bio(out, PEM_STRING_X509, "", der, cut);
		bytes = BIO_get_mem_data(out, &text);
		cr_expect(eq(int, cert_each(span_make(text, (size_t)bytes), on_certificate, &s, &why), E_FORMAT), "cut at %d", cut);
		cr_expect(why != NULL);
		BIO_free(out);
	}
	testca_free(&a);
}
