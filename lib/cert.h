/* SPDX-License-Identifier: Apache-2.0
 *
 * cert.h - the certificates of a PEM text: whose they are, and until when
 */
#ifndef LIB_CERT_H
#define LIB_CERT_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/span.h"

struct cert {
	char		subject[128];		/* the common name, or the whole name; printable ASCII */
	uint64_t	begins_ms, ends_ms;	/* wall clock */
};

typedef void	cert_fn(const struct cert *c, void *arg);
/* Each certificate of the text, in its order; other things in it are passed over.  How many there are, or E_FORMAT:
 * one of them cannot be read. */
must_check int	cert_each(struct span pem, cert_fn *fn, void *arg);

#endif
