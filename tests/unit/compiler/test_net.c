/* SPDX-License-Identifier: Apache-2.0
 *
 * test_net.c - what a list of hosts is compiled to, and what learning makes of a server
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "policy/policy.h"
#include "policy/reach.h"
#include "tests/unit/compiler/compile.h"

#define SERVER(text)	"{\"mcpServers\": {\"t\": {\"command\": \"true\"" text "}}}"

static const struct rec_server *
server_of(const struct compiled *c)
{
	return policy_server_find(c->policy, SPAN_LIT("default"), SPAN_LIT("t"));
}

static const struct rec_profile *
profile_of(const struct compiled *c)
{
	return policy_profile_find(c->profile, server_of(c)->profile);
}

static void
compile_text(const char *folder, const char *text, struct compiled *c)
{
	scratch_write(folder, "servers.json", text, 0644);
	compile_folder(folder, false, NULL, c);
	cr_assert(eq(uint, c->errors, 0), "%.*s", SPAN_FMT(buf_rest(&c->notes)));
}

static bool
says(const struct compiled *c, const char *words)
{
	struct span	notes = buf_rest(&c->notes);

	return memmem(notes.p, notes.n, words, strlen(words)) != NULL;
}

static const char *
env_of(const struct compiled *c, const char *name)
{
	const struct rec_profile	*p = profile_of(c);

	for (uint32_t i = 0; i < p->env_count; i++) {
		const struct rec_env *e = SNAP_AT(c->profile, ENV, p->env_first + i);

		if (span_is(snap_text(c->profile, e->name), name))
			return snap_cstr(c->profile, e->value);
	}
	return "";
}

static bool
passes(const struct snap *s, uint32_t first, uint32_t count, const char *name, uint16_t port)
{
	struct reach_host	host;

	cr_assert(eq(int, reach_host_parse(span_of(name), &host, NULL), 0));
	return reach_find(s, first, count, &host, port) != NULL;
}

Test(net, a_list_stands_in_policy_and_profile)
{
	const struct rec_server		*v;
	const struct rec_profile	*p;
	const struct rec_reach		*r;
	struct compiled			 c;
	char				 folder[64];

	scratch_new(folder);
	compile_text(folder, SERVER(", \"net\": [\"API.docs.example.:443\", \"*.docs.example:8443\", "
	    "\"10.1.2.3:5432\"]"), &c);
	v = server_of(&c);
	p = profile_of(&c);
	cr_expect(eq(uint, v->net, NET_LIST));
	cr_expect(eq(uint, v->flags & (SERVER_FLAG_DISABLED | SERVER_FLAG_LEARN), 0));
	cr_assert(eq(uint, v->reach_count, 3));
	cr_assert(eq(uint, p->reach_count, 3));
	for (int i = 0; i < 2; i++) {
		const struct snap *s = i == 0 ? c.policy : c.profile;
		uint32_t first = i == 0 ? v->reach_first : p->reach_first;

		cr_expect(passes(s, first, 3, "api.docs.example", 443));
		cr_expect(eq(int, passes(s, first, 3, "api.docs.example", 80), 0));
		cr_expect(eq(int, passes(s, first, 3, "docs.example", 8443), 0));
		cr_expect(passes(s, first, 3, "a.b.docs.example", 8443));
		cr_expect(passes(s, first, 3, "10.1.2.3", 5432));
		cr_expect(eq(int, passes(s, first, 3, "10.1.2.4", 5432), 0));
	}
	r = SNAP_AT(c.policy, REACH, v->reach_first + 1);
	cr_expect(span_is(snap_text(c.policy, r->path), "mcpServers.t.net[1]"));
	cr_expect(p->filter != 0);
	compiled_fini(&c);
	scratch_remove(folder);
}

Test(net, a_list_decides_which_profile_it_is)
{
	static const char *const texts[] = {
		SERVER(", \"net\": []"),
		SERVER(", \"net\": [\"a.example:443\"]"),
		SERVER(", \"net\": [\"a.example:80\"]"),
		SERVER(", \"net\": [\"*.a.example:443\"]"),
		SERVER(", \"net\": [\"192.0.2.1:443\"]"),
		SERVER(", \"net\": [\"192.0.2.2:443\"]"),
	};
	uint64_t	hash[6];
	struct compiled	c;
	char		folder[64];

	scratch_new(folder);
	for (size_t i = 0; i < 6; i++) {
		compile_text(folder, texts[i], &c);
		hash[i] = profile_of(&c)->hash;
		for (size_t k = 0; k < i; k++)
			cr_expect(ne(u64, hash[i], hash[k]), "%zu and %zu", i, k);
		compiled_fini(&c);
	}
	scratch_remove(folder);
}

Test(net, a_host_is_where_net_hosts_says_and_that_is_part_of_the_profile)
{
	static const char *const	 there[] = { "net_hosts=a.example=10.1.2.3 B.example=[fd00::7]:8443 c.example=127.0.0.1:81",
		NULL };
	const struct rec_reach		*r;
	struct compiled			 c;
	char				 folder[64];
	uint64_t			 without;

	scratch_new(folder);
	compile_text(folder, SERVER(", \"net\": [\"a.example:443\", \"b.example:80\", \"*.c.example:80\"]"), &c);
	without = profile_of(&c)->hash;
	cr_expect(eq(uint, SNAP_AT(c.policy, REACH, server_of(&c)->reach_first)->family, 0));
	compiled_fini(&c);
	compile_folder(folder, false, there, &c);
	cr_assert(eq(uint, c.errors, 0), "%.*s", SPAN_FMT(buf_rest(&c.notes)));
	cr_expect(ne(u64, profile_of(&c)->hash, without));
	r = SNAP_AT(c.policy, REACH, server_of(&c)->reach_first);
	cr_expect(r->kind == REACH_NAME && r->family == AF_INET && r->to_port == 0 && r->port == 443);
	cr_expect(memcmp(r->bytes, "\x0a\x01\x02\x03", 4) == 0);
	r = SNAP_AT(c.policy, REACH, server_of(&c)->reach_first + 1);
	cr_expect(r->family == AF_INET6 && r->to_port == 8443 && r->port == 80);
	r = SNAP_AT(c.policy, REACH, server_of(&c)->reach_first + 2);
	cr_expect(eq(uint, r->family, 0), "a wildcard is no name that an operator gave an address");
	compiled_fini(&c);
	scratch_remove(folder);
}

Test(net, addresses_that_nobody_may_reach_stand_for_no_host)
{
	static const struct {
		const char	*entry, *says;
	} rows[] = {
		{ "net_hosts=a.example", "want NAME=ADDRESS" },
		{ "net_hosts=a.example=b.example", "an address stands behind" },
		{ "net_hosts=10.0.0.1=10.0.0.2", "a name stands before" },
		{ "net_hosts=a.example=169.254.169.254", "link-local" },
		{ "net_hosts=a.example=224.0.0.1", "no address of one host" },
		{ "net_hosts=a.example=0.0.0.0", "this machine" },
		{ "net_hosts=a.example=[fe80::1]:80", "link-local" },
	};
	struct compiled	 c;
	char		 folder[64];

	scratch_new(folder);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		compile_folder(folder, false, (const char *const[]){ rows[i].entry, NULL }, &c);
		cr_expect(eq(uint, c.errors, 1), "%s", rows[i].entry);
		cr_expect(says(&c, rows[i].says), "%s: %.*s", rows[i].entry, SPAN_FMT(buf_rest(&c.notes)));
		compiled_fini(&c);
	}
	scratch_remove(folder);
}

Test(net, a_tool_with_a_list_is_told_of_the_proxy_unless_it_was_told_otherwise)
{
	struct compiled	c;
	char		folder[64];

	scratch_new(folder);
	compile_text(folder, SERVER(", \"net\": [\"a.example:443\"], \"env\": {\"NO_PROXY\": \"x\"}"), &c);
	cr_expect(eq(str, (char *)(uintptr_t)env_of(&c, "HTTPS_PROXY"), "http://127.0.0.1:3128"));
	cr_expect(eq(str, (char *)(uintptr_t)env_of(&c, "https_proxy"), "http://127.0.0.1:3128"));
	cr_expect(eq(str, (char *)(uintptr_t)env_of(&c, "NO_PROXY"), "x"));
	cr_expect(eq(str, (char *)(uintptr_t)env_of(&c, "HTTP_PROXY"), ""));
	compiled_fini(&c);
	compile_text(folder, SERVER(", \"net\": \"loopback\""), &c);
	cr_expect(eq(str, (char *)(uintptr_t)env_of(&c, "HTTPS_PROXY"), ""));
	compiled_fini(&c);
	scratch_remove(folder);
}

Test(net, more_ports_than_a_jail_listens_at_are_refused)
{
	struct compiled	c;
	char		folder[64], text[2048] = "{\"mcpServers\": {\"t\": {\"command\": \"true\", \"net\": [";

	for (int i = 1; i <= 33; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "\"a.example:%d\",\"b.example:%d\",", i,
		    i);
	strcat(text, "]}}}");
	scratch_new(folder);
	scratch_write(folder, "servers.json", text, 0644);
	compile_folder(folder, false, NULL, &c);
	cr_expect(eq(uint, c.errors, 1));
	cr_expect(says(&c, "servers.json:1:49: error: mcpServers.t.net: more than 32 different ports"), "%.*s",
	    SPAN_FMT(buf_rest(&c.notes)));
	compiled_fini(&c);
	scratch_remove(folder);
}

Test(net, a_server_that_is_learnt_has_a_list_whatever_it_had)
{
	static const struct learning	learning[] = { { .tenant = "default", .server = "t", .until_ms = 12345 } },
					longer[] = { { .tenant = "default", .server = "t", .until_ms = 12346 } };
	static const char *const	texts[] = {
		SERVER(""), SERVER(", \"net\": \"loopback\""), SERVER(", \"net\": [\"a.example:443\"]"),
	};
	const struct rec_server		*v;
	struct compiled			 c;
	char				 folder[64];
	uint64_t			 before;

	scratch_new(folder);
	for (size_t i = 0; i < 3; i++) {
		compile_text(folder, texts[i], &c);
		before = profile_of(&c)->hash;
		compiled_fini(&c);
		compile_learning(folder, learning, 1, &c);
		cr_assert(eq(uint, c.errors + c.warnings, 0));
		v = server_of(&c);
		cr_expect(eq(uint, v->net, NET_LIST));
		cr_expect(eq(uint, v->flags & SERVER_FLAG_LEARN, SERVER_FLAG_LEARN));
		cr_expect(eq(u64, v->learn_until_ms, 12345));
		cr_expect(eq(uint, v->reach_count, i == 2));
		cr_expect(eq(uint, profile_of(&c)->net, NET_LIST));
		cr_expect(eq(uint, profile_of(&c)->flags & SERVER_FLAG_LEARN, SERVER_FLAG_LEARN));
		cr_expect(ne(u64, profile_of(&c)->hash, before), "row %zu", i);
		before = profile_of(&c)->hash;
		compiled_fini(&c);
		compile_learning(folder, longer, 1, &c);
		cr_expect(ne(u64, profile_of(&c)->hash, before), "row %zu", i);
		compiled_fini(&c);
	}
	scratch_remove(folder);
}

Test(net, learning_what_cannot_be_learnt_is_passed_over_and_said)
{
	static const struct learning	learning[] = { { .tenant = "default", .server = "t", .until_ms = 1 },
		{ .tenant = "default", .server = "gone", .until_ms = 1 } };
	static const struct {
		const char	*text, *says;
	} rows[] = {
		{ SERVER(", \"net\": \"host\""), "lets it reach everything" },
		{ SERVER(", \"enabled\": false"), "it is switched off" },
		{ "{\"mcpServers\": {\"t\": {\"url\": \"http://127.0.0.1:1/\"}}}", "no program of ours" },
	};
	struct compiled	c;
	char		folder[64];

	scratch_new(folder);
	for (size_t i = 0; i < 3; i++) {
		scratch_write(folder, "servers.json", rows[i].text, 0644);
		compile_learning(folder, learning, 2, &c);
		cr_assert(eq(uint, c.errors, 0));
		cr_expect(eq(uint, server_of(&c)->flags & SERVER_FLAG_LEARN, 0));
		cr_expect(says(&c, rows[i].says), "%.*s", SPAN_FMT(buf_rest(&c.notes)));
		cr_expect(says(&c, "there is no server \"gone\""));
		compiled_fini(&c);
	}
	scratch_remove(folder);
}
