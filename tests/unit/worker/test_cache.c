/* SPDX-License-Identifier: Apache-2.0
 *
 * test_cache.c - answers that are kept: how long, how many, and whose give way
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "worker/cache/cache.h"

#define LIMIT	(64 * 1024)

static struct cache	*c;

static struct crypt_digest
key_of(unsigned n)
{
	struct crypt_digest	d;

	cr_assert(crypt_sha256(span_make(&n, sizeof(n)), &d) == 0);
	return d;
}

static void
put(unsigned n, uint64_t tenant, uint64_t profile, uint64_t until_ms, size_t bytes)
{
	const struct crypt_digest	key = key_of(n);
	char				*text = malloc(bytes + 1);

	cr_assert(text != NULL);
	memset(text, 'a' + (int)(n % 26), bytes);
	cache_put(c, &(struct cache_item){ .key = &key, .tenant = tenant, .profile = profile, .until_ms = until_ms,
	    .epoch = cache_epoch(c, profile), .modern = n % 2 == 1, .text = span_make(text, bytes) });
	free(text);
}

/* 0: it is not there; else its length, of a text that is what was put. */
static size_t
found(unsigned n, uint64_t now_ms)
{
	const struct crypt_digest	key = key_of(n);
	struct cache_item		item;

	if (!cache_find(c, &key, now_ms, &item))
		return 0;
	cr_expect(item.modern == (n % 2 == 1));
	for (size_t i = 0; i < item.text.n; i++)
		cr_assert(item.text.p[i] == 'a' + (char)(n % 26));
	return item.text.n;
}

static void
begin(void)
{
	cr_assert(cache_new(&c) == 0);
	cache_set_limit(c, LIMIT);
}

static void
end(void)
{
	cache_free(&c);
	cr_expect(c == NULL);
}

Test(cache, finds_what_was_put_until_it_is_too_old, .init = begin, .fini = end)
{
	put(1, 1, 1, 1000, 100);
	cr_expect(found(1, 999) == 100);
	cr_expect(found(2, 999) == 0);
	cr_expect(cache_counts(c)->hits == 1 && cache_counts(c)->misses == 1);
	cr_expect(found(1, 1000) == 0);
	cr_expect(cache_counts(c)->items == 0 && cache_counts(c)->bytes == 0);
}

Test(cache, keeps_one_answer_under_a_key, .init = begin, .fini = end)
{
	put(1, 1, 1, 1000, 100);
	put(1, 1, 1, 1000, 50);
	cr_expect(found(1, 1) == 50);
	cr_expect(cache_counts(c)->items == 1);
}

Test(cache, never_holds_more_than_its_limit_and_loses_what_was_used_least, .init = begin, .fini = end)
{
	for (unsigned n = 0; n < 1000; n++) {
		put(n, 1, 1, 1000, 1000);
		cr_assert(cache_counts(c)->bytes <= LIMIT);
		cr_assert(found(0, 1) == 1000, "it was used in each round (%u)", n);
	}
	cr_expect(cache_counts(c)->evicted > 900);
	cr_expect(found(999, 1) == 1000);
	cr_expect(found(500, 1) == 0);
}

Test(cache, lets_one_tenant_drive_out_its_own_only, .init = begin, .fini = end)
{
	for (unsigned n = 0; n < 10; n++)
		put(n, 1, 1, 1000, 1000);
	for (unsigned n = 10; n < 1000; n++)
		put(n, 2, 2, 1000, 1000);
	for (unsigned n = 0; n < 10; n++)
		cr_expect(found(n, 1) == 1000, "%u", n);
}

Test(cache, keeps_nothing_that_is_too_large, .init = begin, .fini = end)
{
	put(1, 1, 1, 1000, cache_item_max(c));
	put(2, 1, 1, 1000, cache_item_max(c) + 1);
	cr_expect(found(1, 1) == cache_item_max(c));
	cr_expect(found(2, 1) == 0);
}

Test(cache, keeps_nothing_without_a_limit, .init = begin, .fini = end)
{
	put(1, 1, 1, 1000, 100);
	cache_set_limit(c, 0);
	cr_expect(found(1, 1) == 0);
	put(1, 1, 1, 1000, 100);
	cr_expect(found(1, 1) == 0 && cache_counts(c)->bytes == 0);
}

Test(cache, forgets_a_server_and_no_other, .init = begin, .fini = end)
{
	put(1, 1, 1, 1000, 100);
	put(2, 1, 2, 1000, 100);
	cache_drop(c, 1);
	cr_expect(found(1, 1) == 0);
	cr_expect(found(2, 1) == 100);
	put(1, 1, 1, 1000, 100);
	cr_expect(found(1, 1) == 100, "what is said from then on is kept again");
}

Test(cache, keeps_nothing_that_was_asked_for_before_a_change, .init = begin, .fini = end)
{
	const struct crypt_digest	key = key_of(2);
	struct cache_item		item = { .key = &key, .profile = 1, .until_ms = 1000, .text = SPAN_LIT("cccc"),
					    .epoch = cache_epoch(c, 1) };

	cache_drop(c, 1);
	cache_put(c, &item);
	cr_expect(found(2, 1) == 0);
	item.epoch = cache_epoch(c, 1);
	cache_clear(c);
	cache_put(c, &item);
	cr_expect(found(2, 1) == 0);
	item.epoch = cache_epoch(c, 1);
	cache_put(c, &item);
	cr_expect(found(2, 1) == 4);
	/* Nor does it take the place of what was asked for later. */
	item.epoch--;
	item.text = SPAN_LIT("cc");
	cache_put(c, &item);
	cr_expect(found(2, 1) == 4);
}

Test(cache, says_whose_it_was_and_until_when_of_an_answer_without_text_too, .init = begin, .fini = end)
{
	const struct crypt_digest	key = key_of(1);
	struct cache_item		item = { .key = NULL };

	put(1, 3, 7, 1000, 0);
	cr_assert(cache_find(c, &key, 999, &item));
	cr_expect(item.profile == 7 && item.until_ms == 1000 && item.text.n == 0 && item.modern);
	cr_expect(cache_counts(c)->hits == 0 && cache_counts(c)->misses == 1, "there was no answer to give");
}

Test(cache, sweeps_what_nobody_asks_for, .init = begin, .fini = end)
{
	for (unsigned n = 0; n < 100; n++)
		put(n, n, n, n < 50 ? 10 : 1000, 100);
	for (int i = 0; i < 100; i++)
		cr_expect(cache_sweep(c, 10));
	cr_expect(cache_counts(c)->items == 50);
	for (int i = 0; i < 100; i++)
		(void)cache_sweep(c, 1000);
	cr_expect(!cache_sweep(c, 1000));
	cr_expect(cache_counts(c)->bytes == 0);
}

Test(cache, clears_all, .init = begin, .fini = end)
{
	for (unsigned n = 0; n < 40; n++)
		put(n, n, n, 1000, 100);
	cache_clear(c);
	cr_expect(cache_counts(c)->items == 0 && cache_counts(c)->bytes == 0);
	cr_expect(found(3, 1) == 0);
}
