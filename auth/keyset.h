/* SPDX-License-Identifier: Apache-2.0
 *
 * keyset.h - the keys of a JWK set that can prove a signature (RFC 7517)
 */
#ifndef AUTH_KEYSET_H
#define AUTH_KEYSET_H

#include "auth/jwk.h"
#include "lib/conf.h"

#define KEYSET_KEYS_MAX	256

struct keyset_key {		/* borrowed: of the set's text and the arena */
	struct span	kid, der;	/* der: SubjectPublicKeyInfo */
	bool		has_kid;
	uint32_t	algs;		/* bits of enum jws_alg that it proves */
};

enum keyset_found {
	KEYSET_KEY,
	KEYSET_UNUSED,		/* sound, but of a kind or for an algorithm that is not accepted: why */
	KEYSET_BROKEN,		/* no key, or a weak one: why */
};
/* at: the key.  Not 0 ends the reading with that. */
typedef int keyset_fn(enum keyset_found found, const struct conf_node *at, const struct keyset_key *key,
    const char *why, void *arg);

/* Each key of the set, for those of `algs` that it can be for; those that encrypt are passed over without a word.
 * 0; E_FORMAT with *why and *at: it is no set, or one of too many keys; E_NOMEM, or what fn said. */
must_check int	keyset_read(const struct conf_node *set, uint32_t algs, bool algs_given, struct arena *a, keyset_fn *fn,
		    void *arg, const struct conf_node **at, const char **why);

#endif
