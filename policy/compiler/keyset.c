/* SPDX-License-Identifier: Apache-2.0
 *
 * keyset.c - VERIFIER: the keys of a JWK set in a file (auth/keyset.h)
 *
 * Process: mcpgw-compile.  Owns: nothing.
 * Trusts:  the operator, or who serves the operator's issuer, for which keys there are.
 *
 * A key that is broken or weak is an error, as tokens signed with it would be refused without a word.
 */
#include "auth/keyset.h"
#include "policy/compiler/issuers.h"
#include "policy/compiler/typed.h"

struct taking {
	struct job		*j;
	const struct source	*s;
	uint32_t		 count;
};

static int
on_key(enum keyset_found found, const struct conf_node *at, const struct keyset_key *key, const char *why, void *arg)
{
	struct taking		*t = arg;
	struct rec_verifier	 v;

	switch (found) {
	case KEYSET_KEY:
		v = (struct rec_verifier){ .kid = put_text(t->j->policy, key->kid),
		    .der = put_text(t->j->policy, key->der), .algs = key->algs, .has_kid = key->has_kid };
		put_record(t->j->policy, SECTION_VERIFIER, &v);
		t->count++;
		break;
	case KEYSET_UNUSED:
		job_warn(t->j, t->s, at, "this key is not used: %s", why);
		break;
	case KEYSET_BROKEN:
		job_error(t->j, t->s, at, "no key: %s", why);
		break;
	}
	return 0;
}

uint32_t
keyset_put(struct job *j, const struct source *s, const struct conf_node *set, uint32_t algs, bool algs_given)
{
	struct taking		 t = { .j = j, .s = s };
	const struct conf_node	*at;
	const char		*why;
	int			 r;

	if (!typed_is(j, s, set, JSON_OBJECT))
		return 0;
	if ((r = keyset_read(set, algs, algs_given, &j->arena, on_key, &t, &at, &why)) != 0)
		job_error(j, s, at, "%s", r == E_FORMAT ? why : err_text(r));
	return t.count;
}
