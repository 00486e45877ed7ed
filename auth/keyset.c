/* SPDX-License-Identifier: Apache-2.0
 *
 * keyset.c - the keys of a JWK set that can prove a signature (RFC 7517)
 *
 * Process: mcpgw-compile, mcpgw-scout.  Owns: nothing.
 * Trusts:  who serves the issuer for which keys there are; auth/jwk.c looks at each.
 *
 * What a set holds beside (keys to encrypt with, kinds we do not know) is passed over: sets are shared.
 */
#include "auth/keyset.h"

static struct span
text_of(const struct conf_node *key, const char *name)
{
	const struct conf_node	*n = conf_find(key, name);

	return n != NULL && n->type == JSON_STRING ? n->text : SPAN_NONE;
}

/* "use" and "key_ops" (RFC 7517 4.2, 4.3): absent says nothing. */
static bool
is_to_verify(const struct conf_node *key)
{
	const struct conf_node	*ops = conf_find(key, "key_ops"), *n;
	struct span		 use = text_of(key, "use");

	if (use.n > 0 && !span_is(use, "sig"))
		return false;
	if (ops == NULL)
		return true;
	for (n = ops->first; n != NULL; n = n->next)
		if (span_is(n->text, "verify"))
			return true;
	return false;
}

/* A key that says its algorithm is for no other (RFC 8725 3.1).  An RSA key that says none is for RS256 alone, unless
 * the operator lists more: both kinds of padding under one key are more than most want. */
static uint32_t
algs_of(const struct conf_node *key, uint32_t can, uint32_t wanted, bool wanted_given)
{
	struct span	alg = text_of(key, "alg");
	enum jws_alg	a = jws_alg_of(alg);

	if (alg.n > 0)
		return a == JWS_ALG_LIMIT ? 0 : can & JWS_ALG_BIT(a) & wanted;
	if (!wanted_given && (can & JWS_ALG_BIT(JWS_ALG_RS256)) != 0)
		can = JWS_ALG_BIT(JWS_ALG_RS256);
	return can & wanted;
}

static int
read_key(const struct conf_node *node, uint32_t wanted, bool wanted_given, struct arena *a, keyset_fn *fn, void *arg)
{
	const struct jwk	 k = { text_of(node, "kty"), text_of(node, "crv"), text_of(node, "n"),
				    text_of(node, "e"), text_of(node, "x"), text_of(node, "y") };
	struct keyset_key	 key = { .kid = text_of(node, "kid"), .has_kid = conf_find(node, "kid") != NULL };
	uint32_t		 can;
	const char		*why = "";
	int			 r;

	if (node->type != JSON_OBJECT)
		return fn(KEYSET_BROKEN, node, NULL, "want an object", arg);
	if (!is_to_verify(node))
		return 0;
	if ((r = jwk_read(&k, a, &key.der, &can, &why)) == E_NOMEM)
		return r;
	if (r != 0)
		return fn(r == E_NOTFOUND ? KEYSET_UNUSED : KEYSET_BROKEN, node, NULL,
		    r == E_NOTFOUND || r == E_FORMAT ? why : err_text(r), arg);
	if ((key.algs = algs_of(node, can, wanted, wanted_given)) == 0)
		return fn(KEYSET_UNUSED, node, NULL, "it is for none of the algorithms that are accepted", arg);
	return fn(KEYSET_KEY, node, &key, NULL, arg);
}

int
keyset_read(const struct conf_node *set, uint32_t algs, bool algs_given, struct arena *a, keyset_fn *fn, void *arg,
    const struct conf_node **at, const char **why)
{
	const struct conf_node	*keys = conf_find(set, "keys"), *n;
	int			 r = 0;

	*at = set;
	*why = "want a JWK set: {\"keys\": [...]}";
	if (keys == NULL || keys->type != JSON_ARRAY)
		return E_FORMAT;
	if (keys->count > KEYSET_KEYS_MAX) {
		*at = keys;
		*why = "a set has at most 256 keys";
		return E_FORMAT;
	}
	for (n = keys->first; n != NULL && r == 0; n = n->next)
		r = read_key(n, algs, algs_given, a, fn, arg);
	return r;
}
