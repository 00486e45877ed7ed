/* SPDX-License-Identifier: Apache-2.0
 *
 * o2_bundle.c - the archive for somebody else: what is in it, and that no secret is
 */
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/common.h"

/* Each stands somewhere a secret may stand; none may come out. */
static const char *const planted[] = {
	"planted-env-value", "planted-header-value", "planted-secret-file", "planted-url-password", "planted-argument",
	"planted-argument-inline", "planted-query-token", "planted-environment", "ghp_plantedPlanted0123456789",
	"planted-yaml-value", "planted-private-line",
};

static const char servers[] =
    "{\"mcpServers\":{ // with comments\n"
    "\"loud\":{\"command\":\"/bin/sh\",\"args\":[\"-c\",\"echo token is $API_TOKEN and $OTHER >&2; exit 1\"],"
    "\"env\":{\"API_TOKEN\":\"planted-env-value\",\"OTHER\":\"${secret:OTHER}\"}},\n"
    "\"args\":{\"command\":\"@TOOLS@/demo/mcpgw-demo-clock\",\"args\":[\"--api-key\",\"planted-argument\","
    "\"--token=planted-argument-inline\",\"ghp_plantedPlanted0123456789\"]},\n"
    "\"far\":{\"url\":\"http://127.0.0.1:1/mcp?access_token=planted-query-token\","
    "\"headers\":{\"Authorization\":\"Bearer planted-header-value\",\"X-Odd\":\"planted-private-line\"}}\n"
    "}}";

static const char tools[] =
    "# a remark\ntools:\n  - name: say\n    description: says SOME_TOKEN=planted-yaml-value\n    command: /bin/echo\n"
    "    args: [x]\n";

static char	*text;
static size_t	 bytes;

static void
read_archive(const char *path)
{
	FILE	*f = fopen(path, "r");

	cr_assert(f != NULL, "%s", path);
	text = malloc(32 << 20);
	bytes = fread(text, 1, 32 << 20, f);
	fclose(f);
}

static bool
holds(const char *what)
{
	return memmem(text, bytes, what, strlen(what)) != NULL;
}

static void
plant_secret(const struct gateway *g)
{
	char	 path[400];
	FILE	*f;

	snprintf(path, sizeof(path), "%s/etc/secrets", g->dir);
	(void)mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/etc/secrets/OTHER", g->dir);
	cr_assert((f = fopen(path, "w")) != NULL);
	fputs("planted-secret-file\n", f);
	cr_assert(fchmod(fileno(f), 0600) == 0 && fclose(f) == 0);
}

Test(bundle, has_what_helps_and_no_secret, .timeout = 90)
{
	static const char *const	wanted[] = { "mcpgw-bundle/about.txt", "mcpgw-bundle/config/servers.json",
		"mcpgw-bundle/config/rules.json", "mcpgw-bundle/config/mcpgw.conf", "mcpgw-bundle/config/tools.d/native.yaml",
		"mcpgw-bundle/doctor.txt", "mcpgw-bundle/status.json", "mcpgw-bundle/logs/loud.txt",
		"mcpgw-bundle/audit.json", "// with comments", "API_TOKEN", "${secret:OTHER}", "token is ***", "SOME_TOKEN=***",
		"Linux", "\"agent\":\"me\"" };
	struct gateway	 g;
	struct mcp	 m;
	struct answer	 a;
	struct stat	 st;
	char		 path[400], *said;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = "{\"mcpServers\":{}}", .rules =
	    "{\"agents\":{\"me\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}",
	    .conf = "# http://user:planted-url-password@proxy.example/\n", .tools = tools });
	plant_secret(&g);
	{
		/* As the harness fills in what it writes at the start. */
		char	*with = NULL, *at = strstr(servers, "@TOOLS@");

		cr_assert(asprintf(&with, "%.*s%s/tools%s", (int)(at - servers), servers, g.dir, at + 7) > 0);
		gateway_write(&g, "servers.json", with);
		free(with);
	}
	cr_expect(gateway_ctl(&g, &said, true, "reload", NULL) == 0, "%s", said);
	free(said);
	mcp_init(&m, g.mcp, "/servers/loud/mcp", gateway_key(&g, "me"));
	mcp_call(&m, "anything", "{}", &a);
	answer_fini(&a);
	/* It was said, so that it could have come out. */
	cr_expect(gateway_ctl(&g, &said, true, "logs", "loud", NULL) == 0, "%s", said);
	cr_expect(strstr(said, "token is planted-env-value and planted-secret-file") != NULL, "%s", said);
	free(said);
	setenv("MY_OWN_TOKEN", "planted-environment", 1);
	gateway_write(&g, "odd.json", "{\"x\":\"planted-environment\"}");
	gateway_write(&g, "broken.json", "{\"env\":{\"A\":\"planted-private-line");
	snprintf(path, sizeof(path), "%s/bundle.tar", g.dir);
	cr_expect(gateway_ctl(&g, &said, true, "bundle", "--output", path, NULL) == 0, "%s", said);
	free(said);
	read_archive(path);
	for (size_t i = 0; i < sizeof(planted) / sizeof(planted[0]); i++)
		cr_expect(!holds(planted[i]), "%s is in it", planted[i]);
	cr_expect(!holds(m.key), "a client's key is in it");
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		cr_expect(holds(wanted[i]), "%s is not in it", wanted[i]);
	cr_expect(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
	free(text);
	/* Never over another file. */
	cr_expect(gateway_ctl(&g, &said, true, "bundle", "--output", path, NULL) == 73, "%s", said);
	free(said);
	unlink(path);
	cr_expect(gateway_ctl(&g, &said, true, "bundle", "--json", "--no-identities", "--output", path, NULL) == 0, "%s",
	    said);
	cr_expect(strstr(said, "{\"file\":\"") != NULL, "%s", said);
	free(said);
	read_archive(path);
	cr_expect(!holds("\"agent\":\"me\"") && holds("\"request_id\":\"r-"));
	free(text);
	mcp_fini(&m);
	gateway_stop(&g);
}

Test(bundle, is_made_where_no_gateway_runs, .timeout = 60)
{
	struct gateway	 g;
	char		 path[400], *said;

	gateway_start(&g, &(struct gateway_setup){ 0 });
	gateway_stop_keep(&g);
	snprintf(path, sizeof(path), "%s/bundle.tar", g.dir);
	cr_expect(gateway_ctl(&g, &said, true, "bundle", "--output", path, NULL) == 0, "%s", said);
	free(said);
	read_archive(path);
	cr_expect(holds("not running (no ") && holds("mcpgw-bundle/doctor.txt"));
	free(text);
	gateway_remove(&g);
}
