/* SPDX-License-Identifier: Apache-2.0
 *
 * test_approvals.c - which of what operators said makes way for more
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "master/approvals.h"

static struct approvals	all;

static void
say(unsigned call, uint64_t until_ms)
{
	char	text[APPROVALS_TEXT];
	int	n = snprintf(text, sizeof(text), "%064u 1 %llu 7 why", call, (unsigned long long)until_ms);

	approvals_note(&all, span_make(text, (size_t)n));
}

/* Until when the last word about this call holds; 0: there is none. */
static uint64_t
holds(unsigned call)
{
	char		text[APPROVALS_TEXT];
	uint64_t	until_ms = 0;

	snprintf(text, sizeof(text), "%064u ", call);
	for (size_t i = 0; i < APPROVALS_SAID; i++)
		if (strncmp(all.said[i].text, text, strlen(text)) == 0)
			until_ms = all.said[i].until_ms;
	return until_ms;
}

/* The first of them was said once more since, and holds longest: what is over goes, and then what ends next. */
Test(master_approvals, what_ends_first_makes_way)
{
	for (unsigned i = 0; i < APPROVALS_SAID; i++)
		say(i, 1000 + i);
	say(0, 9000);
	cr_expect(eq(u64, holds(0), 9000));
	say(200, 5);
	say(1000, 8000);
	cr_expect(eq(u64, holds(200), 0));
	cr_expect(eq(u64, holds(1000), 8000));
	say(1001, 8000);
	cr_expect(eq(u64, holds(1), 0));
	cr_expect(eq(u64, holds(0), 9000));
	for (unsigned i = 2; i < APPROVALS_SAID; i++)
		cr_expect(i == 200 || holds(i) == 1000 + i, "%u", i);
}
