/* SPDX-License-Identifier: Apache-2.0
 *
 * i2_vault.c - ${vault:} and ${cred:}: values that come from elsewhere, change there, are away, and are on no disk
 */
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness/documents.h"
#include "tests/harness/vault.h"
#include "tests/integration/common.h"

#define RULES	"{\"agents\":{\"one\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}"
#define TOKEN	"hvs.planted-token-0a51"
#define FIRST	"planted-value-first-77aa"
#define SECOND	"planted-value-second-19cc"

static struct gateway		g;
static struct vault_fixture	v;
static struct documents		d;
static char			key[256];

static void
write_secret(const char *name, const char *value)
{
	char	path[400], file[64];

	snprintf(file, sizeof(file), "secrets/%s", name);
	gateway_write(&g, file, value);
	snprintf(path, sizeof(path), "%s/etc/%s", g.dir, file);
	cr_assert(chmod(path, 0600) == 0);
}

/* A server that is called with what stands in the vault; what it was sent is in its log. */
static void
start(const char *how, const char *header)
{
	char	conf[600], servers[600];

	vault_start(&v);
	vault_say(&v, "mounts", "kv/ kv 2\nold/team/ kv 1\ndatabase/ database 1\n");
	vault_say(&v, "token", TOKEN "\n0\n");
	vault_say(&v, "data,kv,app,web", "{\"key\":\"" FIRST "\",\"port\":5432,\"empty\":\"\"}");
	vault_say(&v, "data,old,team,web", "{\"key\":\"" SECOND "\"}");
	documents_start(&d, NULL, NULL);
	snprintf(conf, sizeof(conf), "breaker_failures = 1000\nvault_addr = http://127.0.0.1:%u\n%s", v.port, how);
	gateway_start(&g, &(struct gateway_setup){ .workers = 1, .rules = RULES, .conf = conf });
	write_secret("VAULT", TOKEN "\n");
	write_secret("ROLE", "the-secret-id\n");
	snprintf(servers, sizeof(servers), "{\"mcpServers\":{\"web\":{\"url\":\"http://127.0.0.1:%u/mcp\",\"headers\":"
	    "{\"Authorization\":\"%s\"}}}}", d.port, header);
	gateway_write(&g, "servers.json", servers);
	EXPECT_CTL(&g, 0, "", "reload");
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "one"));
}

static int
look_for(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	static char	text[4 << 20];
	FILE		*f;
	size_t		 n;

	(void)at;
	if (kind != FTW_F || st->st_size > (off_t)sizeof(text) || strstr(path, "/etc/secrets/") != NULL ||
	    (f = fopen(path, "r")) == NULL)
		return 0;
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	for (const char *const *w = (const char *const[]){ TOKEN, FIRST, SECOND, "role-token-", NULL }; *w != NULL; w++)
		cr_expect(memmem(text, n, *w, strlen(*w)) == NULL, "%s holds %s", path, *w);
	return 0;
}

static void
finish(void)
{
	gateway_stop_keep(&g);
	cr_expect(nftw(g.dir, look_for, 16, FTW_PHYS) == 0);
	gateway_remove(&g);
	documents_stop(&d);
	vault_stop(&v);
}

/* A call, and what came to the server with it. */
static bool
is_sent(void *arg)
{
	const char	*value = arg;
	struct answer	 a;
	struct mcp	 m;

	documents_forget(&d);
	mcp_init(&m, g.mcp, "/servers/web/mcp", key);
	mcp_call(&m, "anything", "{}", &a);
	answer_fini(&a);
	mcp_fini(&m);
	return documents_saw(&d, value) > 0;
}

static bool
status_has(void *arg)
{
	char	*out;
	bool	 has;

	(void)gateway_ctl(&g, &out, true, "status", "web", NULL);
	has = strstr(out, arg) != NULL;
	free(out);
	return has;
}

static bool
log_has(void *arg)
{
	char	*log = gateway_log(&g);
	bool	 has = strstr(log, arg) != NULL;

	free(log);
	return has;
}

#define EXPECT_SOON(fn, what) cr_expect(wait_until((fn), (void *)(uintptr_t)(what), patience(&g, 15000)), "%s: %s", #fn, (what))

Test(i2_vault, values_come_change_and_stay_while_the_vault_is_away, .timeout = 120)
{
	char	*log, active[64];

	start("vault_token_file = VAULT\nvault_refresh = 1s\n", "Bearer ${vault:kv/app/web#key}");
	EXPECT_SOON(is_sent, "Bearer " FIRST);
	cr_expect(vault_saw(&v, "GET /v1/kv/data/app/web token") > 0);
	/* Another value is found without anybody's word. */
	vault_say(&v, "data,kv,app,web", "{\"key\":\"" SECOND "\"}");
	EXPECT_SOON(is_sent, "Bearer " SECOND);
	EXPECT_CTL(&g, 0, "by vault", "status");
	/* Away: what was there serves, through a reload too. */
	vault_say(&v, "sealed", "");
	EXPECT_SOON(log_has, "Vault is sealed; is it sealed?; what it said before serves");
	EXPECT_CTL(&g, 0, "", "reload");
	EXPECT_SOON(is_sent, "Bearer " SECOND);
	vault_say(&v, "sealed", NULL);
	snprintf(active, sizeof(active), "http://127.0.0.1:%u\n", d.port);
	vault_say(&v, "active", active);
	EXPECT_SOON(log_has, "vault: it redirects to http://127.0.0.1");
	cr_expect(documents_saw(&d, TOKEN) == 0, "a token went on to another one");
	EXPECT_SOON(is_sent, "Bearer " SECOND);
	vault_say(&v, "active", NULL);
	/* Back, and the secret is not there any more: that is the vault's word. */
	vault_say(&v, "data,kv,app,web", NULL);
	EXPECT_SOON(status_has, "nothing is there; put it: vault kv put");
	vault_say(&v, "data,kv,app,web", "{\"key\":\"" FIRST "\"}");
	EXPECT_SOON(is_sent, "Bearer " FIRST);
	log = gateway_log(&g);
	cr_expect(strstr(log, TOKEN) == NULL && strstr(log, FIRST) == NULL && strstr(log, SECOND) == NULL);
	free(log);
	finish();
}

Test(i2_vault, a_start_without_the_vault_leaves_the_servers_down_that_need_it, .timeout = 120)
{
	start("vault_token_file = VAULT\nvault_refresh = 1s\n", "Bearer ${vault:old/team/web#key}");
	EXPECT_SOON(is_sent, "Bearer " SECOND);		/* an engine of the first version, on a mount of two parts */
	gateway_stop_keep(&g);
	vault_say(&v, "sealed", "");
	gateway_start_again(&g);
	EXPECT_SOON(status_has, "the vault: HTTP 503, Vault is sealed; is it sealed?");
	cr_expect(!is_sent((void *)(uintptr_t)SECOND));
	vault_say(&v, "sealed", NULL);
	EXPECT_SOON(is_sent, "Bearer " SECOND);
	finish();
}

Test(i2_vault, a_role_logs_in_renews_and_logs_in_again, .timeout = 120)
{
	char	conf[300];

	snprintf(conf, sizeof(conf), "vault_role_id = the-role\nvault_secret_id_file = ROLE\nvault_namespace = team/a\n"
	    "vault_refresh = 1s\n");
	start(conf, "Bearer ${vault:kv/app/web#key}");
	EXPECT_SOON(status_has, "the vault: does not let vault_role_id in: missing role");
	vault_say(&v, "role", "the-role the-secret-id 4\n");
	vault_say(&v, "namespace", "team/b\n");
	EXPECT_SOON(status_has, "HTTP 404");
	vault_say(&v, "namespace", "team/a\n");
	EXPECT_SOON(is_sent, "Bearer " FIRST);
	cr_expect(vault_saw(&v, "GET /v1/kv/data/app/web role") > 0 && vault_saw(&v, " token") == 0);
	for (int i = 0; i < 100 && vault_saw(&v, "POST /v1/auth/token/renew-self role") == 0; i++)
		usleep(100000);
	cr_expect(vault_saw(&v, "POST /v1/auth/token/renew-self role") > 0);
	cr_expect(vault_saw(&v, "approle/login") >= 1);
	vault_say(&v, "ended", "1\n");
	vault_say(&v, "data,kv,app,web", "{\"key\":\"" SECOND "\"}");
	EXPECT_SOON(is_sent, "Bearer " SECOND);
	/* Without the right to: said, with what to do. */
	vault_say(&v, "role", "the-role another-one 4\n");
	vault_say(&v, "ended", "1000\n");
	EXPECT_SOON(log_has, "vault: does not let vault_role_id in: invalid role or secret ID");
	EXPECT_SOON(is_sent, "Bearer " SECOND);
	finish();
}

Test(i2_vault, what_is_wrong_is_said_where_it_stands, .timeout = 120)
{
	static const struct { const char *header, *words; } rows[] = {
		{ "${vault:kv/app/web#none}", "what is there has no such field" },
		{ "${vault:kv/app/web#empty}", "that field is empty, or no text" },
		{ "${vault:database/creds#key}", "what is mounted there is no KV engine" },
		{ "${vault:secret/app#key}", "the vault does not let the token of vault_token_file read it (preflight" },
		{ "${vault:kv/app/elsewhere#key}", "nothing is there" },
	};
	char	servers[600];

	start("vault_token_file = VAULT\n", "x ${vault:kv/app/web#port}");
	EXPECT_SOON(is_sent, "x 5432");
	/* Whoever only looks needs no vault. */
	EXPECT_CTL(&g, 0, "0 errors, 0 warnings", "check");
	EXPECT_CTL(&g, 0, "0 servers restart", "diff");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(servers, sizeof(servers), "{\"mcpServers\":{\"web\":{\"url\":\"http://127.0.0.1:%u/mcp\",\"headers\":"
		    "{\"Authorization\":\"%s\"}}}}", d.port, rows[i].header);
		gateway_write(&g, "servers.json", servers);
		EXPECT_CTL(&g, 0, "", "reload");
		EXPECT_SOON(status_has, rows[i].words);
	}
	write_secret("VAULT", "another\n");
	EXPECT_CTL(&g, 0, "", "reload");
	EXPECT_SOON(log_has, "vault: does not take the token (permission denied): write another one into the file of "
	    "vault_token_file, then mcpgwctl reload");
	write_secret("VAULT", "");
	EXPECT_CTL(&g, 1, "vault_token_file: VAULT: is empty", "reload");
	finish();
}

Test(i2_vault, credentials_are_the_service_managers, .timeout = 60)
{
	char	folder[] = "/tmp/mcpgw-creds.XXXXXX", path[300];
	FILE	*f;

	cr_assert(mkdtemp(folder) != NULL);
	snprintf(path, sizeof(path), "%s/WEB", folder);
	cr_assert((f = fopen(path, "w")) != NULL && fputs(FIRST "\n", f) > 0 && fclose(f) == 0 && chmod(path, 0400) == 0);
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	start("vault_token_file = VAULT\n", "Bearer ${cred:WEB}");
	EXPECT_SOON(is_sent, "Bearer " FIRST);
	cr_expect(vault_saw(&v, "") == 0, "nothing was wanted of the vault");
	EXPECT_CTL(&g, 0, "0 errors, 0 warnings", "check");
	gateway_write(&g, "servers.json", "{\"mcpServers\":{\"web\":{\"url\":\"http://127.0.0.1:1/mcp\",\"headers\":"
	    "{\"Authorization\":\"${cred:../WEB}\"}}}}");
	EXPECT_CTL(&g, 1, "a credential's name is of letters", "reload");
	gateway_write(&g, "servers.json", "{\"mcpServers\":{\"web\":{\"url\":\"http://127.0.0.1:1/mcp\",\"headers\":"
	    "{\"Authorization\":\"${cred:OTHER}\"}}}}");
	EXPECT_CTL(&g, 1, "no such credential. Write LoadCredential=OTHER:/PATH into the gateway's unit", "reload");
	finish();
	unlink(path);
	rmdir(folder);
}
