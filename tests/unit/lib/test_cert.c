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

static char *
text_of(BIO *b, size_t *bytes)
{
	char	*p, *copy;
	long	 n = BIO_get_mem_data(b, &p);

	copy = malloc((size_t)n + 1);
	memcpy(copy, p, (size_t)n);
	copy[n] = '\0';
	*bytes = (size_t)n;
	BIO_free(b);
	return copy;
}

Test(cert, names_whom_it_is_for_and_nothing_that_a_log_may_not_hold)
{
	static const struct { enum cert_san_kind kind; const char *text; } want[] = {
		{ CERT_SAN_DNS, "a.example" }, { CERT_SAN_URI, "spiffe://corp/Backend" }, { CERT_SAN_EMAIL, "Ann@b.example" },
		{ CERT_SAN_IP, "127.0.0.1" }, { CERT_SAN_IP, "::1" },
	};
	struct testca		 ca;
	struct testcert		 c;
	struct cert_names	*names;
	struct cert_san		 san;
	unsigned char		*der = NULL;
	size_t			 i = 0;
	int			 n;

	testca_new(&ca, "an authority", NULL);
	testca_issue(&ca, "DNS:A.Example,URI:spiffe://corp/Backend,email:Ann@b.example,DNS:a b,IP:127.0.0.1,IP:::1,RID:1.2.3", 0,
	    1, &c);
	n = i2d_X509(c.cert, &der);
	cr_assert(eq(int, cert_names_new(span_make(der, (size_t)n), &names), 0));
	for (; cert_names_at(names, i, &san); i++)
		cr_expect(i < 5 && san.kind == want[i].kind && span_is(san.text, want[i].text), "%zu: %.*s", i,
		    SPAN_FMT(san.text));
	cr_expect(eq(sz, i, 5));
	cert_names_free(&names);
	for (int cut = 0; cut < n; cut += 7)
		cr_expect(eq(int, cert_names_new(span_make(der, (size_t)cut), &names), E_FORMAT), "%d", cut);
	OPENSSL_free(der);
	testcert_free(&c);
	testca_free(&ca);
}

Test(cert, takes_the_key_that_is_its_own)
{
	struct testca	 ca;
	struct testcert	 c, other;
	unsigned char	*der = NULL;
	const char	*why;
	char		*pem, *key;
	size_t		 bytes, key_bytes;
	BIO		*b;
	int		 n;

	testca_new(&ca, "an authority", NULL);
	testca_issue(&ca, "DNS:a", 0, 1, &c);
	testca_issue(&ca, "DNS:a", 0, 1, &other);
	n = i2d_X509(c.cert, &der);
	b = BIO_new(BIO_s_mem());
	PEM_write_bio_PrivateKey(b, c.key, NULL, NULL, 0, NULL, NULL);
	pem = text_of(b, &bytes);
	cr_expect(eq(int, cert_key(span_make(pem, bytes), span_make(der, (size_t)n), &key, &key_bytes, &why), 0));
	cr_expect(key_bytes > 50);
	free(key);
	free(pem);
	b = BIO_new(BIO_s_mem());
	PEM_write_bio_PrivateKey(b, other.key, NULL, NULL, 0, NULL, NULL);
	pem = text_of(b, &bytes);
	cr_expect(eq(int, cert_key(span_make(pem, bytes), span_make(der, (size_t)n), &key, &key_bytes, &why), E_FORMAT));
	cr_expect(eq(str, (char *)(uintptr_t)why, "is not the key of the certificate"));
	free(pem);
	b = BIO_new(BIO_s_mem());
	PEM_write_bio_PrivateKey(b, c.key, EVP_aes_256_cbc(), (const unsigned char *)"pass", 4, NULL, NULL);
	pem = text_of(b, &bytes);
	cr_expect(eq(int, cert_key(span_make(pem, bytes), span_make(der, (size_t)n), &key, &key_bytes, &why), E_FORMAT));
	cr_expect(strstr(why, "passphrase") != NULL, "%s", why);
	free(pem);
	cr_expect(eq(int, cert_key(SPAN_LIT("nothing"), span_make(der, (size_t)n), &key, &key_bytes, &why), E_FORMAT));
	OPENSSL_free(der);
	testcert_free(&c);
	testcert_free(&other);
	testca_free(&ca);
}
