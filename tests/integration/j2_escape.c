/* SPDX-License-Identifier: Apache-2.0
 *
 * j2_escape.c - every attempt of tests/escape through a real gateway, as root starts it and as somebody does
 *
 * The table is the one that tests/escape/run goes by; what a jail holds must not depend on who builds it.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/landlock.h>

#include "tests/escape/escape.h"
#include "tests/escape/planted.h"
#include "tests/integration/common.h"

#define NOBODY		65534
#define SERVER		"@TOOLS@/tests/escaping-server"
#define SERVERS_BYTES	16384

#define PROGRAM		"@TOOLS@/tests/escape/mcpgw-selftest-attempt"

/* Each is a server in the gateway: its jails. */
struct seat {
	const char		*name, *tier, *net;
	enum jail_tier		 is;
	enum escape_mode	 mode;
	bool			 program;	/* a file of tools.d, not one that speaks MCP */
};

static const struct seat seats[] = {
	{ "runtime", "runtime", "none", TIER_RUNTIME, ESCAPE_NONE },
	{ "strict", "strict", "none", TIER_STRICT, ESCAPE_NONE },
	{ "off", "off", "none", TIER_OFF, ESCAPE_NONE },
	{ "runtime-loopback", "runtime", "loopback", TIER_RUNTIME, ESCAPE_LOOPBACK },
	{ "strict-loopback", "strict", "loopback", TIER_STRICT, ESCAPE_LOOPBACK },
	{ "off-loopback", "off", "loopback", TIER_OFF, ESCAPE_LOOPBACK },
	{ "runtime-host", "runtime", "host", TIER_RUNTIME, ESCAPE_HOST },
	{ "strict-host", "strict", "host", TIER_STRICT, ESCAPE_HOST },
	{ "off-host", "off", "host", TIER_OFF, ESCAPE_HOST },
	{ "runtime-reduced", "runtime", "none", TIER_RUNTIME, ESCAPE_REDUCED },
	{ "strict-reduced", "strict", "none", TIER_STRICT, ESCAPE_REDUCED },
	{ "program-runtime", "runtime", "none", TIER_RUNTIME, ESCAPE_NONE, true },
	{ "program-strict", "strict", "none", TIER_STRICT, ESCAPE_NONE, true },
	{ "program-off", "off", "none", TIER_OFF, ESCAPE_NONE, true },
};
#define SEATS (sizeof(seats) / sizeof(seats[0]))

/* A gateway that can have no namespaces has only such jails, and others none. */
static bool	no_namespaces;

/* Only what depends on the net is tried with another one. */
static bool
belongs(const struct seat *s, const struct escape_row *row)
{
	if ((s->mode == ESCAPE_REDUCED) != no_namespaces)
		return false;
#ifdef MCPGW_SANITIZED
	/* Its tools have the spawner's filter, which such a build does not load. */
	if (s->is == TIER_OFF)
		return false;
#endif
	return s->mode == ESCAPE_NONE || s->mode == ESCAPE_REDUCED || escape_of_net(row);
}

/* A server that was killed rests a while; so each that will be is one of its own. */
static bool
dies(const struct seat *s, const struct escape_row *row)
{
	return !s->program && escape_want(row, s->mode, s->is, 0) == KILLED;
}

static size_t
put_server(char *to, size_t room, const struct seat *s, const char *suffix, const char *folder,
    const struct planted *p)
{
	return (size_t)snprintf(to, room, "%c\"%s%s\":{\"command\":\"" SERVER "\",\"args\":[\"%s\",\"%u\",\"%s\"],"
	    "\"tier\":\"%s\",\"net\":\"%s\",\"isolation\":\"call\",\"read\":[\"%s/data\"],\"timeout_ms\":20000}",
	    s == seats && *suffix == '\0' ? '{' : ',', s->name, suffix, folder, p->port, p->address, s->tier,
	    s->net, folder);
}

static void
servers_make(char *to, const char *folder, const struct planted *p)
{
	size_t	n = (size_t)snprintf(to, SERVERS_BYTES, "{\"mcpServers\":");
	char	suffix[64];

	for (size_t i = 0; i < SEATS; i++) {
		if (seats[i].program)
			continue;
		n += put_server(to + n, SERVERS_BYTES - n, &seats[i], "", folder, p);
		for (size_t k = 0; k < escape_row_count; k++) {
			if (!belongs(&seats[i], &escape_rows[k]) || !dies(&seats[i], &escape_rows[k]))
				continue;
			snprintf(suffix, sizeof(suffix), "-%s", escape_rows[k].name);
			n += put_server(to + n, SERVERS_BYTES - n, &seats[i], suffix, folder, p);
		}
	}
	snprintf(to + n, SERVERS_BYTES - n, "}}");
}

/* The same attempts as programs of this machine. */
static void
programs_write(struct gateway *g, const char *folder, const struct planted *p)
{
	char	text[2048], name[64];

	for (size_t i = 0; i < SEATS; i++) {
		if (!seats[i].program)
			continue;
		snprintf(name, sizeof(name), "tools.d/%s.json", seats[i].name);
		snprintf(text, sizeof(text), "{\"tier\":\"%s\",\"net\":\"%s\",\"read\":[\"%s/data\"],\"tools\":[{"
		    "\"name\":\"attempt\",\"command\":\"" PROGRAM "\",\"args\":[\"{name}\",\"%s\",\"%u\",\"%s\"],"
		    "\"slots\":{\"name\":{\"class\":\"word\"}}}]}", seats[i].tier, seats[i].net, folder, folder,
		    p->port, p->address);
		gateway_write(g, name, text);
	}
	cr_assert(gateway_ctl(g, NULL, true, "reload", NULL) == 0);
}

/* -1 and the whole answer when it is neither a result nor the end of a tool by SIGSYS. */
static int
outcome(const struct answer *a, const char **said)
{
	static char	text[256];

	snprintf(text, sizeof(text), "%s", json_text_at(a->json, "result.content[0].text"));
	*said = text;
	/* A program that was killed is a tool that failed, and says so. */
	if (strstr(text, "signal 31") != NULL)
		return KILLED;
	text[strcspn(text, "\n")] = '\0';
	if (*text != '\0')
		return escape_parse(text);
	*said = json_text_at(a->json, "error.message");
	if (strstr(*said, "was ended by signal 31") != NULL)
		return KILLED;
	*said = a->body;
	return -1;
}

static void
attempt(struct gateway *g, const char *key, const struct seat *s, const struct escape_row *row, int abi)
{
	enum escape	want = escape_want(row, s->mode, s->is, abi);
	char		path[128], arguments[64];
	const char	*said;
	struct answer	a;
	struct mcp	m;
	int		got;

	snprintf(path, sizeof(path), "/servers/%s%s%s/mcp", s->name, dies(s, row) ? "-" : "",
	    dies(s, row) ? row->name : "");
	snprintf(arguments, sizeof(arguments), "{\"name\":\"%s\"}", row->name);
	mcp_init(&m, g->mcp, path, key);
	mcp_call(&m, "attempt", arguments, &a);
	got = outcome(&a, &said);
	cr_expect(got >= (int)want, "row %d, %s (%s), %s, net %s: %s", row->number, row->name, row->what, s->tier,
	    s->net, said);
	answer_fini(&a);
	mcp_fini(&m);
}

static void
expect_all_held(const char *conf)
{
	struct gateway	 g;
	struct planted	 p;
	struct procs	*before = malloc(sizeof(*before));
	char		 folder[] = "/tmp/mcpgw-planted-XXXXXX", command[128], *servers = malloc(SERVERS_BYTES);
	const char	*fault, *key;
	long		 abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	cr_assert(mkdtemp(folder) != NULL);
	fault = planted_start(&p, folder);
	cr_assert(fault == NULL, "%s", fault);
	/* Whoever a tool runs as: it is not the modes of files that keep it away. */
	snprintf(command, sizeof(command), "chmod -R a+rwX '%s'", folder);
	cr_assert(system(command) == 0);
	servers_make(servers, folder, &p);
	setenv("MCPGW_SECRET", "planted", 1);
	gateway_start(&g, &(struct gateway_setup){ .servers = servers, .conf = conf,
	    .no_namespaces = no_namespaces,
	    .rules = "{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}" });
	if (!no_namespaces)
		programs_write(&g, folder, &p);
	key = gateway_key(&g, "a");
	gateway_procs(&g, before);
	for (size_t i = 0; i < SEATS; i++)
		for (size_t k = 0; k < escape_row_count; k++)
			if (belongs(&seats[i], &escape_rows[k]))
				attempt(&g, key, &seats[i], &escape_rows[k], abi > 0 ? (int)abi : 0);
	cr_expect(gateway_deaths(before) == 0);
	free(before);
	free(servers);
	gateway_stop(&g);
	planted_stop(&p);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	cr_expect(system(command) == 0);
}

Test(escape, is_held_in_every_tier_and_with_every_net, .timeout = 240)
{
	NEEDS_JAILS();
	expect_all_held(NULL);
}

/* What is not held then is in the table too. */
Test(escape, is_held_without_namespaces_as_far_as_written, .timeout = 240)
{
	if (geteuid() != 0)
		cr_skip_test("only a gateway of root may have reduced jails");
	if (getpwnam("games") == NULL || getpwnam("daemon") == NULL)
		cr_skip_test("no users games and daemon");
	NEEDS_JAILS();
	no_namespaces = true;
	expect_all_held("tenant_user = games\nuser = daemon\njail_fallback = landlock\n");
}

Test(escape, is_what_the_operator_can_try_too, .timeout = 120)
{
	struct gateway	 g;
	char		*out, *last;
	json_object	*count;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = "{\"mcpServers\":{}}" });
	cr_expect(gateway_ctl(&g, &out, false, "selftest", "--jail", "tcp", NULL) == 0, "%s", out);
	cr_expect(strncmp(out, "# jail: full", 12) == 0 && strstr(out, "\n# landlock: ABI ") != NULL, "%s", out);
	cr_expect(strstr(out, "\nok 1 - 20 ") != NULL && strstr(out, "\n1..9\n") != NULL, "%s", out);
	free(out);
	cr_expect(gateway_ctl(&g, &out, false, "selftest", "--jail", "ptrace_init", "--json", NULL) == 0, "%s", out);
	last = strstr(out, "\"attempts\"");
	while (last != NULL && last > out && last[-1] != '\n')
		last--;
	count = json_tokener_parse(last == NULL ? "{}" : last);
	cr_expect(json_object_get_boolean(json_at(count, "ok")) && json_int_at(count, "attempts") == 3, "%s", out);
	json_object_put(count);
	free(out);
	cr_expect(gateway_ctl(&g, &out, false, "selftest", "--jail", "--reduced", "tcp", NULL) == 0);
	cr_expect(strstr(out, geteuid() == 0 ? "1..2" : "1..0 # SKIP reduced jails are for") != NULL, "%s", out);
	free(out);
	cr_expect(gateway_ctl(&g, NULL, false, "selftest", NULL) == 64);
	cr_expect(gateway_ctl(&g, NULL, false, "selftest", "--jail", "no-such", NULL) == 64);
	gateway_stop(&g);
}

/* Where root runs the tests, once more as an ordinary user; else that was the one above. */
Test(escape, is_held_without_root, .timeout = 240)
{
	const char	*build = getenv("BUILD");
	char		 program[512];

	if (geteuid() != 0)
		cr_skip_test("not root: tried already");
	cr_assert(setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
	    setresuid(NOBODY, NOBODY, NOBODY) == 0);
	snprintf(program, sizeof(program), "%s/bin/mcpgwctl", build == NULL ? "build" : build);
	if (access(program, X_OK) == -1)
		cr_skip_test("an ordinary user does not reach the build folder");
	NEEDS_JAILS();
	expect_all_held(NULL);
}
