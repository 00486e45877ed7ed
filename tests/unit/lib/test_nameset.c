/* SPDX-License-Identifier: Apache-2.0
 *
 * test_nameset.c - sets of names in one text
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "lib/nameset.h"

static struct span
made(struct arena *a, const struct span *names, size_t count)
{
	struct span	set;

	cr_assert(eq(int, nameset_make(names, count, a, &set), 0));
	return set;
}

Test(nameset, is_sorted_without_doubles_and_without_what_is_no_name)
{
	const struct span	names[] = { SPAN_LIT("write"), SPAN_LIT(""), SPAN_LIT("read"), SPAN_LIT("write"),
				    SPAN_LIT("a\0b"), SPAN_LIT("rea") };
	struct arena		a;
	struct span		set;

	arena_init(&a, NULL, 0, 4096);
	set = made(&a, names, 6);
	cr_assert(span_eq(set, SPAN_LIT("rea\0read\0write\0")));
	cr_assert(eq(sz, made(&a, names, 0).n, 0));
	arena_fini(&a);
}

Test(nameset, finds_whole_names_only)
{
	const struct span	names[] = { SPAN_LIT("read"), SPAN_LIT("write") };
	struct arena		a;
	struct span		set;

	arena_init(&a, NULL, 0, 4096);
	set = made(&a, names, 2);
	cr_expect(nameset_has(set, SPAN_LIT("read")));
	cr_expect(nameset_has(set, SPAN_LIT("write")));
	cr_expect(not(nameset_has(set, SPAN_LIT("rea"))));
	cr_expect(not(nameset_has(set, SPAN_LIT("reads"))));
	cr_expect(not(nameset_has(set, SPAN_LIT(""))));
	cr_expect(not(nameset_has(SPAN_NONE, SPAN_LIT(""))));
	cr_expect(nameset_meets(set, made(&a, (const struct span[]){ SPAN_LIT("x"), SPAN_LIT("write") }, 2)));
	cr_expect(not(nameset_meets(set, made(&a, (const struct span[]){ SPAN_LIT("x") }, 1))));
	cr_expect(not(nameset_meets(set, SPAN_NONE)));
	arena_fini(&a);
}

Test(nameset, has_an_end)
{
	struct span	names[NAMESET_MAX + 1], set;
	char		text[NAMESET_MAX + 1][4];
	struct arena	a;

	for (size_t i = 0; i <= NAMESET_MAX; i++)
		names[i] = span_make(text[i], (size_t)snprintf(text[i], sizeof(text[i]), "%zu", i));
	arena_init(&a, NULL, 0, 65536);
	cr_expect(eq(int, nameset_make(names, NAMESET_MAX + 1, &a, &set), E_FULL));
	cr_expect(eq(int, nameset_make(names, NAMESET_MAX, &a, &set), 0));
	arena_fini(&a);
	arena_init(&a, NULL, 0, 0);
	cr_expect(eq(int, nameset_make(names, 1, &a, &set), E_NOMEM));
	arena_fini(&a);
}
