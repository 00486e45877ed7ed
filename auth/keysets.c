/* SPDX-License-Identifier: Apache-2.0
 *
 * keysets.c - the keys that were fetched for issuers, as one process has them parsed
 *
 * Process: worker.
 * Owns:    the parsed keys; the snapshot, held.
 * Trusts:  mcpgw-scout for which keys an issuer has.
 */
#include <stdlib.h>

#include "auth/keysets.h"
#include "lib/sum.h"

struct keysets {
	struct snap	*snap;
	uint64_t	 generation;
	size_t		 count;
	struct jws_key	 keys[];	/* VERIFIER by VERIFIER; of no algorithm: it was none */
};

int
keysets_new(struct snap *s, struct keysets **out)
{
	const uint64_t			 count = snap_count(s, SECTION_VERIFIER);
	const struct rec_verifier	*v;
	const struct rec_keyset		*set;
	struct keysets			*k;
	int				 r = 0;

	*out = NULL;
	if ((k = calloc(1, sizeof(*k) + count * sizeof(k->keys[0]))) == NULL)
		return E_NOMEM;
	k->snap = snap_hold(s);
	for (; k->count < count && (v = SNAP_AT(s, VERIFIER, k->count)) != NULL && r != E_NOMEM; k->count++)
		r = jws_key_read(snap_text(s, v->der), v->algs, &k->keys[k->count]);
	for (uint64_t i = 0; (set = SNAP_AT(s, KEYSET, i)) != NULL; i++) {
		const uint64_t	of[] = { k->generation, set->id, set->keys_digest, set->fetched_ms != 0 };

		k->generation = sum64(span_make(of, sizeof(of)));
	}
	if (r == E_NOMEM)
		keysets_free(&k);
	*out = k;
	return r == E_NOMEM ? r : 0;
}

void
keysets_free(struct keysets **kp)
{
	struct keysets	*k = *kp;

	*kp = NULL;
	for (size_t n = 0; k != NULL && n < k->count; n++)
		jws_key_free(&k->keys[n]);
	if (k != NULL)
		snap_release(&k->snap);
	free(k);
}

uint64_t
keysets_generation(const struct keysets *k)
{
	return k == NULL ? 0 : k->generation;
}

const struct rec_keyset *
keysets_find(const struct keysets *k, uint64_t id)
{
	const struct rec_keyset	*set;

	for (uint64_t i = 0; k != NULL && (set = SNAP_AT(k->snap, KEYSET, i)) != NULL; i++)
		if (set->id == id)
			return set;
	return NULL;
}

int
keysets_prove(const struct keysets *k, const struct rec_keysource *source, const struct jwt *t, uint64_t wall_ms,
    const char **why)
{
	const struct rec_keyset	*set = keysets_find(k, source->id);
	bool			 there = false;
	int			 r;

	if (set == NULL || set->fetched_ms == 0) {
		*why = "the keys of its issuer were not fetched yet";
		return E_ISSUER_KEYS;
	}
	/* A clock that was set back makes them no younger than they are. */
	if (wall_ms > set->fetched_ms && wall_ms - set->fetched_ms > source->keep_ms) {
		*why = "the keys of its issuer could not be fetched for longer than they are kept (keys_keep)";
		return E_ISSUER_KEYS;
	}
	for (uint32_t n = set->verifier_first; n - set->verifier_first < set->verifier_count && n < k->count; n++) {
		const struct rec_verifier	*v = SNAP_AT(k->snap, VERIFIER, n);

		if (t->has_kid && v->has_kid && !span_eq(t->kid, snap_text(k->snap, v->kid)))
			continue;
		there = true;
		if ((r = jws_verify(&k->keys[n], t->alg, t->text, t->signature)) != E_DENIED)
			return r;
	}
	/* Without a kid every key was tried, and a new one may be what is missing. */
	return there && t->has_kid ? E_DENIED : E_NOTFOUND;
}
