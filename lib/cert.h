/* SPDX-License-Identifier: Apache-2.0
 *
 * cert.h - X.509 certificates as trust anchors: out of a PEM text, and by whose name they are found
 */
#ifndef LIB_CERT_H
#define LIB_CERT_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/span.h"

struct X509_name_st;

/* One certificate, DER, borrowed for the call, and cert_name_hash() of its subject.  Not 0 ends it. */
typedef int cert_fn(struct span der, uint32_t subject, void *arg);

/* Every certificate of a PEM text in order; what stands between them, and other PEM blocks, is passed over.  0; what
 * fn answered; E_FORMAT, with *why (static): one is malformed, or there is none. */
must_check int	cert_each(struct span pem, cert_fn *fn, void *arg, const char **why);

/* Whose one is, and when it counts. */
struct cert {
	char		subject[128];		/* the common name, or the whole name; printable ASCII */
	uint64_t	begins_ms, ends_ms;	/* wall clock */
};
/* Of DER.  E_FORMAT. */
must_check int	cert_read(struct span der, struct cert *out);

/* Names that are compared equal have equal hashes; others may.  0: without memory. */
uint32_t	cert_name_hash(const struct X509_name_st *name);

#endif
