/* SPDX-License-Identifier: Apache-2.0
 *
 * chain.c - every row of the audit names the SHA-256 of the row before it
 *
 * Process: mcpgw-audit.  Owns: nothing.  Trusts: no row.
 */
#include "audit/chain.h"
#include "lib/kv.h"

int
chain_hash(uint64_t number, const struct crypt_digest *before, struct span content,
    struct crypt_digest *out)
{
	char	text[8 + CRYPT_SHA256_BYTES + CHAIN_CONTENT_MAX];

	if (content.n > CHAIN_CONTENT_MAX)
		return E_TOOBIG;
	kv_put_be64(text, number);
	memcpy(text + 8, before->bytes, CRYPT_SHA256_BYTES);
	memcpy(text + 8 + CRYPT_SHA256_BYTES, content.p, content.n);
	return crypt_sha256(span_make(text, 8 + CRYPT_SHA256_BYTES + content.n), out);
}

int
chain_follow(struct chain *c, uint64_t number, const struct crypt_digest *before, struct span content)
{
	struct crypt_digest	hash;
	int			r;

	if (number != c->number + 1 || !crypt_equal(before, &c->head, sizeof(*before)))
		return E_DENIED;
	if ((r = chain_hash(number, before, content, &hash)) != 0)
		return r;
	c->number = number;
	c->head = hash;
	return 0;
}
