/* SPDX-License-Identifier: Apache-2.0
 *
 * keyset.c - VERIFIER: the keys of a JWK set that can prove a signature (RFC 7517)
 *
 * Process: mcpgw-compile.  Owns: nothing.
 * Trusts:  the operator, or who serves the operator's issuer, for which keys there are; auth/jwk.c looks at each.
 *
 * What a set holds beside (keys to encrypt with, kinds we do not know) is passed over: sets are shared.  A key that
 * is broken or weak is an error, as tokens signed with it would be refused without a word.
 */
#include "auth/jwk.h"
#include "policy/compiler/issuers.h"
#include "policy/compiler/typed.h"

#define KEYS_MAX	256

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

static bool
read_key(struct job *j, const struct source *s, const struct conf_node *key, uint32_t wanted, bool wanted_given)
{
	const struct jwk	 k = { text_of(key, "kty"), text_of(key, "crv"), text_of(key, "n"), text_of(key, "e"),
				    text_of(key, "x"), text_of(key, "y") };
	struct rec_verifier	 v = { .has_kid = conf_find(key, "kid") != NULL };
	struct span		 der;
	uint32_t		 can;
	const char		*why = "";
	int			 r;

	if (!typed_is(j, s, key, JSON_OBJECT) || !is_to_verify(key))
		return false;
	if ((r = jwk_read(&k, &j->arena, &der, &can, &why)) == E_NOTFOUND) {
		job_warn(j, s, key, "this key is not used: %s", why);
		return false;
	}
	if (r != 0) {
		job_error(j, s, key, "no key: %s", r == E_FORMAT ? why : err_text(r));
		return false;
	}
	v.algs = algs_of(key, can, wanted, wanted_given);
	if (v.algs == 0) {
		job_warn(j, s, key, "this key is not used: it is for none of the algorithms that are accepted");
		return false;
	}
	v.kid = put_text(j->policy, text_of(key, "kid"));
	v.der = put_text(j->policy, der);
	put_record(j->policy, SECTION_VERIFIER, &v);
	return true;
}

uint32_t
keyset_read(struct job *j, const struct source *s, const struct conf_node *set, uint32_t algs, bool algs_given)
{
	const struct conf_node	*keys = NULL, *n;
	uint32_t		 count = 0;

	if (!typed_is(j, s, set, JSON_OBJECT))
		return 0;
	if (!typed_list(j, s, set, "keys", JSON_ARRAY, false, &keys)) {
		if (conf_find(set, "keys") == NULL)
			job_error(j, s, set, "want a JWK set: {\"keys\": [...]}");
		return 0;
	}
	if (keys->count > KEYS_MAX) {
		job_error(j, s, keys, "a set has at most %d keys", KEYS_MAX);
		return 0;
	}
	for (n = keys->first; n != NULL; n = n->next)
		count += read_key(j, s, n, algs, algs_given);
	return count;
}
