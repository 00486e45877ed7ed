/* SPDX-License-Identifier: Apache-2.0
 *
 * chain.c - every row of the audit names the SHA-256 of the row before it
 *
 * Process: mcpgw-audit.  Owns: nothing.  Trusts: no row.
 */
#include "audit/chain.h"
#include "lib/kv.h"

int
chain_add(struct chain *c, char *text, size_t bytes)
{
	int	r;

	kv_put_be64(text, c->number + 1);
	memcpy(text + 8, c->head.bytes, CRYPT_SHA256_BYTES);
	if ((r = crypt_sha256(span_make(text, bytes), &c->head)) != 0)
		return r;
	c->number++;
	return 0;
}

int
chain_hash(uint64_t number, const struct crypt_digest *before, struct span content,
    struct crypt_digest *out)
{
	char		text[CHAIN_FRONT + CHAIN_CONTENT_MAX];
	struct chain	c = { number - 1, *before };
	int		r;

	if (content.n > CHAIN_CONTENT_MAX)
		return E_TOOBIG;
	memcpy(text + CHAIN_FRONT, content.p, content.n);
	if ((r = chain_add(&c, text, CHAIN_FRONT + content.n)) == 0)
		*out = c.head;
	return r;
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
