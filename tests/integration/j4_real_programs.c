/* SPDX-License-Identifier: Apache-2.0
 *
 * j4_real_programs.c - the files of etc/tools.d with the programs they are about, in tier strict
 */
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/common.h"

#define RULES	"{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}"

static struct gateway	g;
static struct mcp	m;
static char		folder[320];

static bool
installed(const char *program)
{
	char	command[128];

	snprintf(command, sizeof(command), "command -v %s >/dev/null", program);
	return system(command) == 0;
}

/* Runs in the folder; nothing of the tester's own settings. */
static void
sh(const char *what)
{
	char	*command;

	cr_assert(asprintf(&command, "cd '%s' && export HOME=/nonexistent GIT_CONFIG_NOSYSTEM=1 && { %s\n} >/dev/null 2>&1",
	    folder, what) > 0);
	cr_assert(system(command) == 0, "%s", what);
	free(command);
}

static int
access_in(const char *name)
{
	char	path[400];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return access(path, F_OK);
}

/* The file of etc/tools.d with this name alone; the folder it is about is empty. */
static void
begin(const char *name)
{
	char	path[400], *text = NULL;
	size_t	room = 0;
	FILE	*f;

	strcpy(folder, "/tmp/mcpgw-test-folder.XXXXXX");
	cr_assert(mkdtemp(folder) != NULL && chmod(folder, 0755) == 0);
	cr_assert(setenv("TOOLS_FOLDER", folder, 1) == 0 && setenv("SQLITE_FOLDER", folder, 1) == 0);
	snprintf(path, sizeof(path), "etc/tools.d/%s", name);
	f = fopen(path, "r");
	cr_assert(f != NULL, "%s: run this from the source folder", path);
	cr_assert(getdelim(&text, &room, '\0', f) > 0);
	fclose(f);
	gateway_start(&g, &(struct gateway_setup){ .rules = RULES });
	snprintf(path, sizeof(path), "tools.d/%s", name);
	gateway_write(&g, path, text);
	free(text);
	cr_assert(gateway_ctl(&g, &text, true, "reload", NULL) == 0, "%s", text);
	free(text);
	snprintf(path, sizeof(path), "/servers/%.*s/mcp", (int)(strchr(name, '.') - name), name);
	mcp_init(&m, g.mcp, path, gateway_key(&g, "a"));
}

static void
end(void)
{
	char	command[400];

	mcp_fini(&m);
	gateway_stop(&g);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	cr_assert(system(command) == 0);
}

/* Is `text` in the result, and `not`, unless NULL, not? */
static void
expect(const char *tool, const char *arguments, bool is_error, const char *text, const char *not)
{
	struct answer	a;
	const char	*got;

	mcp_call(&m, tool, arguments, &a);
	got = json_text_at(a.json, "result.content[0].text");
	cr_expect(json_at(a.json, "result") != NULL &&
	    json_object_get_boolean(json_at(a.json, "result.isError")) == is_error, "%s %s: %.800s", tool, arguments,
	    a.body);
	cr_expect(strstr(got, text) != NULL && (not == NULL || strstr(got, not) == NULL), "%s %s: %.800s", tool, arguments,
	    a.body);
	answer_fini(&a);
}

Test(real_programs, git_reads_a_repository_and_starts_nothing)
{
	NEEDS_JAILS();
	if (!installed("git"))
		cr_skip_test("git is not installed");
	begin("git.yaml");
	sh("git init -q -b main . && git config user.email ann@example.org && git config user.name Ann\n"
	    "printf 'one\\ntwo\\n' >a.txt && mkdir sub && echo x >sub/b.bin\n"
	    "printf '*.bin diff=evil filter=evil\\n' >.gitattributes\n"
	    "git add . && git commit -qm 'First commit' && printf 'one\\nTWO\\n' >a.txt && git commit -qam 'Second commit'\n"
	    "printf 'one\\nTWO\\nthree\\n' >a.txt && echo y >sub/b.bin\n"
	    /* What a hostile repository would have started. */
	    "printf '#!/bin/sh\\ntouch /tmp/owned\\n' >.git/evil && chmod 755 .git/evil\n"
	    "for k in core.fsmonitor core.pager diff.external diff.evil.textconv diff.evil.command filter.evil.clean"
	    " filter.evil.smudge gpg.program core.sshCommand; do git config $k \"$PWD/.git/evil\"; done\n"
	    "chmod -R a+rX .");
	expect("log", "{}", false, "Second commit", NULL);
	expect("log", "{\"count\":1}", false, "Second commit", "First commit");
	expect("log", "{\"author\":\"Ann\",\"stat\":true,\"paths\":[\"a.txt\"]}", false, "a.txt | 2 +-", NULL);
	expect("log", "{\"author\":\"Bob\"}", false, "", "commit");
	expect("log", "{\"grep\":\"First\",\"patch\":true}", false, "+two", "Second");
	expect("log", "{\"revision\":\"HEAD~1\"}", false, "First commit", "Second");
	expect("log", "{\"paths\":[\"no/such\"]}", true, "names nothing", NULL);
	expect("log", "{\"revision\":\"--output=/tmp/x\"}", true, "must not begin", NULL);
	expect("log", "{\"revision\":\"nosuch\"}", true, "status 128", NULL);
	expect("show", "{}", false, "+TWO", NULL);
	expect("file", "{\"path\":\"a.txt\",\"revision\":\"HEAD~1\"}", false, "one\ntwo\n", NULL);
	expect("diff", "{}", false, "+three", NULL);
	expect("diff", "{\"paths\":[\"sub\"]}", false, "b.bin", "a.txt");
	expect("compare", "{\"from\":\"HEAD~1\",\"format\":\"stat\"}", false, "a.txt | 2 +-", NULL);
	expect("compare", "{\"from\":\"HEAD~1\",\"to\":\"HEAD\"}", false, "+TWO", "three");
	expect("blame", "{\"path\":\"a.txt\"}", false, "(Ann", NULL);
	expect("blame", "{\"path\":\"sub/b.bin\"}", false, "(Ann", NULL);
	expect("blame", "{\"path\":\"../a.txt\"}", true, "\"..\"", NULL);
	expect("status", "{}", false, "a.txt", NULL);
	cr_expect(access("/tmp/owned", F_OK) == -1);
	end();
}

Test(real_programs, git_reads_no_files_where_there_is_no_repository)
{
	NEEDS_JAILS();
	if (!installed("git"))
		cr_skip_test("git is not installed");
	begin("git.yaml");
	sh("echo one >a && echo two >b && chmod -R a+rX .");
	expect("diff", "{\"from\":\"/etc/passwd\",\"paths\":[\"a\"]}", true, "status 1", "root:");
	expect("diff", "{\"from\":\"a\",\"paths\":[\"b\"]}", true, "status 1", "two");
	expect("compare", "{\"from\":\"/etc/passwd\",\"to\":\"/etc/group\"}", true, "status 1", "root:");
	end();
}

Test(real_programs, grep_and_find_look_below_their_folder)
{
	NEEDS_JAILS();
	if (!installed("grep") || !installed("find"))
		cr_skip_test("grep or find is not installed");
	begin("search.yaml");
	sh("mkdir -p src/deep && printf 'int main(void)\\n{\\n}\\n' >src/main.c && echo 'main topic' >README.md\n"
	    "echo '-e option' >src/deep/x.txt && ln -s /etc out && chmod -R a+rX .");
	expect("grep", "{\"pattern\":\"main\"}", false, "src/main.c:1:int main(void)", NULL);
	expect("grep", "{\"pattern\":\"main\",\"files\":\"*.md\"}", false, "README.md:1:", "main.c");
	expect("grep", "{\"pattern\":\"MAIN\",\"ignore_case\":true,\"path\":\"src\"}", false, "main.c:1:", "README");
	expect("grep", "{\"pattern\":\"-e op\"}", false, "x.txt:1:", NULL);
	expect("grep", "{\"pattern\":\"m.*n(\",\"syntax\":\"fixed-strings\"}", false, "", "main");
	expect("grep", "{\"pattern\":\"(\"}", true, "status 2", NULL);
	expect("grep", "{\"pattern\":\"root\",\"path\":\"out\"}", true, "leads out", NULL);
	expect("grep", "{\"pattern\":\"root\",\"path\":\"out/passwd\"}", true, "leads out", NULL);
	expect("files", "{\"name\":\"*.c\"}", false, "./src/main.c", "README");
	expect("files", "{\"depth\":1}", false, "./README.md", "main.c");
	expect("files", "{\"name\":\"-exec\"}", true, "must not begin", NULL);
	end();
}

Test(real_programs, jq_computes)
{
	NEEDS_JAILS();
	if (!installed("jq"))
		cr_skip_test("jq is not installed");
	begin("jq.yaml");
	sh("echo '[\"kept\"]' >data.json && chmod -R a+rX .");
	expect("filter", "{\"filter\":\"import \\\"data\\\" as $d; $d\",\"value\":1}", true, "status", "kept");
	expect("filter", "{\"filter\":\"import \\\"../data\\\" as $d; $d\",\"value\":1}", true, "status", "kept");
	expect("filter", "{\"filter\":\".a[] | select(. > 1)\",\"value\":{\"a\":[1,2,3]}}", false, "2\n3\n", NULL);
	expect("filter", "{\"filter\":\"{n: .}\",\"value\":\"{\\\"$(id)}\"}", false, "{\"n\":\"{\\\"$(id)}\"}\n", NULL);
	expect("filter", "{\"filter\":\".[\",\"value\":1}", true, "status 3", NULL);
	expect("filter", "{\"filter\":\"--arg\",\"value\":1}", true, "must not begin", NULL);
	expect("filter", "{\"filter\":\"env | has(\\\"GIT\\\")\",\"value\":1}", false, "false\n", NULL);
	expect("filter", "{\"filter\":\"[recurse]|length\",\"value\":1}", false, "1\n", NULL);
	expect("filter", "{\"filter\":\"last(range(1e12))\",\"value\":1}", true, "longer than 5.0 s", NULL);
	end();
	begin("jq-files.yaml");
	sh("echo '{\"a\": [1, 2, {\"b\": \"x y\"}]}' >data.json && chmod -R a+rX .");
	expect("file", "{\"filter\":\".a[2].b\",\"path\":\"data.json\"}", false, "\"x y\"\n", NULL);
	expect("file", "{\"filter\":\".\",\"path\":\"/etc/passwd\"}", true, "relative", NULL);
	end();
}

Test(real_programs, sqlite_reads_and_cannot_write)
{
	NEEDS_JAILS();
	if (!installed("sqlite3"))
		cr_skip_test("sqlite3 is not installed");
	begin("sqlite3.yaml");
	sh("sqlite3 shop.db \"create table t (id integer, name text); insert into t values (1, 'a b'), (2, null);\"\n"
	    "chmod -R a+rX .");
	expect("query", "{\"database\":\"shop.db\",\"sql\":\"select * from t order by id\"}", false,
	    "[{\"id\":1,\"name\":\"a b\"},\n{\"id\":2,\"name\":null}]\n", NULL);
	expect("query", "{\"database\":\"shop.db\",\"sql\":\"insert into t values (3, 'x')\"}", true, "readonly", NULL);
	/* In a folder that it might write to these would be files, and one of them empty. */
	expect("query", "{\"database\":\"shop.db\",\"sql\":\".shell id\"}", true, "syntax error", NULL);
	expect("query", "{\"database\":\"shop.db\",\"sql\":\".trace shop.db\"}", true, "syntax error", NULL);
	expect("query", "{\"database\":\"shop.db\",\"sql\":\".testcase x\"}", true, "syntax error", NULL);
	expect("query", "{\"database\":\"shop.db\",\"sql\":\"\\n.trace shop.db\"}", true, "syntax error", NULL);
	expect("query", "{\"database\":\"shop.db\",\"sql\":\"select 1;\\n.trace shop.db\"}", true, "syntax error", NULL);
	expect("query", "{\"database\":\"shop.db\",\"sql\":\"select readfile('/etc/passwd')\"}", true, "", "root:");
	expect("query", "{\"database\":\"shop.db\",\"sql\":\"attach '/tmp/x.db' as x\"}", true, "safe mode", NULL);
	expect("query", "{\"database\":\"shop.db\",\"sql\":\"-cmd\"}", true, "syntax error", NULL);
	expect("query", "{\"database\":\"-cmd\",\"sql\":\"select 1\"}", true, "must not begin", NULL);
	expect("query", "{\"database\":\"shop.db\",\"sql\":\"create virtual table temp.z using zipfile('z.zip'); insert"
	    " into temp.z(name,data) values('a','b')\"}", true, "", NULL);
	cr_expect(access_in("z.zip") == -1);
	expect("query", "{\"database\":\"new.db\",\"sql\":\"select 1\"}", true, "names nothing", NULL);
	expect("schema", "{\"database\":\"shop.db\"}", false, "CREATE TABLE t", NULL);
	end();
}

Test(real_programs, sha256sum_is_one_of_json)
{
	NEEDS_JAILS();
	if (!installed("sha256sum"))
		cr_skip_test("sha256sum is not installed");
	begin("checksum.json");
	sh("printf abc >./-n && printf abc >b && chmod -R a+rX .");
	expect("sha256", "{\"paths\":[\"b\",\"-n\"]}", false,
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  -n\n", NULL);
	expect("sha256", "{\"paths\":[]}", true, "is missing", NULL);
	end();
}
