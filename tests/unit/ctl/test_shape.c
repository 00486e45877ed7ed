/* SPDX-License-Identifier: Apache-2.0
 *
 * test_shape.c - what each kind of entry in a client's file becomes
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/import/profile.h"
#include "ctl/import/read.h"
#include "ctl/import/resolve.h"
#include "ctl/import/secret.h"
#include "ctl/import/shape.h"
#include "ctl/import/view.h"

static char		project[64], path[128];
static struct ctl	ctl;
static struct import	im;

static void
put(const char *name, mode_t mode, const char *text)
{
	int	fd;

	snprintf(path, sizeof(path), "%s/%s", project, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
	cr_assert(fd != -1 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	cr_assert(chmod(path, mode) == 0);
}

static void
folder(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", project, name);
	cr_assert(mkdir(path, 0755) == 0);
}

/* A project with a home beside it, and programs on PATH that only say their version. */
static void
setup(void)
{
	strcpy(project, "/tmp/mcpgw-shape-XXXXXX");
	cr_assert(mkdtemp(project) != NULL && chmod(project, 0755) == 0);
	folder("bin");
	folder("docs");
	folder("tools");
	folder("app");
	folder("app/dist");
	folder("env");
	folder("env/bin");
	folder("uvp");
	folder("uvp/.venv");
	folder("uvp/.venv/bin");
	folder("shims");
	put("bin/node", 0755, "#!/bin/sh\necho v20.1.2\n");
	put("bin/python3", 0755, "#!/bin/sh\necho Python 3.11.2\n");
	put("tools/server.sh", 0755, "#!/bin/sh\n");
	put("tools/script.js", 0755, "#!/usr/bin/env node\n");
	put("tools/binary", 0755, "\177ELF");
	put("app/package.json", 0644, "{}");
	put("app/dist/index.js", 0644, "");
	put("env/pyvenv.cfg", 0644, "home = /usr/bin\n");
	put("env/bin/python", 0755, "#!/bin/sh\necho Python 3.12.0\n");
	snprintf(path, sizeof(path), "#!%s/env/bin/python\n", project);
	put("env/bin/tool", 0755, strdup(path));
	put("uvp/.venv/pyvenv.cfg", 0644, "home = /usr/bin\n");
	put("uvp/.venv/bin/python", 0755, "#!/bin/sh\necho Python 3.12.0\n");
	put("uvp/.venv/bin/serve", 0755, "#!/bin/sh\n");
	put("creds.json", 0644, "{}");
	snprintf(path, sizeof(path), "%s/bin:/usr/bin:/bin", project);
	setenv("PATH", path, 1);
	snprintf(path, sizeof(path), "%s-home", project);	/* is in no project */
	setenv("HOME", path, 1);
	setenv("GIVEN", "given", 1);
	setenv("MY_TOKEN", "t0ken", 1);
	unsetenv("ABSENT");
	/* Not there: so no compiler is asked what mcpgw.conf says. */
	ctl = (struct ctl){ .where = { .system = true, .config_dir = "/tmp/mcpgw-shape-none/etc",
	    .state_dir = "/tmp/mcpgw-shape-none/state", .run_dir = "/tmp/mcpgw-shape-none/run" } };
	import_init(&im, &ctl);
}

static void
teardown(void)
{
	char	command[128];

	import_fini(&im);
	snprintf(command, sizeof(command), "rm -rf %s /tmp/mcpgw-shape-none", project);
	cr_expect(system(command) == 0);
}

/* The only server of this file, as it would be fetched or started. */
static struct import_server *
take(const char *file, const char *text)
{
	const char		*about;
	struct import_server	*s;
	size_t			 before = im.count;

	put(file, 0644, text);
	cr_assert(read_file(&im, path, &about) == 0, "%s", text);
	cr_assert(im.count == before + 1, "%s", text);
	s = &im.servers[before];
	resolve_server(&im, s);
	shape_server(&im, s);
	if (s->want.kind == NULL && s->url == NULL) {
		shape_program(&im, s);
		if (server_stays(s) && s->command != NULL)
			view_arguments(&im, s);
	}
	return s;
}

/* Words with a blank between, the project's folder as @. */
static const char *
joined(const struct words *w)
{
	static char	to[4096];
	size_t		n = strlen(project), used = 0;

	to[0] = '\0';
	for (size_t i = 0; i < w->n; i++) {
		const char	*at = strstr(w->at[i], project);

		used += (size_t)(at == NULL ? snprintf(to + used, sizeof(to) - used, "%s%s", i == 0 ? "" : " ", w->at[i]) :
		    snprintf(to + used, sizeof(to) - used, "%s%.*s@%s", i == 0 ? "" : " ", (int)(at - w->at[i]), w->at[i],
		    at + n));
	}
	return to;
}

Test(shape, of_a_launcher_is_its_package, .init = setup, .fini = teardown)
{
	static const struct {
		const char	*command, *args, *kind, *spec, *bin, *rest, *package;
	} rows[] = {
		{ "npx", "'-y','@a/server-x','--flag','y'", "npm", "@a/server-x", NULL, "--flag y", "@a/server-x" },
		{ "npx", "'--yes','x@^1.2'", "npm", "x@^1.2", NULL, "", "x" },
		{ "npx", "'-p','@a/b@2','tool','z'", "npm", "@a/b@2", "tool", "z", "@a/b" },
		{ "npx", "'--package=b','-y','tool'", "npm", "b", "tool", "", "b" },
		{ "npx", "'-y','--','x','-y'", "npm", "x", NULL, "-y", "x" },
		{ "/usr/bin/npx", "'x'", "npm", "x", NULL, "", "x" },
		{ "npx.cmd", "'x'", "npm", "x", NULL, "", "x" },
		{ "cmd", "'/c','npx','-y','x'", "npm", "x", NULL, "", "x" },
		{ "cmd.exe", "'/C','npx','x'", "npm", "x", NULL, "", "x" },
		{ "env", "'A=b','npx','x'", "npm", "x", NULL, "", "x" },
		{ "bunx", "'--bun','x'", "npm", "x", NULL, "", "x" },
		{ "bun", "'x','y'", "npm", "y", NULL, "", "y" },
		{ "pnpm", "'--silent','dlx','x','a'", "npm", "x", NULL, "a", "x" },
		{ "pnpm", "'dlx','--package=p','q'", "npm", "p", "q", "", "p" },
		{ "yarn", "'dlx','x'", "npm", "x", NULL, "", "x" },
		{ "npm", "'exec','--','x','--a'", "npm", "x", NULL, "--a", "x" },
		{ "uvx", "'mcp-server-git','--repository','r'", "pypi", "mcp-server-git", NULL, "--repository r",
		    "mcp-server-git" },
		{ "uvx", "'--from','Pkg_A[cli]>=1','prog'", "pypi", "Pkg_A[cli]>=1", "prog", "", "pkg-a" },
		{ "uvx", "'x@1.2'", "pypi", "x==1.2", NULL, "", "x" },
		{ "uvx", "'x@latest'", "pypi", "x", NULL, "", "x" },
		{ "uvx", "'--python','3.12','x'", "pypi", "x", NULL, "", "x" },
		{ "uv", "'tool','run','x','y'", "pypi", "x", NULL, "y", "x" },
		{ "pipx", "'run','--spec','a==1','b'", "pypi", "a==1", "b", "", "a" },
	};
	char	text[1024], *q;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct import_server	*s;

		snprintf(text, sizeof(text), "{'mcpServers': {'s%zu': {'command': '%s', 'args': [%s]}}}", i, rows[i].command,
		    rows[i].args);
		for (q = text; (q = strchr(q, '\'')) != NULL;)
			*q = '"';
		s = take("f.json", text);
		cr_assert(server_stays(s), "%s: %s", text, s->why);
		cr_assert(s->want.kind != NULL, "%s", text);
		cr_expect(strcmp(s->want.kind, rows[i].kind) == 0, "%s: %s", text, s->want.kind);
		cr_expect(strcmp(s->want.spec, rows[i].spec) == 0, "%s: %s", text, s->want.spec);
		cr_expect((s->want.bin == NULL) == (rows[i].bin == NULL), "%s: %s", text, s->want.bin);
		if (rows[i].bin != NULL && s->want.bin != NULL)
			cr_expect(strcmp(s->want.bin, rows[i].bin) == 0, "%s: %s", text, s->want.bin);
		cr_expect(strcmp(joined(&s->args), rows[i].rest) == 0, "%s: %s", text, joined(&s->args));
		cr_expect(strcmp(s->package, rows[i].package) == 0, "%s: %s", text, s->package);
	}
}

Test(shape, of_what_cannot_be_is_a_reason, .init = setup, .fini = teardown)
{
	static const struct {
		const char	*entry, *why;
	} rows[] = {
		{ "'command':'npx','args':['-y']", "given no package" },
		{ "'command':'npx','args':['-c','x y']", "cannot be imported" },
		{ "'command':'npx','args':['--nonesuch','x']", "no option that import knows" },
		{ "'command':'npx','args':['-p','a','-p','b','c']", "two packages" },
		{ "'command':'npx','args':['github:a/b']", "--allow-source" },
		{ "'command':'npx','args':['a/b']", "--allow-source" },
		{ "'command':'npx','args':['https://x/y.tgz']", "--allow-source" },
		{ "'command':'uvx','args':['--from','git+https://x/y','z']", "--allow-source" },
		{ "'command':'uvx','args':['--with','a','b']", "cannot be imported" },
		{ "'command':'docker','args':['run','-i','--rm','nobody/knows']", "help containers" },
		{ "'command':'docker','args':['run']", "socket is root" },
		{ "'command':'/usr/local/bin/podman','args':['run']", "socket is root" },
		{ "'command':'sudo','args':['x']", "another user" },
		{ "'command':'bash','args':['-c','a | b']", "--allow-shell s" },
		{ "'command':'sh','args':['-lc','exec x']", "--allow-shell s" },
		{ "'command':'nonesuch'", "not found on PATH" },
		{ "'command':'./nonesuch'", "no such program" },
		{ "'command':'./creds.json'", "not executable" },
		{ "'command':'node','args':['./gone.js']", "no such file" },
		{ "'command':'uv','args':['run','--directory','docs','x']", "uv sync" },
		{ "'command':'uv','args':['run','--with','p','x']", "uvx --from p x" },
		{ "'command':'a','url':'http://b'", "both a command and a url" },
		{ "'description':'x'", "neither a command nor a url" },
		{ "'url':'http://x.example/mcp'", "--allow-plain" },
		{ "'url':'ftp://x.example/mcp'", "no http or https" },
		{ "'url':'https://x.example/','headersHelper':'./h.sh'", "--allow-shell s" },
		{ "'command':'npx','args':['-y','supergateway','--stdio','x y']", "no url" },
		{ "'command':'./tools/binary','args':['/']", "cannot be shown" },
		{ "'command':'./tools/binary','args':['/proc/1']", "cannot be shown" },
		{ "'command':'./tools/binary','args':['${secret:X}']", "secret stands in its arguments" },
	};
	char	text[512], *q;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct import_server	*s;

		snprintf(text, sizeof(text), "{'mcpServers': {'s': {%s}}}", rows[i].entry);
		for (q = text; (q = strchr(q, '\'')) != NULL;)
			*q = '"';
		s = take("f.json", text);
		cr_expect(s->fate == IMPORT_LEFT_OUT, "%s", text);
		cr_expect(s->why != NULL && strstr(s->why, rows[i].why) != NULL, "%s: %s", text, s->why);
		im.count = 0;
	}
}

Test(shape, of_a_bridge_or_a_url_is_the_url, .init = setup, .fini = teardown)
{
	static const struct {
		const char	*entry, *url, *type, *header, *value;
	} rows[] = {
		{ "'command':'npx','args':['-y','mcp-remote','https://x.example/mcp']", "https://x.example/mcp", NULL, NULL, NULL },
		{ "'command':'npx','args':['mcp-remote@latest','https://x.example/sse','--transport','sse-only']",
		    "https://x.example/sse", "sse", NULL, NULL },
		{ "'command':'npx','args':['mcp-remote','https://x.example/','--header','Authorization: Bearer ${MY_TOKEN}']",
		    "https://x.example/", NULL, "Authorization", "Bearer t0ken" },
		{ "'command':'npx','args':['mcp-remote','https://x.example/','--header','X-Auth:${AUTH}'],"
		    "'env':{'AUTH':'Bearer z'}", "https://x.example/", NULL, "X-Auth", "Bearer z" },
		{ "'command':'npx','args':['-y','supergateway','--sse','https://x.example/sse','--oauth2Bearer','q']",
		    "https://x.example/sse", "sse", "Authorization", "Bearer q" },
		{ "'command':'npx','args':['-y','supergateway','--streamableHttp','https://x.example/mcp']",
		    "https://x.example/mcp", NULL, NULL, NULL },
		{ "'command':'uvx','args':['mcp-proxy','https://x.example/sse']", "https://x.example/sse", "sse", NULL, NULL },
		{ "'url':'https://x.example/mcp','headers':{'X-Key':'k'}", "https://x.example/mcp", NULL, "X-Key", "k" },
		{ "'type':'sse','url':'https://x.example/sse'", "https://x.example/sse", "sse", NULL, NULL },
		{ "'serverUrl':'http://localhost:9/mcp'", "http://localhost:9/mcp", NULL, NULL, NULL },
		{ "'url':'http://127.0.0.1:9/mcp'", "http://127.0.0.1:9/mcp", NULL, NULL, NULL },
		{ "'url':'https://u:p%40w@x.example/mcp'", "https://x.example/mcp", NULL, "Authorization", "Basic dTpwQHc=" },
	};
	char	text[1024], *q;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct import_server	*s;
		const struct pair	*h;

		snprintf(text, sizeof(text), "{'mcpServers': {'s': {%s}}}", rows[i].entry);
		for (q = text; (q = strchr(q, '\'')) != NULL;)
			*q = '"';
		s = take("f.json", text);
		cr_assert(server_runs(s), "%s: %s", text, s->why);
		cr_assert(s->command == NULL && s->want.kind == NULL && s->args.n == 0, "%s", text);
		cr_expect(strcmp(s->url, rows[i].url) == 0, "%s: %s", text, s->url);
		cr_expect((s->type == NULL) == (rows[i].type == NULL), "%s", text);
		cr_expect(s->headers.n == (rows[i].header == NULL ? 0 : 1), "%s", text);
		if (rows[i].header != NULL) {
			cr_assert((h = pairs_find(&s->headers, rows[i].header)) != NULL, "%s", text);
			cr_expect(strncmp(h->value, "${secret:", 9) == 0, "%s: %s", text, h->value);
			cr_assert(im.secret_count > 0);
			cr_expect(strcmp(im.secrets[im.secret_count - 1].value, rows[i].value) == 0, "%s: %s", text,
			    im.secrets[im.secret_count - 1].value);
		}
		im.count = im.secret_count = 0;
	}
}

Test(shape, of_a_program_is_its_real_file_and_folders, .init = setup, .fini = teardown)
{
	static const struct {
		const char	*entry, *command, *args, *read, *workdir, *runs;
	} rows[] = {
		{ "'command':'./tools/binary','args':['--root=./docs']", "@/tools/binary", "--root=@/docs", "@/docs", NULL,
		    "tools/binary" },
		{ "'command':'./tools/server.sh'", "@/tools/server.sh", "", "@/tools", "@/tools", "tools/server.sh" },
		{ "'command':'tools/server.sh'", "@/tools/server.sh", "", "@/tools", "@/tools", "tools/server.sh" },
		{ "'command':'./tools/script.js','args':['a']", "@/bin/node", "@/tools/script.js a", "@/tools", "@/tools",
		    "tools/script.js, node 20" },
		{ "'command':'node','args':['./app/dist/index.js','-x']", "@/bin/node", "@/app/dist/index.js -x", "@/app",
		    "@/app", "app/dist/index.js, node 20" },
		{ "'command':'node','args':['--require','x','app/dist/index.js']", "@/bin/node",
		    "--require x @/app/dist/index.js", "@/app", "@/app", "app/dist/index.js, node 20" },
		{ "'command':'python3','args':['-m','mod']", "@/bin/python3", "-m mod", "@", "@", "mod, python 3.11" },
		{ "'command':'./env/bin/python','args':['-m','mod']", "@/env/bin/python", "-m mod", "@", "@",
		    "mod, python 3.12" },
		{ "'command':'./env/bin/tool','args':['x']", "@/env/bin/python", "@/env/bin/tool x", "@/env/bin", "@/env/bin",
		    "env/bin/tool, python 3.12" },
		{ "'command':'uv','args':['run','--directory','uvp','serve','x']", "@/uvp/.venv/bin/python",
		    "@/uvp/.venv/bin/serve x", "@/uvp", "@/uvp", "uv run serve" },
		{ "'command':'uv','args':['--directory','uvp','run','-m','mod']", "@/uvp/.venv/bin/python", "-m mod", "@/uvp",
		    "@/uvp", "uv run mod" },
		{ "'command':'./tools/binary','env':{'GOOGLE_APPLICATION_CREDENTIALS':'@/creds.json'}", "@/tools/binary", "",
		    "@/creds.json", NULL, "tools/binary" },
		{ "'command':'${workspaceFolder}/tools/binary','args':['${userHome}','${env:GIVEN}','${GIVEN:-x}','${ABSENT:-y}']",
		    "@/tools/binary", "@-home given given y", "", NULL, "tools/binary" },
		{ "'command':'./tools/binary','args':['~','--a=~/b']", "@/tools/binary", "@-home --a=@-home/b", "", NULL,
		    "tools/binary" },
	};
	char	text[1024], filled[2048], *q;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct import_server	*s;
		struct words		 one = { 0 };

		snprintf(text, sizeof(text), "{'mcpServers': {'s': {%s}}}", rows[i].entry);
		for (q = text; (q = strchr(q, '\'')) != NULL;)
			*q = '"';
		if ((q = strchr(text, '@')) != NULL)
			snprintf(filled, sizeof(filled), "%.*s%s%s", (int)(q - text), text, project, q + 1);
		else
			snprintf(filled, sizeof(filled), "%s", text);
		s = take("f.json", filled);
		cr_assert(server_runs(s), "%s: %s", text, s->why);
		words_add(&im, &one, s->command);
		cr_expect(strcmp(joined(&one), rows[i].command) == 0, "%s: %s", text, joined(&one));
		cr_expect(strcmp(joined(&s->args), rows[i].args) == 0, "%s: %s", text, joined(&s->args));
		cr_expect(strcmp(joined(&s->read), rows[i].read) == 0, "%s: %s", text, joined(&s->read));
		cr_expect((s->workdir == NULL) == (rows[i].workdir == NULL), "%s: %s", text, s->workdir);
		if (s->workdir != NULL && rows[i].workdir != NULL) {
			one.at[0] = s->workdir;
			cr_expect(strcmp(joined(&one), rows[i].workdir) == 0, "%s: %s", text, joined(&one));
		}
		cr_expect(strcmp(s->runs, rows[i].runs) == 0, "%s: %s", text, s->runs);
		im.count = 0;
	}
}

Test(shape, of_a_shim_is_what_its_tool_says, .init = setup, .fini = teardown)
{
	struct import_server	*s;
	char			 text[512], pyenv[256];

	folder(".pyenv");
	folder(".pyenv/shims");
	put(".pyenv/shims/python", 0755, "#!/bin/sh\nexit 9\n");
	snprintf(pyenv, sizeof(pyenv), "#!/bin/sh\n[ \"$1 $2\" = 'which python' ] && echo %s/bin/python3\n", project);
	put("bin/pyenv", 0755, pyenv);
	put("mod.py", 0644, "");
	snprintf(text, sizeof(text), "{\"mcpServers\": {\"s\": {\"command\": \"%s/.pyenv/shims/python\", \"args\": "
	    "[\"mod.py\"]}}}", project);
	s = take("f.json", text);
	if (geteuid() == 0) {	/* root asks no program that another user could have written */
		snprintf(path, sizeof(path), "%s/bin", project);
		cr_assert(chmod(path, 0777) == 0);
		s = (im.count = 0, take("f.json", text));
		cr_expect(s->why != NULL && strstr(s->why, "root does not ask") != NULL, "%s", s->why);
		return;
	}
	cr_assert(server_runs(s), "%s", s->why);
	cr_expect(strstr(s->command, "/bin/python3") != NULL, "%s", s->command);
}

Test(shape, of_an_unknown_package_sees_its_arguments, .init = setup, .fini = teardown)
{
	struct import_server	*s;

	words_add(&im, &im.options.net, "s:api.x.example:443");
	s = take("f.json", "{\"mcpServers\": {\"s\": {\"command\": \"npx\", \"args\": [\"-y\", \"unknown-x\", \"./docs\", "
	    "\"--file=./creds.json\", \"./none\"]}}}");
	profile_apply(&im, s);
	cr_assert(server_runs(s), "%s", s->why);
	cr_expect(strcmp(joined(&s->args), "@/docs --file=@/creds.json ./none") == 0, "%s", joined(&s->args));
	cr_expect(strcmp(joined(&s->read), "@/docs @/creds.json") == 0, "%s", joined(&s->read));
	cr_expect(strcmp(joined(&s->net), "api.x.example:443") == 0, "%s", joined(&s->net));
}

Test(shape, keeps_secrets_out_of_the_file, .init = setup, .fini = teardown)
{
	struct import_server	*s = take("f.json", "{\"mcpServers\": {\"s\": {\"command\": \"./tools/binary\", \"env\": {"
	    "\"API_KEY\": \"literal\", \"AUTH\": \"Bearer ${MY_TOKEN}\", \"PLAIN\": \"x\", \"N\": 3,"
	    "\"DATABASE_URL\": \"postgres://u:pw@h/d\", \"SSH_KEY\": \"/etc/passwd\"}}}}");

	cr_assert(server_runs(s), "%s", s->why);
	cr_expect(strcmp(pairs_find(&s->env, "API_KEY")->value, "${secret:API_KEY}") == 0);
	cr_expect(strcmp(pairs_find(&s->env, "AUTH")->value, "Bearer ${secret:MY_TOKEN}") == 0);
	cr_expect(strcmp(pairs_find(&s->env, "DATABASE_URL")->value, "${secret:DATABASE_URL}") == 0);
	cr_expect(strcmp(pairs_find(&s->env, "PLAIN")->value, "x") == 0);
	cr_expect(strcmp(pairs_find(&s->env, "N")->value, "3") == 0);
	cr_expect(strcmp(pairs_find(&s->env, "SSH_KEY")->value, "/etc/passwd") == 0);
	cr_expect(im.secret_count == 3);
}

Test(shape, of_a_missing_variable_is_off, .init = setup, .fini = teardown)
{
	struct import_server	*s = take("f.json", "{\"mcpServers\": {\"s\": {\"command\": \"./tools/binary\", \"env\": {"
	    "\"A\": \"${ABSENT}\"}}}}");

	cr_expect(server_stays(s) && !server_runs(s));
	cr_expect(strstr(s->why, "${ABSENT} is not set") != NULL, "%s", s->why);
	cr_expect(strcmp(pairs_find(&s->env, "A")->value, "${ABSENT}") == 0);
	s = take("g.json", "{\"inputs\": [{\"id\": \"k\"}], // of the editor\n \"servers\": {\"t\": {\"command\": "
	    "\"./tools/binary\", \"env\": {\"K\": \"${input:k}\"},}}}");
	cr_expect(server_stays(s) && !server_runs(s));
	cr_expect(strstr(s->why, "${input:k} is asked for by the editor") != NULL, "%s", s->why);
	s = take("h.json", "{\"mcpServers\": {\"u\": {\"command\": \"x\", \"disabled\": true}}}");
	cr_expect(!server_runs(s));
}

Test(secret, knows_names_and_urls)
{
	static const char *const	yes[] = { "API_KEY", "GITHUB_TOKEN", "SECRET", "apiKey", "DB_PASSWORD", "TOKENS",
		"OPENAI_APIKEY", "GITHUB_PAT", "KEY_ID", "x-api-key" };
	static const char *const	no[] = { "PATH", "KEYBOARD", "TOKENIZER", "HOME", "", "PWD", "PATTERN" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		cr_expect(secret_is_name(yes[i]), "%s", yes[i]);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		cr_expect(!secret_is_name(no[i]), "%s", no[i]);
	cr_expect(secret_is_url("https://a:b@c/"));
	cr_expect(!secret_is_url("https://a@c/"));
	cr_expect(!secret_is_url("https://c/x:y@z"));
	cr_expect(!secret_is_url("a:b@c"));
	cr_expect(!secret_is_url("https://a:${P}@c/"));
}
