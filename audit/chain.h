/* SPDX-License-Identifier: Apache-2.0
 *
 * chain.h - every row of the audit names the SHA-256 of the row before it
 *
 * A row's hash is over its number (8 bytes, big-endian), the hash of the row before, and its content.
 * An edited, cut out, inserted or exchanged row breaks every hash behind it.
 */
#ifndef AUDIT_CHAIN_H
#define AUDIT_CHAIN_H

#include "lib/crypt.h"

struct chain {
	uint64_t		number;		/* of the last row; 0: none yet */
	struct crypt_digest	head;		/* its hash; zeroes: none yet */
};

/* The hash of row `number`, whose content is at most CHAIN_CONTENT_MAX bytes.  0, E_TOOBIG, E_NOMEM. */
#define CHAIN_CONTENT_MAX	4096
must_check int	chain_hash(uint64_t number, const struct crypt_digest *before, struct span content,
		    struct crypt_digest *out);
/* The next row: `text` is CHAIN_FRONT bytes that are filled here with its number and the hash before,
 * and its content, `bytes` in all. */
#define CHAIN_FRONT		(8 + CRYPT_SHA256_BYTES)
must_check int	chain_add(struct chain *c, char *text, size_t bytes);
/* Checks the next row against the chain and goes on to it.  E_DENIED: it does not follow. */
must_check int	chain_follow(struct chain *c, uint64_t number, const struct crypt_digest *before,
		    struct span content);

#endif
