/* SPDX-License-Identifier: Apache-2.0
 *
 * f6_planted.c - secrets of each kind are planted where they belong, used, and looked for everywhere else
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/harness/signer.h"
#include "tests/harness/vault.h"
#include "tests/integration/common.h"

#define ISS		"https://idp.example"
#define AUD		"https://gw.example/mcp"
#define ENV_SECRET	"planted-env-1b7c2f60"
#define HEADER_SECRET	"planted-header-9e04d1aa"
#define RULES		"{\"agents\":{\"backend\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}"
#define CRED_SECRET	"planted-credential-3d77b1e8"
#define VAULT_SECRET	"planted-vault-value-c2419f06"
#define VAULT_KEY	"planted-vault-token-58ab0c4d"
#define SECRETS_MAX	12

struct planted {
	const char	*what;
	char		 value[600];
};

static struct planted	planted[SECRETS_MAX];
static size_t		planted_count;

static void
plant(const char *what, const char *value)
{
	struct planted	*p = &planted[planted_count++];

	cr_assert(planted_count <= SECRETS_MAX);
	p->what = what;
	snprintf(p->value, sizeof(p->value), "%s", value);
	p->value[strcspn(p->value, "\n")] = '\0';
	cr_assert(strlen(p->value) >= 16, "%s: \"%s\"", what, p->value);
}

/* None of them stands there: the part that nobody could guess. */
static void
expect_none(const char *where, const char *text, size_t bytes)
{
	for (size_t i = 0; i < planted_count; i++)
		cr_expect(memmem(text, bytes, planted[i].value, strlen(planted[i].value)) == NULL, "%s has the %s", where,
		    planted[i].what);
}

static size_t
read_whole(const char *path, char **text)
{
	size_t	room = 65536, used = 0;
	ssize_t	n = 0;
	int	fd = open(path, O_RDONLY | O_CLOEXEC);

	*text = malloc(room);
	while (fd != -1 && (n = read(fd, *text + used, room - used)) > 0)
		if ((used += (size_t)n) == room)
			*text = realloc(*text, room *= 2);
	if (fd != -1)
		close(fd);
	return used;
}

static void
look_in_file(const char *path)
{
	char	*text;
	size_t	 n = read_whole(path, &text);

	expect_none(path, text, n);
	free(text);
}

/* Every file below; answers how many. */
static unsigned
look_below(const char *folder)
{
	struct dirent	*e;
	struct stat	 st;
	unsigned	 n = 0;
	char		 path[512];
	DIR		*d = opendir(folder);

	while (d != NULL && (e = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || lstat(path, &st) == -1)
			continue;
		if (S_ISDIR(st.st_mode)) {
			n += look_below(path);
		} else if (S_ISREG(st.st_mode)) {
			look_in_file(path);
			n++;
		}
	}
	if (d != NULL)
		closedir(d);
	return n;
}

static void
look_in_commands(struct gateway *g)
{
	static const char	*const commands[][5] = {
		{ "status" }, { "--json", "status" }, { "status", "web" }, { "conf" }, { "conf", "-n" }, { "check" }, { "diff" },
		{ "server", "list" }, { "server", "show", "clock" }, { "server", "show", "web" }, { "secret", "list" },
		{ "--json", "secret", "list" }, { "key", "list" }, { "--json", "key", "list" }, { "key", "show", "ci" },
		{ "tool", "list" }, { "limit", "show" }, { "ps" }, { "logs", "clock" }, { "audit", "list" },
		{ "--json", "audit", "list" }, { "audit", "tail" }, { "doctor" }, { "list", "--as", "backend" },
	};
	char			 what[128], *said;

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const char	*const *c = commands[i];

		snprintf(what, sizeof(what), "mcpgwctl %s %s %s", c[0], c[1] == NULL ? "" : c[1], c[2] == NULL ? "" : c[2]);
		(void)gateway_ctl(g, &said, true, c[0], c[1], c[2], c[3], NULL);
		expect_none(what, said, strlen(said));
		free(said);
	}
}

/* Of our own processes; a tool has in its environment what the operator gave it. */
static void
look_in_processes(const struct gateway *g)
{
	static const char	*const files[] = { "cmdline", "environ" };
	struct procs		*p = malloc(sizeof(*p));
	char			 path[64], *text, *core;
	size_t			 n, looked = 0;

	gateway_procs(g, p);
	for (size_t i = 0; i < p->count; i++) {
		const struct proc	*one = &p->all[i];

		if (strncmp(one->name, "mcpgw", 5) != 0 || strncmp(one->name, "mcpgw-demo", 10) == 0)
			continue;
		for (size_t k = 0; k < 2; k++) {
			snprintf(path, sizeof(path), "/proc/%d/%s", (int)one->pid, files[k]);
			look_in_file(path);
		}
		/* No core file of it either. */
		snprintf(path, sizeof(path), "/proc/%d/limits", (int)one->pid);
		n = read_whole(path, &text);
		if (n > 0) {
			text[n - 1] = '\0';
			core = strstr(text, "Max core file size");
			cr_expect(core != NULL && atoi(core + 18) == 0 && strstr(core, "unlimited") != core + 26, "%s: %.60s",
			    one->name, core == NULL ? "no limits" : core);
			looked++;
		}
		free(text);
	}
	cr_expect(looked > 4, "%zu processes", looked);
	free(p);
}

static void
ask(struct gateway *g, const char *path, const char *bearer, const char *tool, int status)
{
	struct mcp	m;
	struct answer	a;

	mcp_init(&m, g->mcp, path, bearer);
	mcp_call(&m, tool, "{}", &a);
	EXPECT_STATUS(a, status, "%s %s", path, tool);
	if (a.head != NULL)
		expect_none("an answer's head", a.head, strlen(a.head));
	if (a.body != NULL)
		expect_none("an answer", a.body, a.body_bytes);
	answer_fini(&a);
	mcp_fini(&m);
}

static void
write_secret(struct gateway *g, const char *name, const char *value)
{
	char	path[400], file[64];

	snprintf(file, sizeof(file), "secrets/%s", name);
	gateway_write(g, file, value);
	snprintf(path, sizeof(path), "%s/etc/%s", g->dir, file);
	cr_assert(chmod(path, 0600) == 0);
}

static bool
clock_answers(void *arg)
{
	struct gateway	*g = arg;
	char		*out;
	bool		 yes;

	yes = gateway_ctl(g, &out, true, "call", "--as", "backend", "clock", "now", NULL) == 0;
	free(out);
	return yes;
}

/* One in a folder that systemd would hand over, one in a vault: what a tool of ours is given. */
static void
plant_elsewhere(struct vault_fixture *v, const char *folder)
{
	char	path[300];
	FILE	*f;

	snprintf(path, sizeof(path), "%s/GIVEN", folder);
	cr_assert((f = fopen(path, "w")) != NULL && fputs(CRED_SECRET "\n", f) > 0 && fclose(f) == 0);
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	vault_start(v);
	vault_say(v, "mounts", "kv/ kv 2\n");
	vault_say(v, "token", VAULT_KEY "\n0\n");
	vault_say(v, "data,kv,clock", "{\"key\":\"" VAULT_SECRET "\"}");
	plant("credential of systemd", CRED_SECRET);
	plant("value in a vault", VAULT_SECRET);
	plant("token for the vault", VAULT_KEY);
}

Test(planted, secrets_are_nowhere_but_in_their_place, .timeout = 120)
{
	struct gateway	 g;
	struct vault_fixture v;
	char		 path[400], bent[600], claims[300], creds[] = "/tmp/mcpgw-creds.XXXXXX";
	char		*own, *signed_one, *log, *said;
	const char	*key;
	size_t		 first;

	NEEDS_JAILS();
	cr_assert(mkdtemp(creds) != NULL);
	plant_elsewhere(&v, creds);
	snprintf(path, sizeof(path), "log_level = debug\nvault_addr = http://127.0.0.1:%u\nvault_token_file = VAULT\n", v.port);
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = RULES, .conf = path });
	write_secret(&g, "VAULT", VAULT_KEY "\n");
	write_secret(&g, "ENV", ENV_SECRET "\n");
	write_secret(&g, "HEADER", HEADER_SECRET "\n");
	write_secret(&g, "IDP", SIGNER_SECRET "\n");
	gateway_write(&g, "servers.json", "{\"mcpServers\":{\"clock\":{\"command\":\"@TOOLS@/demo/mcpgw-demo-clock\","
	    "\"env\":{\"T\":\"${secret:ENV}\",\"C\":\"${cred:GIVEN}\",\"V\":\"${vault:kv/clock#key}\"}},\"web\":{\"url\":\"http://127.0.0.1:9/mcp\",\"headers\":"
	    "{\"Authorization\":\"Bearer ${secret:HEADER}\",\"X-Given\":\"${cred:GIVEN}\",\"X-Kept\":"
	    "\"${vault:kv/clock#key}\"}}}}");
	gateway_write(&g, "issuers.json", "{\"issuers\":{\"" ISS "\":{\"audience\":\"" AUD "\",\"agent\":\"backend\","
	    "\"secret\":\"${secret:IDP}\"}}}");
	cr_assert(gateway_ctl(&g, &said, true, "reload", NULL) == 0, "%s", said);
	free(said);
	cr_assert(wait_until(clock_answers, &g, patience(&g, 20000)));
	first = planted_count;
	plant("environment value", ENV_SECRET);
	plant("header of an upstream", HEADER_SECRET);
	plant("shared secret of an issuer", SIGNER_SECRET);
	cr_assert(gateway_ctl(&g, &said, false, "key", "add", "--agent", "backend", "--name", "ci", NULL) == 0);
	plant("API key", said);
	free(said);
	key = planted[planted_count - 1].value;
	cr_assert(gateway_ctl(&g, &own, false, "token", "--agent", "backend", NULL) == 0);
	plant("token of our own", own);
	free(own);
	snprintf(claims, sizeof(claims), "{\"iss\":\"" ISS "\",\"aud\":\"" AUD "\",\"sub\":\"ann\",\"exp\":%ld}",
	    (long)time(NULL) + 300);
	signed_one = signer_token("{\"alg\":\"HS256\"}", claims, JWS_ALG_HS256, false);
	plant("token of an issuer", signed_one);
	free(signed_one);

	/* Used well, and badly. */
	for (size_t i = first + 3; i < first + 6; i++)
		ask(&g, "/servers/clock/mcp", planted[i].value, "now", 200);
	ask(&g, "/servers/web/mcp", key, "anything", 200);
	ask(&g, "/servers/nowhere/mcp", key, "now", 404);
	snprintf(bent, sizeof(bent), "%s", key);
	/* Another one of the same letters: a credential of others is malformed, and answered otherwise. */
	bent[strlen(bent) - 1] = bent[strlen(bent) - 1] == 'A' ? 'B' : 'A';
	plant("key that is none", bent);
	ask(&g, "/mcp", bent, "now", 401);
	snprintf(bent, sizeof(bent), "%s", planted[first + 4].value);
	bent[strlen(bent) - 9] = bent[strlen(bent) - 9] == 'A' ? 'B' : 'A';
	plant("token that is none", bent);
	ask(&g, "/mcp", bent, "now", 401);
	snprintf(path, sizeof(path), "/mcp?access_token=%s", key);
	ask(&g, path, NULL, "now", 400);
	cr_expect(gateway_ctl(&g, NULL, true, "key", "rotate", "ci", "--overlap", "1h", NULL) == 0);

	/* What is looked for can be found, where it belongs. */
	snprintf(path, sizeof(path), "%s/etc/secrets/ENV", g.dir);
	cr_expect(read_whole(path, &said) > 0 && strstr(said, ENV_SECRET) == said);
	free(said);
	look_in_commands(&g);
	look_in_processes(&g);
	snprintf(path, sizeof(path), "%s/bundle.tar", g.dir);
	cr_expect(gateway_ctl(&g, &said, true, "bundle", "--output", path, NULL) == 0, "%s", said);
	expect_none("what bundle says", said, strlen(said));
	free(said);
	look_in_file(path);
	log = gateway_log(&g);
	expect_none("the log", log, strlen(log));
	cr_expect(strstr(log, "no answer on /mcp") != NULL && strstr(log, "issued by uid") != NULL);
	free(log);
	json_object_put(gateway_audit(&g));		/* all of it is imported */
	snprintf(path, sizeof(path), "%s/state", g.dir);
	cr_expect(look_below(path) > 3);
	snprintf(path, sizeof(path), "%s/run", g.dir);
	(void)look_below(path);
	gateway_stop_keep(&g);
	snprintf(path, sizeof(path), "%s/state", g.dir);
	cr_expect(look_below(path) > 3);
	cr_expect(vault_saw(&v, "/v1/kv/data/clock token") > 0);
	gateway_remove(&g);
	vault_stop(&v);
	snprintf(path, sizeof(path), "%s/GIVEN", creds);
	unlink(path);
	rmdir(creds);
}
