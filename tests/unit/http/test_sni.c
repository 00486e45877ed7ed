/* SPDX-License-Identifier: Apache-2.0
 *
 * test_sni.c - which certificate is meant by a name
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "http/sni.h"

static struct sni *
some(void)
{
	static const struct { const char *name; size_t cert; } rows[] = {
		{ "b.example", 0 }, { "*.a.example", 1 }, { "x.a.example", 2 }, { "b.example", 3 }, { "localhost", 4 },
	};
	struct sni	*s;

	cr_assert(sni_new(&s) == 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_assert(sni_add(s, span_of(rows[i].name), rows[i].cert) == 0);
	sni_done(s);
	return s;
}

Test(sni, finds_a_name_before_a_wildcard_and_of_the_same_the_first)
{
	static const struct { const char *name; int cert; } rows[] = {
		{ "b.example", 0 }, { "B.Example", 0 }, { "b.example.", 0 }, { "y.a.example", 1 }, { "x.a.example", 2 },
		{ "X.A.EXAMPLE", 2 }, { "localhost", 4 }, { "a.example", -1 }, { "z.y.a.example", -1 }, { "", -1 },
		{ ".", -1 }, { ".a.example", -1 }, { "*.a.example", -1 }, { "example", -1 }, { "b.example.com", -1 },
	};
	struct sni	*s = some();
	size_t		 cert;
	char		 longest[400];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool	found = sni_find(s, rows[i].name, &cert);

		cr_expect(found == (rows[i].cert >= 0) && (!found || (int)cert == rows[i].cert), "%s", rows[i].name);
	}
	memset(longest, 'a', sizeof(longest));
	longest[399] = '\0';
	cr_expect(not(sni_find(s, longest, &cert)));
	sni_free(&s);
}

Test(sni, has_nothing_for_anybody_when_it_is_empty)
{
	struct sni	*s;
	size_t		 cert;

	cr_assert(sni_new(&s) == 0);
	sni_done(s);
	cr_expect(not(sni_find(s, "a", &cert)));
	sni_free(&s);
}
