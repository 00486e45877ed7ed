/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_cert.c - certificates out of PEM: what is given is within the text, and found by the name that OpenSSL reads
 */
#include <stdint.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "lib/bug.h"
#include "lib/cert.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int
on_certificate(struct span der, uint32_t subject, void *arg)
{
	const uint8_t	*at = (const uint8_t *)der.p;
	X509		*x = d2i_X509(NULL, &at, (long)der.n);
	struct cert	 c;

	++*(unsigned *)arg;
	BUG_ON(der.n == 0);
	BUG_ON((cert_read(der, &c) == 0) != (x != NULL));
	BUG_ON(x != NULL && cert_name_hash(X509_get_subject_name(x)) != subject);
	for (size_t i = 0; x != NULL && c.subject[i] != '\0'; i++)
		BUG_ON(i + 1 >= sizeof(c.subject) || c.subject[i] < 0x20 || c.subject[i] > 0x7e);
	X509_free(x);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span	in = span_make(data, n);
	unsigned	count = 0;
	const char	*why;
	int		r = cert_each(in, on_certificate, &count, &why);

	BUG_ON((r == 0) != (why == NULL) || (r == 0 && count == 0));
	BUG_ON(ERR_peek_error() != 0 && r == 0 && count == 0);
	ERR_clear_error();
	/* The same bytes as one certificate. */
	if (n > 0) {
		struct cert	c;

		(void)!cert_read(in, &c);
		ERR_clear_error();
	}
	return 0;
}
