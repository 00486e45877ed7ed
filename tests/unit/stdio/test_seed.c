/* SPDX-License-Identifier: Apache-2.0
 *
 * test_seed.c - seed 001's variables and files, and the configuration they become
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stdio/privconf.h"
#include "stdio/seed.h"

static char	dir[] = "/tmp/mcpgw-seed.XXXXXX";

static void
put(const char *path, const char *text)
{
	FILE	*f = fopen(path, "w");

	cr_assert(f != NULL, "%s", path);
	fputs(text, f);
	cr_assert(fclose(f) == 0);
}

/* In a folder of its own, with a home in it and none of the variables. */
static void
setup(void)
{
	char	home[64];

	clearenv();
	cr_assert(mkdtemp(dir) != NULL && chdir(dir) == 0);
	snprintf(home, sizeof(home), "%s/home", dir);
	cr_assert(mkdir(home, 0700) == 0 && mkdir("config", 0700) == 0);
	cr_assert(mkdir("home/.config", 0700) == 0 && mkdir("home/.config/agent-mcp-gateway", 0700) == 0);
	setenv("HOME", home, 1);
}

static void
teardown(void)
{
	char	command[64];

	snprintf(command, sizeof(command), "rm -r '%s'", dir);
	cr_assert(chdir("/") == 0 && system(command) == 0);
}

static void
expect_path(const char *got, const char *below)
{
	char	want[128];

	snprintf(want, sizeof(want), "%s/%s", dir, below);
	cr_expect(eq(str, (char *)(uintptr_t)got, want));
}

Test(seed, looks_in_the_folder_then_at_home_then_in_config, .init = setup, .fini = teardown)
{
	struct seed	s;
	const char	*why;

	cr_expect(eq(int, seed_read(&s, &why), E_NOTFOUND));
	cr_expect(s.asked == false && s.named == false);
	put("config/" SEED_SERVERS, "{}");
	put("config/" SEED_RULES, "{}");
	cr_assert(eq(int, seed_read(&s, &why), 0));
	expect_path(s.servers, "config/" SEED_SERVERS);
	put("home/" SEED_FOLDER "/" SEED_SERVERS, "{}");
	cr_assert(eq(int, seed_read(&s, &why), 0));
	expect_path(s.servers, "home/" SEED_FOLDER "/" SEED_SERVERS);
	expect_path(s.rules, "config/" SEED_RULES);
	put(SEED_SERVERS, "{}");
	cr_assert(eq(int, seed_read(&s, &why), 0));
	expect_path(s.servers, SEED_SERVERS);
	expect_path(s.audit, "home/.cache/agent-mcp-gateway/logs/audit.jsonl");
	put("other.json", "{}");
	setenv("GATEWAY_MCP_CONFIG", "./other.json", 1);
	setenv("GATEWAY_AUDIT_LOG", "~/a.jsonl", 1);
	cr_assert(eq(int, seed_read(&s, &why), 0));
	expect_path(s.servers, "other.json");
	expect_path(s.audit, "home/a.jsonl");
	cr_expect(s.asked && s.named && s.audit_named);
}

Test(seed, leaves_a_file_that_names_us_alone, .init = setup, .fini = teardown)
{
	static const struct {
		const char	*servers;
		int		 want;
	} rows[] = {
		{ "{\"mcpServers\":{\"a\":{\"command\":\"mcpgw-stdio\"}}}", E_NOTFOUND },
		{ "{\"mcpServers\":{\"a\":{\"url\":\"http://x\"},\"b\":{\"command\":\"/opt/bin/mcpgw-stdio\"}}}", E_NOTFOUND },
		{ "{\"mcpServers\":{\"a\":{\"command\":\"not-mcpgw-stdio\"}}}", 0 },
		{ "{\"mcpServers\":{\"mcpgw-stdio\":{\"command\":\"x\",\"args\":[\"mcpgw-stdio\"]}}}", 0 },
		{ "// no plain JSON\n{\"mcpServers\":{}}", 0 }, { "", 0 }, { "[]", 0 }, { "{\"mcpServers\":[1]}", 0 },
	};
	struct seed	s;
	const char	*why;

	put(SEED_RULES, "{}");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put(SEED_SERVERS, rows[i].servers);
		cr_expect(eq(int, seed_read(&s, &why), rows[i].want), "%s", rows[i].servers);
	}
}

Test(seed, refuses_values_that_cannot_be_meant, .init = setup, .fini = teardown)
{
	static const struct {
		const char	*name, *value;
		int		 want;
		const char	*listen;
	} rows[] = {
		{ "GATEWAY_TRANSPORT", "stdio", 0, "" }, { "GATEWAY_TRANSPORT", "", 0, "" },
		{ "GATEWAY_TRANSPORT", "sse", E_FORMAT, "" }, { "GATEWAY_TRANSPORT", "http", 0, "127.0.0.1:8000" },
		{ "GATEWAY_HTTP_HOST", "localhost", 0, "127.0.0.1:8000" }, { "GATEWAY_HTTP_HOST", "::1", 0, "[::1]:8000" },
		{ "GATEWAY_PORT", "8080", 0, "[::1]:8080" }, { "GATEWAY_HTTP_PORT", "9000", 0, "[::1]:9000" },
		{ "GATEWAY_HTTP_PORT", "0", E_FORMAT, "" }, { "GATEWAY_HTTP_PORT", "65536", E_FORMAT, "" },
		{ "GATEWAY_HTTP_PORT", "9000", 0, "[::1]:9000" }, { "GATEWAY_HTTP_HOST", "0.0.0.0", E_FORMAT, "" },
		{ "GATEWAY_HTTP_HOST", "192.0.2.1", E_FORMAT, "" }, { "GATEWAY_HTTP_HOST", "", 0, "127.0.0.1:9000" },
		{ "GATEWAY_INIT_STRATEGY", "eager", 0, "127.0.0.1:9000" }, { "GATEWAY_INIT_STRATEGY", "now", E_FORMAT, "" },
		{ "GATEWAY_INIT_STRATEGY", "", 0, "127.0.0.1:9000" }, { "GATEWAY_DEFAULT_AGENT", "a b", E_FORMAT, "" },
		{ "GATEWAY_DEFAULT_AGENT", "team.role-1", 0, "127.0.0.1:9000" },
		{ "GATEWAY_RULES", "gone.json", E_NOTFOUND, "127.0.0.1:9000" },
	};
	struct seed	s;
	const char	*why;

	put(SEED_SERVERS, "{}");
	put(SEED_RULES, "{}");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		setenv(rows[i].name, rows[i].value, 1);
		cr_expect(eq(int, seed_read(&s, &why), rows[i].want), "%s=%s", rows[i].name, rows[i].value);
		if (rows[i].want == 0)
			cr_expect(eq(str, s.listen, (char *)(uintptr_t)rows[i].listen), "%s=%s", rows[i].name, rows[i].value);
	}
	for (const char *const *v = (const char *const[]){ "true", "True", "1", "yes", NULL }; *v != NULL; v++) {
		setenv("GATEWAY_DEBUG", *v, 1);
		(void)!seed_read(&s, &why);
		cr_expect(s.debug, "%s", *v);
	}
	setenv("GATEWAY_DEBUG", "false", 1);
	(void)!seed_read(&s, &why);
	cr_expect(s.debug == false);
}

Test(seed, becomes_a_configuration_that_our_environment_cannot_change, .init = setup, .fini = teardown)
{
	struct seed	s = { .servers = "/p/a$b/.mcp.json", .rules = "/p/r.json", .fallback_agent = "x",
			    .origins = "http://a,http://b", .debug = true };
	char		text[4096] = "", path[64];
	FILE		*f;

	setenv("MCPGW_LISTEN", "127.0.0.1:8080", 1);
	setenv("MCPGW_CALL_TIMEOUT", "5s", 1);
	setenv("NOTIFY_SOCKET", "/run/x", 1);
	cr_assert(eq(int, privconf_write(dir, "/s", &s), 0));
	snprintf(path, sizeof(path), "%s/mcpgw.conf", dir);
	f = fopen(path, "r");
	cr_assert(f != NULL);
	(void)!fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	cr_expect(strstr(text, "\nservers_file = /p/a$$b/.mcp.json\n") != NULL, "%s", text);
	cr_expect(strstr(text, "\nlisten = \n") != NULL && strstr(text, "\nstate_dir = /s\n") != NULL, "%s", text);
	cr_expect(strstr(text, "\nallowed_origins = http://a http://b\n") != NULL, "%s", text);
	cr_expect(strstr(text, "\ntrust_agent_argument = only\n") != NULL, "%s", text);
	cr_expect(strstr(text, "\nlog_level = debug\n") != NULL && strstr(text, "\nfallback_agent = x\n") != NULL, "%s",
	    text);
	cr_expect(getenv("MCPGW_LISTEN") == NULL && getenv("NOTIFY_SOCKET") == NULL);
	cr_expect(getenv("MCPGW_CALL_TIMEOUT") != NULL);
	/* Never over one that is there. */
	cr_expect(eq(int, privconf_write(dir, "/s", &s), E_SYS));
}
