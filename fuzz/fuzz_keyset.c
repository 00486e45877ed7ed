/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_keyset.c - a JWK set of a stranger: keys that OpenSSL takes, and reasons for the others
 */
#include <stdint.h>

#include "auth/keyset.h"
#include "lib/bug.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int
on_key(enum keyset_found found, const struct conf_node *at, const struct keyset_key *key, const char *why, void *arg)
{
	struct jws_key	parsed;

	BUG_ON(at == NULL || (found == KEYSET_KEY) != (key != NULL) || (found == KEYSET_KEY) != (why == NULL));
	++*(unsigned *)arg;
	if (key == NULL)
		return 0;
	BUG_ON(key->algs == 0 || (key->algs & jws_algs_of(JWS_HMAC, 0)) != 0 || (!key->has_kid && key->kid.n > 0));
	BUG_ON(jws_key_read(key->der, key->algs, &parsed) != 0);
	jws_key_free(&parsed);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct conf_node	*at;
	struct conf_error	 e;
	struct conf		*c;
	struct arena		 a;
	const char		*why;
	unsigned		 keys = 0;
	int			 r;

	if (conf_new(span_make(data, n), &c, &e) != 0)
		return 0;
	arena_init(&a, NULL, 0, 1 << 20);
	r = keyset_read(conf_top(c), UINT32_MAX, n % 2 == 0, &a, on_key, &keys, &at, &why);
	BUG_ON(r != 0 && r != E_FORMAT && r != E_NOMEM);
	BUG_ON(r == E_FORMAT && (at == NULL || why == NULL || keys > 0));
	BUG_ON(keys > KEYSET_KEYS_MAX);
	arena_fini(&a);
	conf_free(&c);
	return 0;
}
