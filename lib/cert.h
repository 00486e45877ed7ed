/* SPDX-License-Identifier: Apache-2.0
 *
 * cert.h - X.509 certificates: out of a PEM text, by whose name they are found, whom they name, and their keys
 */
#ifndef LIB_CERT_H
#define LIB_CERT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/span.h"

struct X509_name_st;

/* One certificate, DER, borrowed for the call, and cert_name_hash() of its subject.  Not 0 ends it. */
typedef int cert_fn(struct span der, uint32_t subject, void *arg);

/* Every certificate of a PEM text in order; what stands between them, and other PEM blocks, is passed over.  They are
 * looked at as far as the subject's name.  0; what fn answered; E_FORMAT, with *why (static): one is malformed, or
 * there is none. */
must_check int	cert_each(struct span pem, cert_fn *fn, void *arg, const char **why);

/* Whose one is, and when it counts. */
struct cert {
	char		subject[128], issuer[128];	/* the common name, or the whole name; printable ASCII */
	uint64_t	begins_ms, ends_ms;	/* wall clock */
};
/* Of DER.  E_FORMAT. */
must_check int	cert_read(struct span der, struct cert *out);

/* Whom it is for: its subjectAltName, in order, without what no text of ours may hold. */
enum cert_san_kind { CERT_SAN_DNS = 1, CERT_SAN_URI, CERT_SAN_EMAIL, CERT_SAN_IP };
struct cert_san {
	enum cert_san_kind kind;
	struct span	   text;	/* printable ASCII; a DNS name in small letters; an address as text */
};
struct cert_names;
/* Of DER.  E_FORMAT, E_NOMEM. */
must_check int	cert_names_new(struct span der, struct cert_names **out);
void		cert_names_free(struct cert_names **n);
/* Borrowed; false: there are no more. */
bool		cert_names_at(const struct cert_names *n, size_t i, struct cert_san *out);
/* "URI", "DNS", "email", "IP". */
const char	*cert_san_word(enum cert_san_kind kind);

/* A private key out of a PEM text, as PKCS#8 (malloc'ed, to be cleared by its owner), which must be that of this
 * certificate.  E_FORMAT, with *why (static). */
must_check int	cert_key(struct span pem, struct span der, char **key, size_t *bytes, const char **why);

/* A list of revoked certificates; one PEM text may have several.  As cert_each(), each one as DER and with the time by
 * which the next one should be there (wall clock; 0: it does not say). */
typedef int crl_fn(struct span der, uint64_t next_ms, void *arg);
must_check int	crl_each(struct span pem, crl_fn *fn, void *arg, const char **why);

/* Names that are compared equal have equal hashes; others may.  0: without memory. */
uint32_t	cert_name_hash(const struct X509_name_st *name);

#endif
