/* SPDX-License-Identifier: Apache-2.0
 *
 * test_users.c - whose token: a text for each principal, and a key that no other one has
 */
#include <criterion/criterion.h>
#include <string.h>

#include "auth/users.h"

static struct principal
who(enum principal_how how, const char *agent, const char *subject)
{
	return (struct principal){ .how = how, .agent = span_of(agent), .subject = span_of(subject) };
}

Test(users, each_principal_is_one)
{
	const struct principal	all[] = { who(HOW_KEY, "a", "ci"), who(HOW_TOKEN, "a", "ci"), who(HOW_KEY, "b", "ci"),
	    who(HOW_KEY, "a", "c"), who(HOW_PEER, "a", "uid 0"), who(HOW_CERT, "", "dns:x by y") };
	char			text[USERS_WHO_MAX + 1], id[8][USERS_ID_CHARS + 1];
	uint64_t		key[8], other;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		cr_assert(users_who(&all[i], text) == 0 && users_id(span_of(text), id[i]) == 0);
		cr_assert(users_token_key(7, id[i], &key[i]) == 0 && strlen(id[i]) == USERS_ID_CHARS);
		cr_assert(users_token_key(8, id[i], &other) == 0);
		cr_expect(key[i] != other && key[i] != 7, "another server's is another");
		for (size_t k = 0; k < i; k++)
			cr_expect(key[i] != key[k] && strcmp(id[i], id[k]) != 0, "%zu and %zu", i, k);
	}
	cr_assert(users_who(&all[0], text) == 0);
	cr_expect_str_eq(text, "key:a:ci");
}

Test(users, nobody_in_particular_has_none)
{
	static char		long_one[USERS_WHO_MAX + 1];
	struct principal	p = who(HOW_ANONYMOUS, "a", "anonymous");
	char			text[USERS_WHO_MAX + 1];

	cr_expect(users_who(&p, text) == E_TOKEN);
	p = who(HOW_NONE, "a", "x");
	cr_expect(users_who(&p, text) == E_TOKEN);
	p = who(HOW_KEY, "a", "");
	cr_expect(users_who(&p, text) == E_TOKEN);
	memset(long_one, 'x', USERS_WHO_MAX);
	p = who(HOW_KEY, "a", long_one);
	cr_expect(users_who(&p, text) == E_TOOBIG);
}
