/* SPDX-License-Identifier: Apache-2.0
 *
 * test_identify.c - who is answered, and as whom
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth/identify.h"
#include "lib/crypt.h"
#include "policy/build.h"

#define KEY "mgk_0123abcd_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define NOW 1000000

static struct snap	*policy, *keys;
static struct params	 params;
static struct arena	 arena;

static struct stext
text(struct build *b, const char *s)
{
	struct stext	t;

	cr_assert(build_text(b, span_of(s), &t) == 0);
	return t;
}

static struct snap *
sealed(struct build *b)
{
	struct snap	*s;
	uint64_t	 length;
	int		 fd;

	cr_assert(build_seal(b, 1, &fd, &length) == 0);
	cr_assert(snap_map(fd, &s) == 0);
	close(fd);
	build_free(&b);
	return s;
}

static void
add_key(struct build *b, const char *key, const char *agent, uint64_t ends_ms)
{
	struct rec_key		k = { .name = text(b, "k1"), .agent = text(b, agent),
				    .tenant = text(b, "default"), .ends_ms = ends_ms };
	struct crypt_digest	d;

	cr_assert(crypt_sha256(span_of(key), &d) == 0);
	memcpy(k.digest, d.bytes, sizeof(k.digest));
	cr_assert(build_add(b, SECTION_KEY, &k, NULL) == 0);
}

/* Agents "ann" (uid 1000) and "ops" (gid 50). */
static void
setup(void)
{
	struct build		*b;
	struct rec_tenant	 tenant;
	struct rec_agent	 agent;
	struct rec_peer		 peer;

	cr_assert(build_new(SNAP_POLICY, "", &b) == 0);
	tenant = (struct rec_tenant){ .name = text(b, "default") };
	cr_assert(build_add(b, SECTION_TENANT, &tenant, NULL) == 0);
	agent = (struct rec_agent){ .name = text(b, "ann") };
	cr_assert(build_add(b, SECTION_AGENT, &agent, NULL) == 0);
	agent = (struct rec_agent){ .name = text(b, "ops") };
	cr_assert(build_add(b, SECTION_AGENT, &agent, NULL) == 0);
	peer = (struct rec_peer){ .id = 1000, .agent = 0 };
	cr_assert(build_add(b, SECTION_PEER, &peer, NULL) == 0);
	peer = (struct rec_peer){ .is_group = 1, .id = 50, .agent = 1 };
	cr_assert(build_add(b, SECTION_PEER, &peer, NULL) == 0);
	policy = sealed(b);
	cr_assert(build_new(SNAP_KEYS, "", &b) == 0);
	add_key(b, KEY, "ann", 0);
	keys = sealed(b);
	arena_init(&arena, NULL, 0, 65536);
}

static int
identify(struct auth_in in, struct principal *out)
{
	in.policy = policy;
	in.keys = keys;
	in.params = &params;
	in.wall_ms = NOW;
	return auth_identify(&in, &arena, out, &(struct auth_refusal){ 0 });
}

Test(identify, knows_a_key, .init = setup)
{
	struct principal	p;

	cr_assert(identify((struct auth_in){ .authorization = SPAN_LIT("Bearer " KEY) }, &p) == 0);
	cr_expect(span_is(p.agent, "ann"));
	cr_expect(span_is(p.subject, "k1"));
	cr_expect(eq(int, p.how, HOW_KEY));
}

Test(identify, gives_no_answer_for_what_is_no_credential, .init = setup)
{
	static const struct {
		const char	*value;
		int		 want;
	} rows[] = {
		{ "Bearer " KEY "x", E_HTTP_CREDENTIAL },
		{ "Bearer mgk_0123abcd_", E_HTTP_CREDENTIAL },
		{ "Bearer ", E_HTTP_CREDENTIALS },
		{ "Bearer", E_HTTP_CREDENTIALS },
		{ "Bearer " KEY " " KEY, E_HTTP_CREDENTIALS },
		{ "Bearer \"" KEY "\"", E_HTTP_CREDENTIALS },
		{ "Bearer =", E_HTTP_CREDENTIALS },
		{ "Bearer" KEY, E_HTTP_CREDENTIAL },
		{ "Basic " KEY, E_HTTP_CREDENTIAL },
		{ KEY, E_HTTP_CREDENTIAL },
		{ "", E_HTTP_CREDENTIAL },
		{ "bearer " KEY, 0 },		/* schemes have no case: RFC 9110 11.1 */
		{ "Bearer  " KEY " ", 0 },
	};
	struct principal	p;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct auth_in	in = { .authorization = span_of(rows[i].value) };

		cr_expect(eq(int, identify(in, &p), rows[i].want), "row %zu", i);
	}
}

Test(identify, refuses_a_key_that_ended, .init = setup)
{
	struct build		*b;
	struct principal	 p;
	const struct auth_in	 in = { .authorization = SPAN_LIT("Bearer " KEY) };

	for (uint64_t ends = NOW - 1; ends <= NOW + 1; ends++) {
		cr_assert(build_new(SNAP_KEYS, "", &b) == 0);
		add_key(b, KEY, "ann", ends);
		snap_release(&keys);
		keys = sealed(b);
		cr_expect(eq(int, identify(in, &p), ends > NOW ? 0 : E_HTTP_CREDENTIAL));
	}
}

Test(identify, never_replaces_a_bad_key_by_a_weaker_identity, .init = setup)
{
	struct principal	p;
	struct auth_in		in = { .authorization = SPAN_LIT("Bearer nonsense"),
				    .peer = { .local = true, .uid = 1000 } };

	params.anonymous_agent = SPAN_LIT("ops");
	cr_expect(eq(int, identify(in, &p), E_HTTP_CREDENTIAL));
}

Test(identify, refuses_two_credentials_and_one_in_the_query, .init = setup)
{
	struct principal	p;
	struct auth_in		in = { .authorization = SPAN_LIT("Bearer " KEY) };

	in.authorization_twice = true;
	cr_expect(eq(int, identify(in, &p), E_HTTP_CREDENTIALS));
	in.authorization_twice = false;
	in.key_in_query = true;
	cr_expect(eq(int, identify(in, &p), E_HTTP_CREDENTIALS));
	in.key_in_query = false;
	in.as_agent = SPAN_LIT("ops");
	cr_expect(eq(int, identify(in, &p), E_HTTP_CREDENTIALS));
}

Test(identify, knows_peers_by_user_then_by_group, .init = setup)
{
	const uint32_t		 gids[] = { 7, 50 };
	struct principal	 p;
	struct auth_in		 in = { .peer = { .local = true, .uid = 1000 } };

	cr_assert(identify(in, &p) == 0);
	cr_expect(span_is(p.agent, "ann"));
	in.peer = (struct auth_peer){ .local = true, .uid = 1001, .gids = gids, .gid_count = 2 };
	cr_assert(identify(in, &p) == 0);
	cr_expect(span_is(p.agent, "ops"));
	in.peer.gid_count = 1;
	cr_expect(eq(int, identify(in, &p), E_HTTP_CREDENTIAL));
	/* The same user over TCP is nobody: only the kernel's word counts. */
	in = (struct auth_in){ .peer = { .local = false, .uid = 1000 } };
	cr_expect(eq(int, identify(in, &p), E_HTTP_CREDENTIAL));
}

Test(identify, lets_only_the_owner_and_root_act_as_another, .init = setup)
{
	static const struct {
		bool		 local;
		uint32_t	 uid;
		const char	*as;
		int		 want;
	} rows[] = {
		{ true, 0, "ops", 0 }, { true, 1000, "ops", 0 }, { true, 1001, "ops", E_AGENT },
		{ false, 0, "ops", E_AGENT }, { true, 0, "nobody", E_AGENT },
	};
	struct principal	p;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct auth_in	in = { .as_agent = span_of(rows[i].as), .owner_uid = 1000,
				    .peer = { .local = rows[i].local, .uid = rows[i].uid } };

		cr_expect(eq(int, identify(in, &p), rows[i].want), "row %zu", i);
		if (rows[i].want == 0)
			cr_expect(span_is(p.agent, "ops"), "row %zu", i);
	}
}

Test(identify, is_anonymous_only_where_an_agent_is_named, .init = setup)
{
	struct principal	p;

	cr_expect(eq(int, identify((struct auth_in){ .wall_ms = 0 }, &p), E_HTTP_CREDENTIAL));
	params.anonymous_agent = SPAN_LIT("ops");
	cr_assert(identify((struct auth_in){ .wall_ms = 0 }, &p) == 0);
	cr_expect(span_is(p.agent, "ops"));
	cr_expect(eq(int, p.how, HOW_ANONYMOUS));
}

Test(identify, takes_the_owner_for_nobody_until_an_argument_says_who, .init = setup)
{
	static const struct {
		bool		local;
		uint32_t	uid;
		int		want;
		const char	*agent;
	} rows[] = {
		{ true, 500, 0, "" },		/* the owner */
		{ true, 1000, 0, "ann" },	/* a peer of the rules, who is not */
		{ true, 501, E_HTTP_CREDENTIAL, NULL },
		{ true, 0, E_HTTP_CREDENTIAL, NULL },
		{ false, 0, 0, "" },		/* HTTP */
	};
	struct principal	p;

	params.trust_agent_argument = TRUST_AGENT_ONLY;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct auth_in	in = { .owner_uid = 500, .peer = { .local = rows[i].local, .uid = rows[i].uid } };

		cr_expect(eq(int, identify(in, &p), rows[i].want), "row %zu", i);
		if (rows[i].agent != NULL)
			cr_expect(span_is(p.agent, rows[i].agent) && p.may_claim_agent, "row %zu: %.*s", i,
			    SPAN_FMT(p.agent));
	}
	params.trust_agent_argument = TRUST_AGENT_NO;
	cr_expect(eq(int, identify((struct auth_in){ .owner_uid = 500, .peer = { .local = true, .uid = 500 } }, &p),
	    E_HTTP_CREDENTIAL));
}

Test(identify, tells_principals_apart, .init = setup)
{
	struct principal	key, peer;

	cr_assert(identify((struct auth_in){ .authorization = SPAN_LIT("Bearer " KEY) }, &key) == 0);
	cr_assert(identify((struct auth_in){ .peer = { .local = true, .uid = 1000 } }, &peer) == 0);
	cr_expect(span_eq(key.agent, peer.agent));
	cr_expect(ne(u64, key.hash, peer.hash));
}
