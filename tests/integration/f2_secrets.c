/* SPDX-License-Identifier: Apache-2.0
 *
 * f2_secrets.c - values that stand in no file but their own: kept, in force, never shown
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/hearing.h"
#include "tests/harness/lying.h"
#include "tests/integration/common.h"

#define TOOLS	"env: {TOLD: \"${secret:TOKEN}\"}\ntools: [{name: tell, command: /usr/bin/printenv, args: [TOLD]}]\n"
#define RULES	"{\"agents\":{\"me\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}"

/* mcpgwctl secret set NAME, with this on its standard input. */
static int
set_secret(const struct gateway *g, const char *name, const char *option, const void *value, size_t bytes, char **said)
{
	char	program[320], conf[320];
	int	in[2], out[2], status;
	size_t	used = 0;
	ssize_t	n;
	pid_t	pid;

	snprintf(program, sizeof(program), "%s/bin/mcpgwctl", g->build);
	snprintf(conf, sizeof(conf), "%s/etc", g->dir);
	cr_assert(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
	cr_assert((pid = fork()) != -1);
	if (pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(out[1], 2);
		execl(program, "mcpgwctl", "-c", conf, "secret", "set", name, option, NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	cr_assert(bytes <= 4096 && write(in[1], value, bytes) == (ssize_t)bytes);
	close(in[1]);
	*said = calloc(1, 65536);
	while ((n = read(out[0], *said + used, 65535 - used)) > 0)
		used += (size_t)n;
	close(out[0]);
	cr_assert(waitpid(pid, &status, 0) == pid);
	return WEXITSTATUS(status);
}

#define EXPECT_SET(g, code, want, name, option, value) do {						\
	char	*said_;											\
	int	 code_ = set_secret((g), name, option, value, sizeof(value) - 1, &said_);		\
	cr_expect(code_ == (code) && strstr(said_, want) != NULL, "exit %d: %s", code_, said_);		\
	cr_expect(strstr(said_, "s3cr3t") == NULL, "shown: %s", said_);					\
	free(said_);											\
} while (0)

static mode_t
mode_of(const struct gateway *g, const char *name)
{
	char		path[400];
	struct stat	st = { 0 };

	snprintf(path, sizeof(path), "%s/etc/%s", g->dir, name);
	cr_expect(lstat(path, &st) == 0);
	return st.st_mode & 07777;
}

static bool
tells_the_second(void *arg)
{
	char	*said;
	bool	 yes;

	yes = gateway_ctl(arg, &said, true, "call", "native", "tell", "--as", "me", NULL) == 0 &&
	    strstr(said, "s3cr3t-2\n") != NULL;
	free(said);
	return yes;
}

Test(secrets, are_kept_for_their_owner_and_in_force_at_once, .timeout = 60)
{
	struct gateway	 g;
	char		*said;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .rules = RULES });
	EXPECT_CTL(&g, 0, "there are no secrets", "secret", "list");
	EXPECT_SET(&g, 0, "", "TOKEN", NULL, "s3cr3t-1\n");
	cr_expect(mode_of(&g, "secrets") == 0700 && mode_of(&g, "secrets/TOKEN") == 0600);
	/* What uses it comes now. */
	gateway_write(&g, "tools.d/native.yaml", TOOLS);
	EXPECT_CTL(&g, 0, "", "reload");
	EXPECT_CTL(&g, 0, "s3cr3t-1", "call", "native", "tell", "--as", "me");
	EXPECT_SET(&g, 0, "", "TOKEN", NULL, "s3cr3t-2\r\n");
	/* Workers are waited for, the spawner is not. */
	cr_expect(wait_until(tells_the_second, &g, patience(&g, 2000)), "the first one is still told");
	cr_expect(gateway_ctl(&g, &said, true, "secret", "list", NULL) == 0);
	cr_expect(strstr(said, "TOKEN  today ") != NULL && strstr(said, "native") != NULL &&
	    strstr(said, "s3cr3t") == NULL, "%s", said);
	free(said);
	EXPECT_CTL(&g, 0, "\"used_by\":\"native\",\"readable\":true", "--json", "secret", "list");
	EXPECT_CTL(&g, 65, "TOKEN: server native uses it", "secret", "remove", "TOKEN");
	EXPECT_CTL(&g, 65, "no such secret", "secret", "remove", "OTHER");
	EXPECT_CTL(&g, 0, "TOKEN is removed.", "secret", "remove", "TOKEN", "--force");
	EXPECT_CTL(&g, 0, "TOKEN: asked for by native, and not there: mcpgwctl secret set TOKEN", "secret", "list");
	/* What it was when it was compiled, it is until the next reload. */
	EXPECT_CTL(&g, 0, "s3cr3t-2\n", "call", "native", "tell", "--as", "me");
	gateway_stop(&g);
}

Test(secrets, reach_a_tool_that_runs_when_it_starts_anew, .timeout = 60)
{
	struct gateway	g;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .rules = RULES });
	EXPECT_SET(&g, 0, "", "TOKEN", NULL, "s3cr3t-1");
	gateway_write(&g, "servers.json", "{\"mcpServers\":{"
	    "\"late\":{\"command\":\"/bin/true\",\"env\":{\"T\":\"${secret:TOKEN}\"}}}}");
	/* Not in force with it: what else is new there is for the operator to put in force. */
	EXPECT_SET(&g, 0, "not yet in force", "TOKEN", NULL, "s3cr3t-2");
	gateway_write(&g, "servers.json", "{\"mcpServers\":{\"clock\":{\"command\":"
	    "\"@TOOLS@/demo/mcpgw-demo-clock\",\"env\":{\"T\":\"${secret:TOKEN}\"}},"
	    "\"web\":{\"url\":\"http://127.0.0.1:9/mcp\",\"headers\":{\"Authorization\":\"Bearer ${secret:TOKEN}\"}}}}");
	EXPECT_CTL(&g, 0, "", "reload");
	/* Nothing of it runs: nothing is to be said. */
	EXPECT_SET(&g, 0, "{\"server\":\"clock\",\"value\":\"new\"}\n{\"server\":\"web\",\"value\":\"new\"}\n",
	    "TOKEN", "--json", "s3cr3t-3");
	EXPECT_CTL(&g, 0, "allowed", "call", "clock", "now", "--as", "me");
	EXPECT_SET(&g, 0, "clock: keeps the old value until: mcpgwctl server restart clock\n", "TOKEN", NULL, "s3cr3t-4");
	EXPECT_SET(&g, 0, "clock: starts anew with it", "TOKEN", "--restart", "s3cr3t-5");
	EXPECT_CTL(&g, 0, "allowed", "call", "clock", "now", "--as", "me");
	gateway_stop(&g);
}

Test(secrets, that_cannot_be_kept_safely_are_refused, .timeout = 60)
{
	struct gateway	g;
	char		path[400], other[400];

	gateway_start(&g, &(struct gateway_setup){ .rules = RULES });
	EXPECT_SET(&g, 64, "\"../x\": a secret's name is of letters", "../x", NULL, "s3cr3t");
	EXPECT_SET(&g, 65, "the value is empty", "TOKEN", NULL, "\n");
	EXPECT_SET(&g, 65, "holds a NUL", "TOKEN", NULL, "a\0b");
	EXPECT_SET(&g, 0, "", "TOKEN", NULL, "s3cr3t-1");
	snprintf(path, sizeof(path), "%s/etc/secrets", g.dir);
	cr_assert(chmod(path, 0750) == 0);
	EXPECT_SET(&g, 77, "group or others may look into it; chmod 700 ", "TOKEN", NULL, "s3cr3t-2");
	EXPECT_CTL(&g, 77, "chmod 700 ", "secret", "list");
	cr_assert(chmod(path, 0700) == 0);
	snprintf(other, sizeof(other), "%s/etc/secrets/TOKEN", g.dir);
	cr_assert(chmod(other, 0640) == 0);
	EXPECT_CTL(&g, 0, "readable by group or others", "secret", "list");
	/* Written anew it is as it should be; and a link in its place is not followed. */
	EXPECT_SET(&g, 0, "", "TOKEN", NULL, "s3cr3t-3");
	cr_expect(mode_of(&g, "secrets/TOKEN") == 0600);
	snprintf(other, sizeof(other), "%s/etc/elsewhere", g.dir);
	cr_assert(rename(path, other) == 0 && symlink(other, path) == 0);
	EXPECT_SET(&g, 73, "a link, or no folder", "TOKEN", NULL, "s3cr3t-4");
	gateway_stop(&g);
}

static char *
servers_at(const struct lying *l, const char *secret)
{
	static char	text[300];

	snprintf(text, sizeof(text), "{\"mcpServers\":{\"web\":{\"url\":\"http://127.0.0.1:%u/mcp\",\"headers\":"
	    "{\"X-Secret\":\"%s\"}}}}", l->port, secret);
	return text;
}

Test(secrets, go_to_no_place_of_an_earlier_configuration, .timeout = 60)
{
	struct gateway	g;
	struct lying	before, after;
	struct hearing	h;
	struct mcp	m;

	lying_start(&before, "modern params pages");
	lying_start(&after, "modern params");
	gateway_start(&g, &(struct gateway_setup){ .workers = 1, .servers = servers_at(&before, "s3cr3t-old"),
	    .rules = RULES });
	mcp_init(&m, g.mcp, "/servers/web/mcp", gateway_key(&g, "me"));
	hearing_begin(&h, &m, "1", "tools/list", "{}");
	for (int i = 0; i < 100 && lying_saw(&before, "tools/list") == 0; i++)
		sleep_ms(20);
	gateway_write(&g, "servers.json", servers_at(&after, "s3cr3t-new"));
	cr_assert(gateway_ctl(&g, NULL, true, "reload", NULL) == 0);
	/* The second half of that list is asked for where the first was. */
	cr_expect(hearing_begins(&h, 10000) && h.status == 200, "%d", h.status);
	cr_expect(lying_saw(&before, "s3cr3t-old") >= 2 && lying_saw(&before, "s3cr3t-new") == 0);
	hearing_fini(&h);
	hearing_begin(&h, &m, "2", "tools/list", "{}");
	cr_expect(hearing_begins(&h, 10000) && h.status == 200, "%d", h.status);
	cr_expect(lying_saw(&after, "s3cr3t-new") > 0 && lying_saw(&after, "s3cr3t-old") == 0);
	hearing_fini(&h);
	mcp_fini(&m);
	gateway_stop(&g);
	lying_stop(&before);
	lying_stop(&after);
}
