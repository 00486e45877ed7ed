/* SPDX-License-Identifier: Apache-2.0
 *
 * test_learn.c - what is known of names
 */
#include <stdio.h>

#include "claim.h"
#include "mcp/learn.h"

static uint64_t
hash_of(unsigned n)
{
	char	name[16];

	snprintf(name, sizeof(name), "\"t%u\"", n);
	return learn_hash(SPAN_LIT("\"tools/call\""), span_of(name));
}

Test(learn, who_asked_once_is_never_taken_for_quiet)
{
	struct learn	*l = NULL;

	claim(learn_find(l, hash_of(1)) == LEARNT_NOTHING);
	learn_note(&l, hash_of(1), LEARNT_QUIET);
	learn_note(&l, hash_of(2), LEARNT_ASKS);
	claim(learn_find(l, hash_of(1)) == LEARNT_QUIET && learn_find(l, hash_of(2)) == LEARNT_ASKS);
	claim(learn_find(l, hash_of(3)) == LEARNT_NOTHING);
	learn_note(&l, hash_of(1), LEARNT_ASKS);
	learn_note(&l, hash_of(1), LEARNT_QUIET);
	learn_note(&l, hash_of(2), LEARNT_QUIET);
	claim(learn_find(l, hash_of(1)) == LEARNT_ASKS && learn_find(l, hash_of(2)) == LEARNT_ASKS);
	learn_free(&l);
	claim(l == NULL);
}

Test(learn, the_method_counts_and_the_border_of_both)
{
	claim(learn_hash(SPAN_LIT("a"), SPAN_LIT("bc")) != learn_hash(SPAN_LIT("ab"), SPAN_LIT("c")));
	claim(learn_hash(SPAN_LIT("a"), SPAN_LIT("b")) != learn_hash(SPAN_LIT("c"), SPAN_LIT("b")));
	claim(learn_hash(SPAN_LIT("a"), SPAN_NONE) == learn_hash(SPAN_LIT("a"), SPAN_NONE));
}

Test(learn, forgets_the_oldest_first_and_stays_as_large_as_it_is)
{
	struct learn	*l = NULL;
	unsigned	 known = 0, late = 0;

	for (unsigned n = 0; n < 20000; n++)
		learn_note(&l, hash_of(n), LEARNT_QUIET);
	for (unsigned n = 0; n < 20000; n++) {
		bool	yes = learn_find(l, hash_of(n)) != LEARNT_NOTHING;

		known += yes;
		late += yes && n >= 20000 - 500;
	}
	claim(known <= LEARN_SETS * LEARN_WAYS && known > LEARN_SETS * LEARN_WAYS / 2, "%u", known);
	claim(late > 450, "%u of the last 500", late);
	learn_free(&l);
}
