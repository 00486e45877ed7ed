/* SPDX-License-Identifier: Apache-2.0
 *
 * compiler.c - F11: what the compiler makes is damaged, foreign, not sealed, or it dies or stops in the midst
 *
 * tests/servers/lying_compile.c is in its place.  A reload says why it is refused, and the policy of before goes on, in the
 * same processes; a start refuses, or serves with the last good policy.
 */
#include <sys/wait.h>

#include "tests/fault/stores.h"
#include "tests/integration/installed.h"

#define COMPILE	"libexec/mcpgw/mcpgw-compile"
#define POLICY	1		/* enum snap_kind */
#define KEYS	2
#define PROFILE	3
#define SECRETS	4

/* What nobody might before. */
#define MORE_RULES									\
	"{\"agents\":{"									\
	"\"writer\":{\"allow\":{\"servers\":[\"notes\"],\"tools\":{\"notes\":[\"*\"]}}},"	\
	"\"reader\":{\"allow\":{\"servers\":[\"notes\"],\"tools\":{\"notes\":[\"*\"]}}}}}"

static char	dir[64];

static void
lie(const char *what, unsigned number)
{
	char	path[128];
	FILE	*f;

	snprintf(path, sizeof(path), "%s/libexec/mcpgw/lie", dir);
	if (what == NULL) {
		cr_assert(unlink(path) == 0);
		return;
	}
	cr_assert((f = fopen(path, "w")) != NULL);
	fprintf(f, "%s %u\n", what, number);
	fclose(f);
	cr_assert(chmod(path, 0644) == 0);
}

static void
begin(struct gateway *g)
{
	char	command[512];

	installed_make(dir);
	snprintf(command, sizeof(command), "cd '%s' && mv " COMPILE " " COMPILE ".real && cp tests/lying-compile " COMPILE, dir);
	cr_assert(system(command) == 0, "%s", command);
	stores_begin(g, "watchdog = 2s\n");
}

static void
expect_as_before(const struct gateway *g, const char *what, unsigned number)
{
	char	text[32];

	snprintf(text, sizeof(text), "%s %u", what, number);
	stores_expect_as_before(g, text);
}

static const struct {
	const char	*what;
	unsigned	 number;
	const char	*why;		/* what the reload says */
} lies[] = {
	{ "half", POLICY, "mcpgw-compile: what it made" },
	{ "short", POLICY, "mcpgw-compile: what it made" },
	{ "long", POLICY, "mcpgw-compile: what it made" },
	{ "empty", POLICY, "mcpgw-compile: what it made" },
	{ "zero", POLICY, "mcpgw-compile: what it made" },
	{ "first", POLICY, "mcpgw-compile: what it made" },
	{ "middle", POLICY, "mcpgw-compile: what it made" },
	{ "last", POLICY, "mcpgw-compile: what it made" },
	{ "format", POLICY, "mcpgw-compile: what it made" },
	{ "kind", POLICY, "mcpgw-compile: what it made" },
	{ "generation", POLICY, "mcpgw-compile: what it made" },
	{ "consumer", POLICY, "mcpgw-compile: what it made" },
	{ "outside", POLICY, "mcpgw-compile: what it made" },
	{ "unsealed", POLICY, "mcpgw-compile: what it made" },
	{ "writable", POLICY, "mcpgw-compile: what it made" },
	{ "shrinkable", POLICY, "mcpgw-compile: what it made" },
	{ "pipe", POLICY, "mcpgw-compile: what it made" },
	{ "endless", POLICY, "mcpgw-compile: what it made" },
	{ "twice", POLICY, "mcpgw-compile: what it made" },
	{ "drops", POLICY, "snapshot refused" },
	{ "format", PROFILE, "mcpgw-compile: what it made" },
	{ "half", PROFILE, "mcpgw-compile: what it made" },
	{ "middle", SECRETS, "mcpgw-compile: what it made" },
	{ "unsealed", SECRETS, "mcpgw-compile: what it made" },
	{ "noise", 1, "mcpgw-compile: ended" },
	{ "noise", 3, "mcpgw-compile: ended" },
	{ "dies", 0, "ended before it was done" },
	{ "dies", 1, "ended before it was done" },
	{ "dies", 2, "ended before it was done" },
	{ "dies", 3, "ended before it was done" },
	{ "dies", 4, "ended before it was done" },
	{ "hangs", 0, "took longer than 5 s" },
	{ "hangs", 2, "took longer than 5 s" },
};

Test(compiler, that_lies_at_a_reload_changes_nothing, .timeout = 240)
{
	struct procs	*before = malloc(sizeof(*before));
	struct gateway	 g;
	char		*out;
	int		 code;

	NEEDS_JAILS();
	begin(&g);
	gateway_procs(&g, before);
	gateway_write(&g, "rules.json", MORE_RULES);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		lie(lies[i].what, lies[i].number);
		code = gateway_ctl(&g, &out, true, "reload", NULL);
		cr_expect(code != 0 && strstr(out, lies[i].why) != NULL, "%s %u: exit %d: %s", lies[i].what, lies[i].number, code, out);
		free(out);
		expect_as_before(&g, lies[i].what, lies[i].number);
	}
	cr_expect(gateway_deaths(before) == 0, "a process ended");
	lie(NULL, 0);
	EXPECT_CTL(&g, 0, "", "reload");
	cr_expect(stores_call(&g, stores_reader, "list_notes"), "it tells the truth, and is not believed");
	gateway_stop(&g);
	installed_remove(dir);
	free(before);
}

static bool
is_revoked(void *arg)
{
	return !stores_call(arg, stores_writer, "list_notes");
}

/* A key that is taken away is no matter of the policy, and must not wait for it. */
Test(compiler, that_lies_about_keys_is_not_believed, .timeout = 60)
{
	struct gateway	g;
	char		public_name[32], *out;
	int		code;

	NEEDS_JAILS();
	begin(&g);
	lie("middle", KEYS);
	code = gateway_ctl(&g, &out, true, "key", "add", "--agent", "reader", NULL);
	cr_expect(code != 0, "exit %d: %s", code, out);
	free(out);
	expect_as_before(&g, "keys", 0);
	snprintf(public_name, sizeof(public_name), "%.12s", stores_writer);
	code = gateway_ctl(&g, &out, true, "key", "revoke", public_name, NULL);
	cr_expect(code != 0, "nobody was told that the key works on: exit %d: %s", code, out);
	cr_log_info("%s", out);
	free(out);
	/* Nobody asks for it again: it is tried until it comes true. */
	lie(NULL, 0);
	cr_expect(wait_until(is_revoked, &g, 10000), "a revoked key works");
	gateway_stop(&g);
	installed_remove(dir);
}

Test(compiler, that_lies_at_a_start_serves_nothing_new, .timeout = 240)
{
	struct gateway	g;
	bool		serves;

	NEEDS_JAILS();
	begin(&g);
	gateway_stop_keep(&g);
	stores_keep(&g);
	gateway_write(&g, "rules.json", MORE_RULES);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		if (strcmp(lies[i].what, "hangs") == 0)
			continue;		/* a minute, before parameters are known */
		stores_put_back(&g);
		lie(lies[i].what, lies[i].number);
		if ((serves = gateway_try_start(&g))) {
			expect_as_before(&g, lies[i].what, lies[i].number);
			gateway_stop_keep(&g);
		}
		cr_expect(serves || (g.pid == 0 && WIFEXITED(g.status) && WEXITSTATUS(g.status) != 0),
		    "%s %u: it neither serves nor ends: %#x", lies[i].what, lies[i].number, g.status);
		if (g.pid != 0) {
			kill(g.pid, SIGKILL);
			waitpid(g.pid, NULL, 0);
			g.pid = 0;
		}
	}
	lie(NULL, 0);
	gateway_start_again(&g);
	cr_expect(stores_call(&g, stores_reader, "list_notes"), "it tells the truth, and is not believed");
	gateway_stop(&g);
	installed_remove(dir);
}
