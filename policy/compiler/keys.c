/* SPDX-License-Identifier: Apache-2.0
 *
 * keys.c - the store's dump to the keys snapshot
 *
 * Process: mcpgw-compile.  Owns: nothing beyond the call.
 * Trusts:  the dump to be sealed and whole; of two keys with one digest the first counts.
 */
#include <stdlib.h>
#include <sys/stat.h>

#include "policy/compiler/keys.h"

static int
key_cmp(const void *a, const void *b)
{
	return memcmp((*(const struct rec_key *const *)a)->digest,
	    (*(const struct rec_key *const *)b)->digest, sizeof(((struct rec_key *)NULL)->digest));
}

static int
text_copy(const struct snap *from, struct build *to, struct stext *t)
{
	return build_text(to, snap_text(from, *t), t);
}

static int
keys_copy(const struct snap *dump, const struct rec_key **sorted, uint64_t count, struct build *b)
{
	int	r;

	for (uint64_t i = 0; i < count; i++) {
		struct rec_key	 k = *sorted[i];
		struct stext	*texts[] = { &k.public_name, &k.name, &k.agent, &k.tenant, &k.scopes, &k.roles,
		    &k.groups, &k.workspace };

		if (i > 0 && key_cmp(&sorted[i - 1], &sorted[i]) == 0)
			continue;
		for (size_t n = 0; n < sizeof(texts) / sizeof(texts[0]); n++)
			if ((r = text_copy(dump, b, texts[n])) != 0)
				return r;
		/* For people, in dumps: here it would be another snapshot with each use. */
		k.used_ms = 0;
		if ((r = build_add(b, SECTION_KEY, &k, NULL)) != 0)
			return r;
	}
	return 0;
}

/* Equal texts of a build have one place. */
static int
name_cmp(const void *a, const void *b)
{
	const struct rec_key	*k = *(struct rec_key *const *)a, *l = *(struct rec_key *const *)b;

	if (k->tenant.at != l->tenant.at)
		return k->tenant.at < l->tenant.at ? -1 : 1;
	return (k->name.at > l->name.at) - (k->name.at < l->name.at);
}

static int
mark_twins(struct build *b)
{
	const uint64_t	  count = build_count(b, SECTION_KEY);
	struct rec_key	**all = calloc(count + 1, sizeof(*all));

	if (all == NULL)
		return E_NOMEM;
	for (uint64_t i = 0; i < count; i++)
		all[i] = build_at(b, SECTION_KEY, i);
	if (count > 1)
		qsort(all, count, sizeof(*all), name_cmp);
	for (uint64_t i = 1; i < count; i++)
		if (name_cmp(&all[i - 1], &all[i]) == 0)
			all[i - 1]->twins = all[i]->twins = 1;
	free(all);
	return 0;
}

static int
barred_cmp(const void *a, const void *b)
{
	const struct rec_barred	*x = a, *y = b;

	return x->hash < y->hash ? -1 : x->hash > y->hash;
}

static int
barred_copy(const struct snap *dump, struct build *b)
{
	const struct rec_barred	*one;
	struct rec_barred	 copy;
	uint64_t		 count;
	int			 r;

	for (uint64_t i = 0; (one = SNAP_AT(dump, BARRED, i)) != NULL; i++) {
		copy = *one;
		if ((r = text_copy(dump, b, &copy.issuer)) != 0 || (r = text_copy(dump, b, &copy.name)) != 0 ||
		    (r = build_add(b, SECTION_BARRED, &copy, NULL)) != 0)
			return r;
	}
	if ((count = build_count(b, SECTION_BARRED)) > 1)
		qsort(build_at(b, SECTION_BARRED, 0), count, sizeof(struct rec_barred), barred_cmp);
	return 0;
}

static int
signers_copy(const struct snap *dump, struct build *b)
{
	const struct rec_signer	*s;
	const struct rec_gone	*g;
	struct rec_signer	 copy;
	int			 r;

	for (uint64_t i = 0; (s = SNAP_AT(dump, SIGNER, i)) != NULL; i++) {
		copy = *s;
		if ((r = text_copy(dump, b, &copy.kid)) != 0 || (r = text_copy(dump, b, &copy.issuer)) != 0 ||
		    (r = build_add(b, SECTION_SIGNER, &copy, NULL)) != 0)
			return r;
	}
	for (uint64_t i = 0; (g = SNAP_AT(dump, GONE, i)) != NULL; i++)
		if ((r = build_add(b, SECTION_GONE, g, NULL)) != 0)
			return r;
	return 0;
}

int
keys_make(int fd, struct build **out)
{
	const struct rec_key	**sorted = NULL;
	struct snap		 *dump = NULL;
	struct build		 *b = NULL;
	struct stat		  st;
	uint64_t		  count;
	int			  r;

	*out = NULL;
	if (fstat(fd, &st) == -1)
		return E_SYS;
	if ((r = build_new(SNAP_KEYS, "", &b)) != 0)
		return r;
	if (st.st_size > 0) {
		if ((r = snap_map(fd, &dump)) != 0)
			goto out;
		r = E_FORMAT;
		if (snap_head(dump)->kind != SNAP_DUMP)
			goto out;
		count = snap_count(dump, SECTION_KEY);
		r = E_NOMEM;
		if ((sorted = calloc(count + 1, sizeof(*sorted))) == NULL)
			goto out;
		for (uint64_t i = 0; i < count; i++)
			sorted[i] = SNAP_AT(dump, KEY, i);
		if (count > 1)
			qsort(sorted, count, sizeof(*sorted), key_cmp);
		if ((r = keys_copy(dump, sorted, count, b)) != 0 || (r = mark_twins(b)) != 0 ||
		    (r = signers_copy(dump, b)) != 0 || (r = barred_copy(dump, b)) != 0)
			goto out;
	}
	*out = b;
	b = NULL;
	r = 0;
 out:
	free(sorted);
	snap_release(&dump);
	build_free(&b);
	return r;
}
