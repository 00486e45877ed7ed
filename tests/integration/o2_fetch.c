/* SPDX-License-Identifier: Apache-2.0
 *
 * o2_fetch.c - packages come from a registry over a jail, are kept as they came, and serve from there
 *
 * The registry is tests/servers/registry.mjs, on loopback; nothing leaves the machine.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/integration/common.h"

#define TOKEN		"7d1c2a-Token"
#define ARGS_MAX	40
#define RULES		"{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}"

TestSuite(fetch, .timeout = 240);

static struct gateway	g;
static pid_t		registry;
static unsigned		port;
static char		pkgs[300];
static json_object	*lines[8];

/* ---- the registry ---------------------------------------------------------------------------------- */

static bool
has_program(const char *command)
{
	return system(command) == 0;
}

static void
needs(bool python)
{
	NEEDS_JAILS();
	if (!has_program("node -e 0 >/dev/null 2>&1") || !has_program("command -v npm >/dev/null"))
		cr_skip_test("no node, or no npm");
	if (python && !has_program("/usr/bin/python3 -c 'import pip, venv' 2>/dev/null"))
		cr_skip_test("no pip");
}

static void
registry_start(void)
{
	char	text[512];
	int	fds[2];
	FILE	*out;

	cr_assert(pipe(fds) == 0);
	if ((registry = fork()) == 0) {
		dup2(fds[1], 1);
		close(fds[0]);
		close(fds[1]);
		execlp("node", "node", "tests/servers/registry.mjs", TOKEN, (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	out = fdopen(fds[0], "r");
	cr_assert(fscanf(out, "%u", &port) == 1, "the registry does not start");
	fclose(out);
	snprintf(text, sizeof(text), "registry=http://127.0.0.1:%u/\n//127.0.0.1:%u/:_authToken=" TOKEN "\n", port, port);
	gateway_write(&g, "npmrc", text);
}

static void
registry_stop(void)
{
	kill(registry, SIGKILL);
	waitpid(registry, NULL, 0);
	registry = 0;
}

/* ---- fetching -------------------------------------------------------------------------------------- */

static _Noreturn void
become_fetcher(char *const *argv, bool no_namespaces)
{
	static const char *const own[] = { "npm_config_", "NPM_CONFIG_", "PIP_", "HTTP", "http", NULL };
	extern char	**environ;
	char		value[400];

	/* What this machine's user has set is not what is tried. */
	for (size_t i = 0; environ[i] != NULL;) {
		bool	gone = false;

		for (size_t k = 0; own[k] != NULL && !gone; k++)
			if ((gone = strncmp(environ[i], own[k], strlen(own[k])) == 0)) {
				snprintf(value, sizeof(value), "%.*s", (int)strcspn(environ[i], "="), environ[i]);
				unsetenv(value);
			}
		i += !gone;
	}
	snprintf(value, sizeof(value), "%s/etc/npmrc", g.dir);
	setenv("NPM_CONFIG_USERCONFIG", value, 1);
	setenv("NPM_CONFIG_GLOBALCONFIG", "/dev/null", 1);
	snprintf(value, sizeof(value), "http://127.0.0.1:%u/simple", port);
	setenv("PIP_INDEX_URL", value, 1);
	setenv("HOME", g.dir, 1);
	unsetenv("NODE_EXTRA_CA_CERTS");
	if (no_namespaces && gateway_forbid_namespaces() != 0)
		_exit(126);
	execv(argv[0], argv);
	_exit(127);
}

/* Runs tests/fetch-packages; the objects it printed are `lines`.  Answers its exit code. */
static int
fetch_as(bool no_namespaces, const char *const *what)
{
	char	program[320], etc[300], *argv[ARGS_MAX] = { program, etc, pkgs }, *line = NULL;
	size_t	n = 3, room = 0, count = 0;
	int	fds[2], status;
	FILE	*out;
	pid_t	pid;

	snprintf(program, sizeof(program), "%s/tests/fetch-packages", g.build);
	snprintf(etc, sizeof(etc), "%s/etc", g.dir);
	while (*what != NULL && n < ARGS_MAX - 1)
		argv[n++] = (char *)(uintptr_t)*what++;
	argv[n] = NULL;
	for (size_t i = 0; i < 8; i++) {
		json_object_put(lines[i]);
		lines[i] = NULL;
	}
	cr_assert(pipe(fds) == 0);
	if ((pid = fork()) == 0) {
		dup2(fds[1], 1);
		close(fds[0]);
		close(fds[1]);
		become_fetcher(argv, no_namespaces);
	}
	close(fds[1]);
	out = fdopen(fds[0], "r");
	while (getline(&line, &room, out) > 0 && count < 8)
		lines[count++] = json_tokener_parse(line);
	free(line);
	fclose(out);
	cr_assert(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define FETCH(...) do {									\
	int code_ = fetch_as(false, (const char *const[]){ __VA_ARGS__, NULL });	\
	cr_assert(code_ == 0, "exit code %d", code_);					\
} while (0)

static const char *
got(size_t i, const char *member)
{
	return lines[i] == NULL ? "(nothing)" : json_text_at(lines[i], member);
}

static bool
already(size_t i)
{
	json_object	*v = lines[i] == NULL ? NULL : json_at(lines[i], "already");

	return v != NULL && json_object_get_boolean(v);
}

static void
expect_got(size_t i, const char *name, const char *version)
{
	cr_assert(strcmp(got(i, "why"), "") == 0, "%zu: %s", i, got(i, "why"));
	cr_expect(eq(str, (char *)got(i, "name"), (char *)name));
	cr_expect(eq(str, (char *)got(i, "version"), (char *)version));
}

/* ---- what lies there ------------------------------------------------------------------------------- */

static const char	*sought;
static size_t		 files, holding, writable;

static int
look(const char *path, const struct stat *st, int what, struct FTW *at)
{
	char	*text;
	size_t	 n;
	FILE	*f;

	(void)at;
	if ((what == FTW_F || what == FTW_D || what == FTW_DP) && (st->st_mode & 0222) != 0)
		writable++;
	if (what != FTW_F || (f = fopen(path, "r")) == NULL)
		return 0;
	files++;
	text = calloc(1, (size_t)st->st_size + 1);
	n = fread(text, 1, (size_t)st->st_size, f);
	holding += memmem(text, n, sought, strlen(sought)) != NULL;
	free(text);
	fclose(f);
	return 0;
}

static void
look_at(const char *folder, const char *text)
{
	files = holding = writable = 0;
	sought = text;
	cr_assert(nftw(folder, look, 16, FTW_PHYS) == 0);
}

static void
begin(void)
{
	const struct gateway_setup	nothing = { .workers = 1 };

	gateway_start(&g, &nothing);
	snprintf(pkgs, sizeof(pkgs), "%s/state/pkgs", g.dir);
	registry_start();
}

static void
end(void)
{
	char	command[400];

	if (registry != 0)
		registry_stop();
	/* What is read-only cannot be removed by its owner. */
	snprintf(command, sizeof(command), "chmod -R u+w %s", pkgs);
	cr_expect(system(command) == 0);
	gateway_stop(&g);
}

/* Both, as they were fetched, in the running gateway. */
static void
expect_served(void)
{
	char		servers[4096];
	struct mcp	m;
	struct answer	a;

	snprintf(servers, sizeof(servers), "{\"mcpServers\":{\"npm\":{\"command\":\"%s\",\"args\":[\"%s\"]},"
	    "\"pypi\":{\"command\":\"%s\",\"args\":[\"%s\"]}}}", got(0, "runtime"), got(0, "entry"), got(1, "runtime"),
	    got(1, "entry"));
	gateway_write(&g, "servers.json", servers);
	gateway_write(&g, "rules.json", RULES);
	cr_assert(gateway_ctl(&g, NULL, false, "reload", NULL) == 0);
	mcp_init(&m, g.local, "/servers/npm/mcp", gateway_key(&g, "a"));
	mcp_call(&m, "echo", "{}", &a);
	cr_expect(strcmp(json_text_at(a.json, "result.content[0].text"), "hello 1.0.0") == 0, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	mcp_init(&m, g.local, "/servers/pypi/mcp", gateway_key(&g, "a"));
	mcp_call(&m, "snake", "{}", &a);
	cr_expect(strcmp(json_text_at(a.json, "result.content[0].text"), "hiss") == 0, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
}

Test(fetch, packages_are_kept_as_they_came_and_serve_from_there)
{
	char	dir[512];

	needs(true);
	begin();
	FETCH("npm", "@demo/demo-server", "pypi", "demo-py");
	expect_got(0, "@demo/demo-server", "1.0.0");
	expect_got(1, "demo-py", "1.0");
	cr_expect(eq(str, (char *)got(0, "with_scripts"), "demo-words"));
	cr_expect(strstr(got(0, "entry"), "/node_modules/@demo/demo-server/dist/main.js") != NULL);
	snprintf(dir, sizeof(dir), "%s", got(0, "dir"));
	cr_expect(strstr(dir, "/state/pkgs/@demo+demo-server@1.0.0-") != NULL, "%s", dir);
	look_at(dir, TOKEN);
	cr_expect(files >= 6 && holding == 0 && writable == 0, "%zu files, %zu with the token, %zu writable", files,
	    holding, writable);
	look_at(pkgs, TOKEN);
	cr_expect(eq(sz, holding, 0), "a token is left");
	strcat(dir, "/node_modules/demo-words/ran");
	cr_expect(access(dir, F_OK) != 0, "a script ran");
	expect_served();

	/* Without the registry: what is there costs nothing. */
	registry_stop();
	FETCH("npm", "@demo/demo-server", "pypi", "demo-py", "--fresh", "npm", "@demo/demo-server", "npm",
	    "@demo/demo-server@1.0.0", "npm", "@demo/demo-server@^1");
	cr_expect(already(0) && already(1) && already(3));
	cr_expect(strcmp(got(4, "why"), "") != 0, "other words may mean another version");
	expect_got(0, "@demo/demo-server", "1.0.0");
	cr_expect(strcmp(got(2, "why"), "") != 0, "fetched from nowhere");
	end();
}

Test(fetch, the_same_twice_is_the_same_folder)
{
	needs(false);
	begin();
	FETCH("npm", "@demo/demo-server", "npm", "@demo/demo-server");
	expect_got(0, "@demo/demo-server", "1.0.0");
	expect_got(1, "@demo/demo-server", "1.0.0");
	cr_expect(already(1) && !already(0));
	FETCH("--fresh", "npm", "@demo/demo-server", "npm", "@demo/demo-server@1.0.0");
	cr_expect(already(0) && already(1));
	end();
}

Test(fetch, scripts_run_when_asked_and_see_no_token)
{
	char	path[600], text[64] = "";
	FILE	*f;

	needs(false);
	begin();
	FETCH("--scripts", "npm", "@demo/demo-server");
	expect_got(0, "@demo/demo-server", "1.0.0");
	cr_expect(eq(str, (char *)got(0, "with_scripts"), ""));
	snprintf(path, sizeof(path), "%s/node_modules/demo-words/ran", got(0, "dir"));
	f = fopen(path, "r");
	cr_assert(f != NULL, "it did not run");
	cr_expect(fgets(text, sizeof(text), f) != NULL && strcmp(text, "tokens: 0") == 0, "%s", text);
	fclose(f);
	end();
}

Test(fetch, what_cannot_be_fetched_says_why_and_leaves_nothing)
{
	needs(false);
	begin();
	FETCH("npm", "@demo/no-such", "npm", "demo-words", "npm", "github:a/b", "npm", "-x", "--bin", "other", "npm",
	    "@demo/demo-server", "gem", "x");
	cr_expect(strstr(got(0, "why"), "404, the registry has no such package") != NULL, "%s", got(0, "why"));
	cr_expect(strstr(got(1, "why"), "no program") != NULL, "%s", got(1, "why"));
	cr_expect(strstr(got(2, "why"), "--allow-source") != NULL, "%s", got(2, "why"));
	cr_expect(strstr(got(3, "why"), "name") != NULL, "%s", got(3, "why"));
	cr_expect(strstr(got(4, "why"), "no program other; there are: demo-server") != NULL, "%s", got(4, "why"));
	cr_expect(strstr(got(5, "why"), "kind") != NULL, "%s", got(5, "why"));
	look_at(pkgs, "x");
	cr_expect(eq(sz, files, 1), "%zu files beside the lock", files - 1);
	end();
}

Test(fetch, a_folder_or_an_archive_needs_no_registry)
{
	char	folder[300], archive[400], command[4096];

	needs(false);
	begin();
	snprintf(folder, sizeof(folder), "%s/copied", g.dir);
	snprintf(archive, sizeof(archive), "%s/demo-server.tgz", g.dir);
	FETCH("npm", "@demo/demo-server");
	expect_got(0, "@demo/demo-server", "1.0.0");
	snprintf(command, sizeof(command), "cp -R %s %s && chmod -R u+w %s && cd %s/node_modules && mkdir -p "
	    "@demo/demo-server/node_modules && cp -R demo-words @demo/demo-server/node_modules/ && chmod -R a+rX %s",
	    got(0, "dir"), folder, folder, folder, folder);
	cr_assert(system(command) == 0);
	snprintf(command, sizeof(command), "mkdir %s/package && echo '{\"name\":\"alone\",\"version\":\"3.0.0\",\"bin\":"
	    "\"a.js\"}' >%s/package/package.json && echo >%s/package/a.js && tar -C %s -czf %s package && chmod a+r %s",
	    g.dir, g.dir, g.dir, g.dir, archive, archive);
	cr_assert(system(command) == 0);
	registry_stop();
	FETCH("--from", folder, "npm", "@demo/demo-server", "--from", archive, "npm", "alone");
	expect_got(0, "@demo/demo-server", "1.0.0");
	expect_got(1, "alone", "3.0.0");
	snprintf(command, sizeof(command), "%s/node_modules/@demo/demo-server", folder);
	FETCH("--from", command, "npm", "@demo/demo-server");
	expect_got(0, "@demo/demo-server", "1.0.0");
	cr_expect(eq(int, already(0), 0), "the package's own folder is another one than an install");
	end();
}

/* A server of the running gateway, as import writes it. */
static void
serve_one(void)
{
	char	servers[2048];

	FETCH("npm", "@demo/demo-server");
	expect_got(0, "@demo/demo-server", "1.0.0");
	snprintf(servers, sizeof(servers), "{\"mcpServers\":{\"demo\":{\"command\":\"%s\",\"args\":[\"%s\"]}}}",
	    got(0, "runtime"), got(0, "entry"));
	gateway_write(&g, "servers.json", servers);
	gateway_write(&g, "rules.json", RULES);
	cr_assert(gateway_ctl(&g, NULL, false, "reload", NULL) == 0);
}

static void
expect_says(const char *out, const char *words)
{
	cr_expect(strstr(out, words) != NULL, "no \"%s\" in: %s", words, out);
}

/* What the demo server answers from now on. */
static void
expect_version(struct mcp *m, const char *text)
{
	struct answer	a;

	mcp_call(m, "echo", "{}", &a);
	cr_expect(strcmp(json_text_at(a.json, "result.content[0].text"), text) == 0, "%s", a.body);
	answer_fini(&a);
}

static void
publish(const char *version)
{
	char	command[256];

	snprintf(command, sizeof(command), "node -e 'require(\"http\").get(\"http://127.0.0.1:%u/-/published/%s\","
	    "(r)=>r.resume())'", port, version);
	cr_assert(system(command) == 0);
}

Test(fetch, a_newer_version_is_shown_first_and_then_in_the_old_ones_place)
{
	char		npmrc[300], old[512], *out;
	struct mcp	m;

	needs(false);
	begin();
	serve_one();
	snprintf(old, sizeof(old), "%s", got(0, "dir"));
	snprintf(npmrc, sizeof(npmrc), "%s/etc/npmrc", g.dir);
	setenv("NPM_CONFIG_USERCONFIG", npmrc, 1);
	setenv("NPM_CONFIG_GLOBALCONFIG", "/dev/null", 1);
	unsetenv("NPM_CONFIG_REGISTRY");
	unsetenv("npm_config_registry");
	mcp_init(&m, g.local, "/servers/demo/mcp", gateway_key(&g, "a"));
	cr_expect(gateway_ctl(&g, &out, true, "server", "update", "demo", NULL) == 0);
	expect_says(out, "1.0.0 is what it has already");
	free(out);

	publish("1.1.0");
	cr_expect(gateway_ctl(&g, &out, true, "server", "update", "demo", "--dry-run", NULL) == 0);
	expect_says(out, "@demo/demo-server 1.0.0 -> 1.1.0");
	expect_says(out, "demo.echo   description changed, 1 new argument\n- Says it again\n+ Says it twice\n");
	expect_says(out, "demo.fresh   new tool\n");
	expect_says(out, "demo.old   removed\n");
	free(out);
	expect_version(&m, "hello 1.0.0");

	cr_expect(gateway_ctl(&g, &out, true, "server", "update", "demo", "--yes", NULL) == 0, "%s", out);
	expect_says(out, "servers.json changed; in force from generation");
	free(out);
	expect_version(&m, "hello 1.1.0");
	cr_expect(access(old, F_OK) == 0, "the old one is not there to go back to");

	cr_expect(gateway_ctl(&g, &out, true, "server", "update", "demo", "--to", "1.0.0", "--yes", NULL) == 0, "%s", out);
	free(out);
	expect_version(&m, "hello 1.0.0");
	cr_expect(gateway_ctl(&g, &out, true, "server", "update", "other", NULL) == 65);
	expect_says(out, "no server of this name");
	free(out);
	mcp_fini(&m);
	end();
}

Test(fetch, without_jails_nothing_is_fetched)
{
	needs(false);
	begin();
	(void)fetch_as(true, (const char *const[]){ "npm", "@demo/demo-server", NULL });
	cr_expect(strcmp(got(0, "why"), "") != 0);
	cr_expect(strstr(got(0, "why"), "jail") != NULL || strstr(got(0, "why"), "namespace") != NULL, "%s",
	    got(0, "why"));
	look_at(pkgs, "x");
	cr_expect(eq(sz, files, 1), "%zu files beside the lock", files - 1);
	end();
}
