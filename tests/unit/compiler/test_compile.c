/* SPDX-License-Identifier: Apache-2.0
 *
 * test_compile.c - what stands in the snapshots that a folder is compiled to
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/params.h"
#include "policy/policy.h"
#include "tests/unit/compiler/compile.h"

static void
compile_ok(const char *folder, bool personal, const char *const *options, struct compiled *c)
{
	compile_folder(folder, personal, options, c);
	cr_assert(eq(uint, c->errors, 0), "%.*s", SPAN_FMT(buf_rest(&c->notes)));
}

static void
expect_note(const struct compiled *c, const char *words)
{
	struct span	notes = buf_rest(&c->notes);

	cr_expect(memmem(notes.p, notes.n, words, strlen(words)) != NULL, "want \"%s\" in:\n%.*s", words,
	    SPAN_FMT(notes));
}

static bool
holds(const struct snap *s, const char *text)
{
	return memmem(snap_head(s), snap_head(s)->length, text, strlen(text)) != NULL;
}

static const struct rec_profile *
profile_of(const struct compiled *c, const char *server)
{
	const struct rec_server	*v = policy_server_find(c->policy, SPAN_LIT("default"), span_of(server));

	return v == NULL ? NULL : policy_profile_find(c->profile, v->profile);
}

static const char *
env_of(const struct compiled *c, const struct rec_profile *p, const char *name, bool *secret)
{
	for (uint32_t i = 0; i < p->env_count; i++) {
		const struct rec_env *e = SNAP_AT(c->profile, ENV, p->env_first + i);

		*secret = e->secret.bytes > 0;
		if (span_is(snap_text(c->profile, e->name), name))
			return snap_cstr(c->profile, e->value);
	}
	return NULL;
}

static unsigned
bind_of(const struct compiled *c, const struct rec_profile *p, const char *target, const char **source)
{
	for (uint32_t i = 0; i < p->bind_count; i++) {
		const struct rec_bind *b = SNAP_AT(c->profile, BIND, p->bind_first + i);

		if (!span_is(snap_text(c->profile, b->target), target))
			continue;
		if (source != NULL)
			*source = snap_cstr(c->profile, b->source);
		return b->flags | 1u << 31;
	}
	return 0;
}
#define THERE (1u << 31)

Test(compile, secrets_stand_in_their_own_snapshots_only)
{
	const struct rec_profile *p;
	struct compiled		  c;
	char			  folder[64];
	bool			  secret;

	scratch_new(folder);
	setenv("PLAIN", "not-so-secret", 1);
	scratch_write(folder, "secrets/TOKEN", "t0ken-value\n", 0600);
	scratch_write(folder, "pw.txt", "f1le-value", 0644);
	scratch_write(folder, "servers.json", "{\"mcpServers\": {"
	    "\"tool\": {\"command\": \"true\", \"env\": {\"A\": \"x-${secret:TOKEN}-y\", \"B\": \"${file:pw.txt}\","
	    "\"C\": \"${PLAIN}\", \"HOME\": \"/elsewhere\"}},"
	    "\"web\": {\"url\": \"http://127.0.0.1:8123/mcp?a=b#c\", "
	    "\"headers\": {\"Authorization\": \"Bearer ${secret:TOKEN}\"}}"
	    "}}", 0644);
	compile_ok(folder, false, NULL, &c);
	cr_expect(not(holds(c.policy, "t0ken")));
	cr_expect(not(holds(c.profile, "t0ken")));
	cr_expect(not(holds(c.policy, "f1le")));
	cr_expect(not(holds(c.profile, "f1le")));
	cr_expect(holds(c.tenant_secrets, "x-t0ken-value-y"));
	cr_expect(holds(c.tenant_secrets, "f1le-value"));
	cr_expect(not(holds(c.tenant_secrets, "Bearer")));
	cr_expect(holds(c.worker_secrets, "Bearer t0ken-value"));
	cr_expect(not(holds(c.worker_secrets, "x-t0ken")));
	cr_expect(eq(str, (char *)snap_head(c.worker_secrets)->consumer, "worker"));
	cr_expect(eq(str, (char *)snap_head(c.tenant_secrets)->consumer, "default"));

	p = profile_of(&c, "tool");
	cr_assert(p != NULL);
	cr_expect(eq(str, (char *)env_of(&c, p, "C", &secret), "not-so-secret"));
	cr_expect(not(secret));
	cr_expect(eq(str, (char *)env_of(&c, p, "A", &secret), ""));
	cr_expect(secret);
	cr_expect(eq(str, (char *)env_of(&c, p, "HOME", &secret), "/elsewhere"));
	cr_expect(eq(str, (char *)env_of(&c, p, "LANG", &secret), "C.UTF-8"));
	compiled_fini(&c);

	/* readable by others: refused */
	scratch_write(folder, "secrets/TOKEN", "t0ken-value\n", 0644);
	compile_folder(folder, false, NULL, &c);
	cr_expect(eq(uint, c.errors, 2));
	expect_note(&c, "readable by group or others");
	compiled_fini(&c);
	scratch_remove(folder);
}

Test(compile, upstreams_have_addresses_and_targets)
{
	const struct rec_server	*v;
	const struct rec_address *a;
	struct compiled		 c;
	char			 folder[64];

	scratch_new(folder);
	scratch_write(folder, "servers.json", "{\"mcpServers\": {"
	    "\"b\": {\"url\": \"http://127.0.0.1:8123/mcp?a=b#c\"},"
	    "\"a\": {\"url\": \"http://[::1]\"},"
	    "\"name\": {\"url\": \"http://localhost:80/x\"},"
	    "\"gone\": {\"url\": \"http://No-Such-Host.invalid.:8080/\"}}}", 0644);
	compile_ok(folder, false, NULL, &c);
	v = policy_server_find(c.policy, SPAN_LIT("default"), SPAN_LIT("b"));
	cr_assert(v != NULL);
	cr_expect(eq(u32, v->order, 0));
	cr_expect(eq(u32, v->port, 8123));
	cr_expect(span_is(snap_text(c.policy, v->url_host), "127.0.0.1:8123"));
	cr_expect(span_is(snap_text(c.policy, v->url_path), "/mcp?a=b"));
	cr_expect(eq(u32, v->address_count, 1));
	a = SNAP_AT(c.policy, ADDRESS, v->address_first);
	cr_expect(eq(int, a->family, AF_INET));
	cr_expect(eq(int, a->bytes[0], 127));
	v = policy_server_find(c.policy, SPAN_LIT("default"), SPAN_LIT("a"));
	cr_expect(span_is(snap_text(c.policy, v->url_host), "[::1]"));
	cr_expect(span_is(snap_text(c.policy, v->url_path), "/"));
	cr_expect(eq(int, SNAP_AT(c.policy, ADDRESS, v->address_first)->family, AF_INET6));
	v = policy_server_find(c.policy, SPAN_LIT("default"), SPAN_LIT("name"));
	cr_expect(span_is(snap_text(c.policy, v->url_host), "localhost"));
	cr_expect(gt(u32, v->address_count, 0));
	cr_expect(eq(u32, v->host.bytes, 0));
	/* Nobody is asked for it now, and nothing waits for it. */
	v = policy_server_find(c.policy, SPAN_LIT("default"), SPAN_LIT("gone"));
	cr_expect(eq(u32, v->address_count, 0));
	cr_expect(eq(u32, v->flags & SERVER_FLAG_DISABLED, 0));
	cr_expect(span_is(snap_text(c.policy, v->host), "no-such-host.invalid"));
	cr_expect(span_is(snap_text(c.policy, v->url_host), "No-Such-Host.invalid.:8080"));
	cr_expect(eq(uint, c.warnings, 0));
	cr_expect(policy_server_find(c.policy, SPAN_LIT("default"), SPAN_LIT("c")) == NULL);
	cr_expect(policy_server_find(c.policy, SPAN_LIT("other"), SPAN_LIT("a")) == NULL);
	compiled_fini(&c);
	scratch_remove(folder);
}

/* As workers know it, of a folder in this one. */
static void
expect_sees(const struct compiled *c, const char *server, const char *work, const char *path, bool want)
{
	const struct rec_server	*v = policy_server_find(c->policy, SPAN_LIT("default"), span_of(server));
	char			 whole[256];

	snprintf(whole, sizeof(whole), "%s%s", work, path);
	cr_expect(eq(int, policy_server_sees(c->policy, v, span_of(whole)), want), "%s, %s", server, whole);
}

Test(compile, a_profile_shows_what_the_program_needs_and_no_more)
{
	const struct rec_profile *p;
	const struct rec_rlimit	 *r;
	struct compiled		  c;
	const char		 *source;
	char			  folder[64], work[64], text[2000], want[200];

	scratch_new(folder);
	scratch_new(work);
	scratch_write(work, "bin/tool", "\x7f" "ELF", 0755);
	scratch_write(work, "home/bin/node", "\x7f" "ELF", 0755);
	scratch_write(work, "pkg/package.json", "{}", 0644);
	scratch_write(work, "pkg/dist/index.js", "", 0644);
	scratch_write(work, "app/node_modules/dep/package.json", "{}", 0644);
	scratch_write(work, "app/node_modules/dep/cli.js", "", 0644);
	scratch_write(work, "loose/run.sh", "#!/bin/sh\n", 0755);
	scratch_write(work, "data/x", "", 0644);
	snprintf(text, sizeof(text), "{\"mcpServers\": {"
	    "\"elf\": {\"command\": \"%1$s/bin/tool\", \"args\": [\"-a\", \"\"], "
	    "\"limits\": {\"nproc\": 9, \"data\": \"1GiB\"}},"
	    "\"js\": {\"command\": \"%1$s/home/bin/node\", "
	    "\"args\": [\"--flag\", \"%1$s/pkg/dist/../dist/index.js\"]},"
	    "\"dep\": {\"command\": \"%1$s/home/bin/node\", \"args\": [\"%1$s/app/node_modules/dep/cli.js\"]},"
	    "\"own\": {\"command\": \"%1$s/home/bin/node\", \"args\": [\"pkg/dist/index.js\"], "
	    "\"workdir\": \"%1$s\", \"write\": [\"%1$s\"]},"
	    "\"sh\": {\"command\": \"%1$s/loose/run.sh\", \"write\": [\"%1$s/data\"], "
	    "\"workdir\": \"%1$s/data\", \"tier\": \"off\"}"
	    "}}", work);
	scratch_write(folder, "servers.json", text, 0644);
	compile_ok(folder, false, NULL, &c);

	p = profile_of(&c, "elf");
	cr_assert(p != NULL);
	snprintf(want, sizeof(want), "%s/bin/tool", work);
	cr_expect(eq(str, (char *)snap_cstr(c.profile, p->program), want));
	cr_expect(eq(u32, p->arg_count, 3));
	cr_expect(span_is(snap_text(c.profile, SNAP_AT(c.profile, ARG, p->arg_first + 1)->text), "-a"));
	cr_expect(eq(u32, p->bind_count, 3), "/usr, home, the file alone");
	cr_expect(eq(uint, bind_of(&c, p, want, &source), THERE | BIND_EXEC));
	cr_expect(eq(str, (char *)source, want));
	cr_expect(eq(uint, bind_of(&c, p, "/home/tool", NULL), THERE | BIND_STATE | BIND_WRITABLE));
	cr_expect(ne(u32, p->filter, 0));
	for (uint32_t i = 0; i < p->rlimit_count; i++) {
		r = SNAP_AT(c.profile, RLIMIT, p->rlimit_first + i);
		if (r->resource == RLIMIT_NPROC)
			cr_expect(eq(u64, r->value, 9));
		else if (r->resource == RLIMIT_DATA)
			cr_expect(eq(u64, r->value, UINT64_C(1) << 30));
		else if (r->resource == RLIMIT_NOFILE)
			cr_expect(eq(u64, r->value, 256));
	}

	p = profile_of(&c, "js");
	cr_expect(eq(str, (char *)snap_cstr(c.profile, p->program), "/runtime/bin/node"));
	snprintf(want, sizeof(want), "%s/pkg", work);
	cr_expect(eq(uint, bind_of(&c, p, want, NULL), THERE | BIND_EXEC));
	cr_expect(ne(uint, bind_of(&c, p, "/runtime/bin/node", &source), 0));
	snprintf(want, sizeof(want), "%s/home/bin/node", work);
	cr_expect(eq(str, (char *)source, want));
	snprintf(want, sizeof(want), "%s/pkg/dist/index.js", work);
	cr_expect(span_is(snap_text(c.profile, SNAP_AT(c.profile, ARG, p->arg_first + 2)->text), want));

	p = profile_of(&c, "dep");
	snprintf(want, sizeof(want), "%s/app/node_modules", work);
	cr_expect(eq(uint, bind_of(&c, p, want, NULL), THERE | BIND_EXEC), "with what it was installed with");

	p = profile_of(&c, "own");
	cr_expect(eq(uint, bind_of(&c, p, work, NULL), THERE | BIND_WRITABLE));
	snprintf(want, sizeof(want), "%s/pkg", work);
	cr_expect(eq(uint, bind_of(&c, p, want, NULL), 0), "what may be written stays writable");
	snprintf(want, sizeof(want), "%s/pkg/dist/index.js", work);
	cr_expect(span_is(snap_text(c.profile, SNAP_AT(c.profile, ARG, p->arg_first + 1)->text), want),
	    "relative to workdir");

	p = profile_of(&c, "sh");
	snprintf(want, sizeof(want), "%s/loose", work);
	cr_expect(eq(uint, bind_of(&c, p, want, NULL), THERE | BIND_EXEC));
	snprintf(want, sizeof(want), "%s/data", work);
	cr_expect(eq(uint, bind_of(&c, p, want, NULL), THERE | BIND_WRITABLE));
	cr_expect(eq(str, (char *)snap_cstr(c.profile, p->workdir), want));
	cr_expect(eq(u32, p->filter, 0));

	expect_sees(&c, "sh", work, "/data", true);
	expect_sees(&c, "sh", work, "/data/x/y", true);
	expect_sees(&c, "sh", work, "/loose", true);
	expect_sees(&c, "sh", work, "", false);
	expect_sees(&c, "sh", work, "/dat", false);
	expect_sees(&c, "sh", work, "/data2", false);
	expect_sees(&c, "elf", work, "/data", false);
	expect_sees(&c, "own", work, "/data", true);
	expect_sees(&c, "elf", "", "/usr/share", true);
	expect_sees(&c, "elf", "", "/", false);
	expect_sees(&c, "elf", "", "/home/tool", false);
	/* It is another one outside. */
	expect_sees(&c, "js", "", "/runtime/bin/node", false);
	compiled_fini(&c);
	scratch_remove(folder);
	scratch_remove(work);
}

Test(compile, bounds_are_kept_and_what_only_a_cgroup_holds_is_marked)
{
	static const struct {
		const char	*limits;
		uint64_t	 memory, tmp;
		uint32_t	 pids, cpu, written;
	} rows[] = {
		{ "{}", UINT64_C(1) << 30, 64 << 20, 65, 0, 0 },
		{ "{\"nproc\": 20, \"tmp\": \"8MiB\"}", UINT64_C(1) << 30, 8 << 20, 21, 0, 0 },
		{ "{\"memory\": \"512MiB\", \"pids\": 30, \"cpu\": 0.5}", 512 << 20, 64 << 20, 30, 500, LIMITS_ALL },
		{ "{\"cpu\": 2}", UINT64_C(1) << 30, 64 << 20, 65, 2000, LIMIT_CPU },
		{ "{\"cpu\": \"1.25\"}", UINT64_C(1) << 30, 64 << 20, 65, 1250, LIMIT_CPU },
	};
	static const char *const wrong[] = {
		"{\"pids\": 7}", "{\"memory\": 4096}", "{\"cpu\": 0}", "{\"cpu\": \"much\"}", "{\"cpu\": 0.0001}",
		"{\"cpu\": true}", "{\"tmp\": \"9GiB\"}", "{\"cpu\": -1}", "{\"cpu\": 1e3}",
	};
	const struct rec_server	*server;
	const struct rec_profile *p;
	struct compiled		 c;
	char			 folder[64], text[256];

	scratch_new(folder);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), "{\"mcpServers\": {\"t\": {\"command\": \"true\", \"limits\": %s}}}",
		    rows[i].limits);
		scratch_write(folder, "servers.json", text, 0644);
		compile_ok(folder, false, NULL, &c);
		p = profile_of(&c, "t");
		server = SNAP_AT(c.policy, SERVER, 0);
		cr_assert(p != NULL && server != NULL);
		cr_expect(eq(u64, p->memory_bytes, rows[i].memory), "row %zu", i);
		cr_expect(eq(u64, p->tmp_bytes, rows[i].tmp), "row %zu", i);
		cr_expect(eq(u32, p->pids, rows[i].pids), "row %zu", i);
		cr_expect(eq(u32, p->cpu_milli, rows[i].cpu), "row %zu", i);
		cr_expect(eq(u32, p->written, rows[i].written), "row %zu", i);
		cr_expect(eq(uint, server->flags & SERVER_FLAG_CGROUP_LIMITS,
		    rows[i].written != 0 ? SERVER_FLAG_CGROUP_LIMITS : 0), "row %zu", i);
		compiled_fini(&c);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(text, sizeof(text), "{\"mcpServers\": {\"t\": {\"command\": \"true\", \"limits\": %s}}}", wrong[i]);
		scratch_write(folder, "servers.json", text, 0644);
		compile_folder(folder, false, NULL, &c);
		cr_expect(eq(uint, c.errors, 1), "row %zu", i);
		compiled_fini(&c);
	}
	scratch_remove(folder);
}

Test(compile, a_gateway_of_one_user_has_no_reduced_jails)
{
	struct compiled	c;
	char		folder[64];

	scratch_new(folder);
	scratch_write(folder, "mcpgw.conf", "jail_fallback = landlock\nrun_dir = /run/x\nstate_dir = /var/x\n",
	    0644);
	compile_folder(folder, true, NULL, &c);
	cr_expect(eq(uint, c.errors, 1));
	expect_note(&c, "mcpgw.conf:1:17: error: jail_fallback: only a gateway that root started can have it: here tools "
	    "have the gateway's own user, and nothing but namespaces keeps them apart");
	compiled_fini(&c);
	compile_ok(folder, false, NULL, &c);
	compiled_fini(&c);
	scratch_write(folder, "mcpgw.conf", "jail_fallback = none\nlandlock_abi_max = 2\n"
	    "run_dir = /run/x\nstate_dir = /var/x\n", 0644);
	compile_ok(folder, true, NULL, &c);
	compiled_fini(&c);
	scratch_remove(folder);
}

Test(compile, equal_text_makes_equal_content_and_a_change_another_profile)
{
	static const char *const texts[] = {
		"{\"mcpServers\": {\"t\": {\"command\": \"true\", \"args\": [\"a\"]}}}",
		"{\"mcpServers\": {\"t\": {\"command\": \"true\", \"args\": [\"b\"]}}}",
		"{\"mcpServers\": {\"t\": {\"command\": \"true\", \"args\": [\"a\"], \"env\": {\"X\": \"1\"}}}}",
		"{\"mcpServers\": {\"t\": {\"command\": \"true\", \"args\": [\"a\"], \"net\": \"loopback\"}}}",
		"{\"mcpServers\": {\"t\": {\"command\": \"true\", \"args\": [\"a\"], \"limits\": {\"nofile\": 99}}}}",
	};
	uint64_t	hash[5], content = 0;
	struct compiled	c;
	char		folder[64];

	scratch_new(folder);
	for (unsigned i = 0; i < 5; i++) {
		scratch_write(folder, "servers.json", texts[i], 0644);
		compile_ok(folder, false, NULL, &c);
		hash[i] = profile_of(&c, "t")->hash;
		for (unsigned k = 0; k < i; k++)
			cr_expect(ne(u64, hash[i], hash[k]), "%u and %u", i, k);
		if (i == 0)
			content = snap_head(c.profile)->content_hash;
		compiled_fini(&c);
	}
	scratch_write(folder, "servers.json", texts[0], 0644);
	compile_ok(folder, false, NULL, &c);
	cr_expect(eq(u64, snap_head(c.profile)->content_hash, content));
	compiled_fini(&c);
	scratch_remove(folder);
}

Test(compile, files_that_are_not_to_be_trusted_are_refused)
{
	struct compiled	c;
	char		folder[64], path[200];

	scratch_new(folder);
	snprintf(path, sizeof(path), "%s/rules.json", folder);

	scratch_write(folder, "rules.json", "{}", 0646);
	compile_folder(folder, false, NULL, &c);
	cr_expect(eq(uint, c.errors, 1));
	expect_note(&c, "rules.json: error: may be written by everybody: chmod o-w it");
	compiled_fini(&c);

	scratch_write(folder, "rules.json", NULL, 0);
	cr_assert(eq(int, symlink("/etc/passwd", path), 0));
	compile_folder(folder, false, NULL, &c);
	cr_expect(eq(uint, c.errors, 1));
	expect_note(&c, "rules.json: error: leads out of the configuration folder by a link or \"..\"");
	compiled_fini(&c);

	/* a link inside the folder is how configuration is often mounted */
	scratch_write(folder, "rules.json", NULL, 0);
	scratch_write(folder, "data/rules.json", "{}", 0644);
	cr_assert(eq(int, symlink("data/rules.json", path), 0));
	compile_ok(folder, false, NULL, &c);
	compiled_fini(&c);

	scratch_write(folder, "rules.json", NULL, 0);
	cr_assert(eq(int, mkfifo(path, 0600), 0));
	compile_folder(folder, false, NULL, &c);
	expect_note(&c, "rules.json: error: is not a regular file");
	compiled_fini(&c);

	/* outside the folder: as it stands, when it is named with its whole path */
	scratch_write(folder, "rules.json", NULL, 0);
	compile_folder(folder, false, (const char *const[]){ "rules_file=/etc", NULL }, &c);
	expect_note(&c, "/etc: error: is not a regular file");
	compiled_fini(&c);
	scratch_remove(folder);
}

Test(compile, the_owner_is_me_in_personal_mode)
{
	const struct rec_agent	*a;
	struct compiled		 c;
	char			 folder[64];
	uint32_t		 gids[] = { 7, 0 };

	setenv("XDG_STATE_HOME", "/home/nobody/.local/state", 1);
	setenv("XDG_RUNTIME_DIR", "/run/user/4242", 1);
	scratch_new(folder);
	scratch_write(folder, "rules.json", "{\"agents\": {\"x\": {}, \"me\": {}, \"ops\": {}}, "
	    "\"peers\": {\"group:root\": \"ops\", \"user:77\": \"x\"}}", 0644);
	compile_ok(folder, true, NULL, &c);
	a = policy_peer_find(c.policy, SPAN_NONE, 4242, NULL, 0, &(bool){ false });
	cr_assert(a != NULL);
	cr_expect(span_is(snap_text(c.policy, a->name), "me"));
	a = policy_peer_find(c.policy, SPAN_NONE, 77, gids, 2, &(bool){ false });
	cr_expect(span_is(snap_text(c.policy, a->name), "x"), "the user before the group");
	a = policy_peer_find(c.policy, SPAN_NONE, 78, gids, 2, &(bool){ false });
	cr_expect(span_is(snap_text(c.policy, a->name), "ops"));
	cr_expect(policy_peer_find(c.policy, SPAN_NONE, 78, gids, 1, &(bool){ false }) == NULL);
	cr_expect(policy_peer_find(c.policy, SPAN_NONE, 0, NULL, 0, &(bool){ false }) == NULL, "root has no agent unless written");
	cr_expect(policy_agent_default(c.policy, SPAN_LIT("default")) == NULL);
	compiled_fini(&c);
	compile_ok(folder, false, NULL, &c);
	cr_expect(policy_peer_find(c.policy, SPAN_NONE, 4242, NULL, 0, &(bool){ false }) == NULL);
	compiled_fini(&c);
	scratch_write(folder, "rules.json", "{\"agents\": {\"default\": {}}, "
	    "\"defaults\": {\"deny_on_missing_agent\": false}}", 0644);
	compile_ok(folder, false, NULL, &c);
	cr_expect(policy_agent_default(c.policy, SPAN_LIT("default")) != NULL);
	compiled_fini(&c);
	scratch_remove(folder);
}

Test(compile, parameters_come_from_the_last_place_that_gives_them)
{
	static const char *const options[] = { "view=both", "run_dir=$state_dir/r", NULL };
	struct compiled	 c;
	struct params	 p;
	char		 folder[64], want[100];

	scratch_new(folder);
	scratch_write(folder, "mcpgw.conf", "# first\nview = discovery\ncall_timeout = 5s\nmax_body =\n  2MiB\n"
	    "state_dir = /var/lib/x\nuser = a$$b\nallowed_hosts = One.example\n\ttwo.example:81\n", 0644);
	scratch_write(folder, "mcpgw.conf.d/b.conf", "call_timeout = 7s\n", 0644);
	scratch_write(folder, "mcpgw.conf.d/a.conf", "call_timeout = 6s\nwatch = yes\n", 0644);
	setenv("MCPGW_VIEW", "catalog", 1);
	setenv("MCPGW_MAX_INSTANCES", "3", 1);
	compile_folder(folder, false, options, &c);
	expect_note(&c, "\"a$b\": no name of a user");
	compiled_fini(&c);
	scratch_write(folder, "mcpgw.conf.d/c.conf", "user = nobody\n", 0644);
	compile_ok(folder, false, options, &c);
	cr_assert(eq(int, params_load(c.policy, &p), 0));
	cr_expect(eq(u64, p.view, VIEW_BOTH));
	cr_expect(eq(u64, p.max_instances, 3));
	cr_expect(eq(u64, p.call_timeout, 7000));
	cr_expect(eq(u64, p.max_body, 2 << 20));
	cr_expect(eq(u64, p.watch, 1));
	cr_expect(span_is(p.run_dir, "/var/lib/x/r"));
	cr_expect(span_is(p.socket, "/var/lib/x/r/mcp.sock"));
	snprintf(want, sizeof(want), "%s/rules.json", folder);
	cr_expect(span_is(p.rules_file, want));
	cr_expect(span_is(snap_text(c.policy, SNAP_AT(c.policy, PARAM, PARAM_ID_view)->source), "-o"));
	cr_expect(policy_host_ok(c.policy, SPAN_LIT("one.EXAMPLE:8080"), false));
	cr_expect(policy_host_ok(c.policy, SPAN_LIT("two.example:81"), false));
	cr_expect(not(policy_host_ok(c.policy, SPAN_LIT("two.example:82"), false)));
	cr_expect(not(policy_host_ok(c.policy, SPAN_LIT("two.example"), false)));
	cr_expect(policy_host_ok(c.policy, SPAN_LIT("127.0.0.1:1"), false));
	cr_expect(policy_host_ok(c.policy, SPAN_LIT("[::1]:1"), false));
	cr_expect(not(policy_host_ok(c.policy, SPAN_LIT("evil.example"), false)));
	cr_expect(not(policy_host_ok(c.policy, SPAN_LIT(""), false)));
	cr_expect(policy_host_ok(c.policy, SPAN_LIT("http://localhost:3000"), true));
	cr_expect(not(policy_host_ok(c.policy, SPAN_LIT("https://localhost.evil.example"), true)));
	cr_expect(not(policy_host_ok(c.policy, SPAN_LIT("localhost"), true)));
	compiled_fini(&c);
	scratch_remove(folder);
}

Test(compile, uris_are_rewritten_for_who_has_a_prefix)
{
	const struct rec_server	*s;
	struct compiled		 c;
	char			 folder[64];

	scratch_new(folder);
	scratch_write(folder, "servers.json", "{\"mcpServers\":{\"a\":{\"url\":\"http://127.0.0.1:1/\",\"rewrite_uris\":true},"
	    "\"b\":{\"url\":\"http://127.0.0.1:1/\",\"rewrite_uris\":false}}}", 0644);
	compile_ok(folder, false, NULL, &c);
	s = policy_server_find(c.policy, SPAN_LIT("default"), SPAN_LIT("a"));
	cr_expect(ne(u32, s->flags & SERVER_FLAG_REWRITE_URIS, 0));
	s = policy_server_find(c.policy, SPAN_LIT("default"), SPAN_LIT("b"));
	cr_expect(eq(u32, s->flags & SERVER_FLAG_REWRITE_URIS, 0));
	compiled_fini(&c);
	scratch_write(folder, "servers.json", "{\"mcpServers\":{\"a\":{\"url\":\"http://127.0.0.1:1/\",\"prefix\":\"\","
	    "\"rewrite_uris\":true}}}", 0644);
	compile_folder(folder, false, NULL, &c);
	cr_expect(eq(uint, c.errors, 1));
	expect_note(&c, "needs a \"prefix\"");
	compiled_fini(&c);
	scratch_remove(folder);
}
