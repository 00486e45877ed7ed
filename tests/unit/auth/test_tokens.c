/* SPDX-License-Identifier: Apache-2.0
 *
 * test_tokens.c - tokens that were proven are found again, and no others
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "auth/tokens.h"

static const struct bearer	ann = { .agent = { "backend", 7 }, .subject = { "ann", 3 }, .ends_ms = 1000,
			    .traits = { .issuer = { "i", 1 }, .roles = { "ops\0", 4 }, .scopes = { "read\0run\0", 9 },
			    .scoped = true } };

static struct crypt_digest
digest_of(uint32_t n)
{
	struct crypt_digest	d;

	cr_assert(crypt_sha256(span_make(&n, sizeof(n)), &d) == 0);
	return d;
}

Test(tokens, are_found_until_they_end_and_in_their_generation)
{
	struct crypt_digest	one = digest_of(1), two = digest_of(2);
	struct tokens		*t;
	struct bearer		 b;

	cr_assert(tokens_new(&t) == 0);
	cr_expect_not(tokens_find(t, &one, 7, SPAN_NONE, 0, &b));
	tokens_put(t, &one, 7, &ann);
	cr_assert(tokens_find(t, &one, 7, SPAN_NONE, 999, &b));
	cr_expect(span_is(b.agent, "backend") && span_is(b.subject, "ann") && b.ends_ms == 1000);
	cr_expect(span_is(b.traits.issuer, "i") && b.traits.user.n == 0 && b.traits.workspace.n == 0);
	cr_expect(span_eq(b.traits.roles, SPAN_LIT("ops\0")) && b.traits.groups.n == 0);
	cr_expect(span_eq(b.traits.scopes, SPAN_LIT("read\0run\0")) && b.traits.scoped);
	cr_expect_not(tokens_find(t, &one, 7, SPAN_NONE, 1000, &b));
	cr_expect_not(tokens_find(t, &one, 8, SPAN_NONE, 0, &b));
	cr_expect_not(tokens_find(t, &two, 7, SPAN_NONE, 0, &b));
	tokens_free(&t);
}

Test(tokens, are_bounded_and_the_newest_is_kept)
{
	struct tokens	*t;
	struct bearer	 b;
	unsigned	 kept = 0;

	cr_assert(tokens_new(&t) == 0);
	for (uint32_t i = 0; i < 20000; i++) {
		struct crypt_digest	d = digest_of(i);

		tokens_put(t, &d, 1, &ann);
		cr_assert(tokens_find(t, &d, 1, SPAN_NONE, 0, &b));
	}
	for (uint32_t i = 0; i < 20000; i++) {
		struct crypt_digest	d = digest_of(i);

		kept += tokens_find(t, &d, 1, SPAN_NONE, 0, &b);
	}
	cr_expect(kept > 3000 && kept <= 4096, "%u", kept);
	tokens_free(&t);
}

/* What was proven for one resource says nothing of another. */
Test(tokens, for_one_resource_alone_are_found_there_alone)
{
	const struct span	paths[] = { SPAN_LIT("/mcp"), SPAN_LIT("/servers/a/mcp"), SPAN_LIT("/servers/b/mcp") };
	struct crypt_digest	one = digest_of(1);
	struct bearer		at = ann, b;
	struct tokens		*t;

	cr_assert(tokens_new(&t) == 0);
	for (size_t i = 0; i < 2; i++) {
		at.here = paths[i];
		tokens_put(t, &one, 7, &at);
	}
	for (size_t i = 0; i < 3; i++)
		cr_expect(tokens_find(t, &one, 7, paths[i], 0, &b) == (i < 2), "%zu", i);
	cr_expect_not(tokens_find(t, &one, 7, SPAN_NONE, 0, &b));
	cr_assert(tokens_find(t, &one, 7, paths[1], 0, &b));
	cr_expect(span_eq(b.here, paths[1]) && b.traits.scoped);
	tokens_free(&t);
}
