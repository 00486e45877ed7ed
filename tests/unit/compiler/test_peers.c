/* SPDX-License-Identifier: Apache-2.0
 *
 * test_peers.c - unix users and groups that stand for an agent, by name and by number
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>

#include "policy/policy.h"
#include "tests/unit/compiler/compile.h"

/* Compiles rules with these peers of an agent "x". */
static void
compile_peers(const char *peers, struct compiled *c)
{
	char	folder[64], text[512];

	scratch_new(folder);
	snprintf(text, sizeof(text), "{\"agents\":{\"x\":{},\"y\":{}},\"peers\":{%s}}", peers);
	scratch_write(folder, "rules.json", text, 0644);
	compile_folder(folder, false, NULL, c);
	scratch_remove(folder);
}

Test(peers, are_users_and_groups_by_name_and_by_number)
{
	const struct passwd	*pw = getpwuid(65534);
	const struct group	*gr = getgrgid(1);
	char			 user[80], group[80];
	const struct {
		const char	*peers;
		bool		 is_group;
		uint32_t	 id;
	} rows[] = {
		{ "\"user:root\":\"x\"", false, 0 }, { "\"user:0\":\"x\"", false, 0 },
		{ "\"user:4242\":\"x\"", false, 4242 }, { user, false, 65534 },
		{ "\"group:root\":\"x\"", true, 0 }, { "\"group:77\":\"x\"", true, 77 }, { group, true, 1 },
	};
	const struct rec_peer	*p;
	struct compiled		 c;

	snprintf(user, sizeof(user), "\"user:%s\":\"x\"", pw == NULL ? "65534" : pw->pw_name);
	snprintf(group, sizeof(group), "\"group:%s\":\"x\"", gr == NULL ? "1" : gr->gr_name);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		compile_peers(rows[i].peers, &c);
		cr_assert(c.policy != NULL, "%s", rows[i].peers);
		cr_assert(eq(u64, snap_count(c.policy, SECTION_PEER), 1), "%s", rows[i].peers);
		p = SNAP_AT(c.policy, PEER, 0);
		cr_expect(p->is_group == rows[i].is_group && p->id == rows[i].id, "%s: %u %u", rows[i].peers,
		    p->is_group, p->id);
		compiled_fini(&c);
	}
}

Test(peers, that_are_none_are_said_with_their_place)
{
	static const struct {
		const char	*peers, *says;
		bool		 error;
	} rows[] = {
		{ "\"root\":\"x\"", "want \"user:NAME\", \"group:NAME\", \"uri:NAME\"", true },
		{ "\"user:\":\"x\"", "want \"user:NAME\", \"group:NAME\", \"uri:NAME\"", true },
		{ "\"uid:0\":\"x\"", "want \"user:NAME\", \"group:NAME\", \"uri:NAME\"", true },
		{ "\"user:0\":\"nobody\"", "no rules for an agent \"nobody\"", true },
		/* Machines differ: one of them is not the end of a configuration for all. */
		{ "\"user:no-such-user-here\":\"x\"", "no user \"no-such-user-here\"", false },
		{ "\"group:no-such-group-here\":\"x\"", "no group \"no-such-group-here\"", false },
		/* The kernel's word for "no user". */
		{ "\"user:4294967295\":\"x\"", "no user \"4294967295\"", false },
	};
	struct compiled	c;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		compile_peers(rows[i].peers, &c);
		cr_expect(rows[i].error == (c.errors > 0), "%s: %u errors", rows[i].peers, c.errors);
		cr_expect(strstr(buf_rest(&c.notes).p, rows[i].says) != NULL, "%s: %.*s", rows[i].peers,
		    SPAN_FMT(buf_rest(&c.notes)));
		cr_expect(c.policy == NULL || snap_count(c.policy, SECTION_PEER) == 0);
		compiled_fini(&c);
	}
}
