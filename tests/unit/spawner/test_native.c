/* SPDX-License-Identifier: Apache-2.0
 *
 * test_native.c - programs with a client's values: mcpgw-spawn believes no runner
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/buf.h"
#include "tests/unit/spawner/rig.h"

static char		folder[64];
static struct rig_tool	tools[] = {
	{ .name = "git", .script = "printf '[%s]' \"$0\" \"$@\"; pwd; ls -d ~/*", .workdir = folder, .native = true },
	{ .name = "other", .script = "echo other" },
};

/* WORK/in/file, WORK/up -> .., WORK/out -> /etc, WORK/loop -> loop, WORK/here -> in */
static void
begin(struct rig *r)
{
	char	path[128];
	FILE	*f;

	strcpy(folder, "/tmp/mcpgw-test-XXXXXX");
	cr_assert(mkdtemp(folder) != NULL && chmod(folder, 0755) == 0);
	snprintf(path, sizeof(path), "%s/in", folder);
	cr_assert(mkdir(path, 0755) == 0);
	snprintf(path, sizeof(path), "%s/in/file", folder);
	f = fopen(path, "w");
	cr_assert(f != NULL);
	fclose(f);
	snprintf(path, sizeof(path), "%s/up", folder);
	cr_assert(symlink("..", path) == 0);
	snprintf(path, sizeof(path), "%s/out", folder);
	cr_assert(symlink("/etc", path) == 0);
	snprintf(path, sizeof(path), "%s/loop", folder);
	cr_assert(symlink("loop", path) == 0);
	snprintf(path, sizeof(path), "%s/here", folder);
	cr_assert(symlink("in", path) == 0);
	rig_start(r, tools, 2, NULL);
}

static void
end(struct rig *r)
{
	char	command[128];

	cr_expect(eq(int, rig_stop(r), 0));
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	cr_assert(system(command) == 0);
}

static void
put(struct buf *b, uint16_t slot, struct span text)
{
	cr_assert(buf_put_u16(b, slot) == 0 && buf_put_u16(b, (uint16_t)text.n) == 0 && buf_put(b, text) == 0);
}

/* One program with these values, NULL: none. */
static void
ask(struct rig *r, const char *word, const char *file, const char *new)
{
	struct buf	b;

	buf_init(&b, 1 << 16);
	if (word != NULL)
		put(&b, RIG_WORD, span_of(word));
	if (file != NULL)
		put(&b, RIG_FILE, span_of(file));
	if (new != NULL)
		put(&b, RIG_NEW, span_of(new));
	rig_spawn_native(r, &tools[0], 0, buf_rest(&b), 7);
	buf_fini(&b);
}

static void
refused(struct rig *r, int error, const char *says)
{
	char	why[512];

	rig_expect(r, r->runner, MSG_TYPE_SPAWN_FAILED);
	cr_expect(eq(u64, r->frame.head.ref, 7));
	snprintf(why, sizeof(why), "%.*s", SPAN_FMT(r->body.SPAWN_FAILED.why));
	cr_expect(eq(int, (int)r->body.SPAWN_FAILED.step, JAIL_STEP_REQUEST), "%s", why);
	cr_expect(eq(int, r->body.SPAWN_FAILED.error, error), "%s", why);
	cr_expect(strstr(why, says) != NULL, "%s", why);
}

static void
runs(struct rig *r, const char *words)
{
	struct rig_jail	j;
	char		want[256];

	rig_spawned(r, 7, &j);
	snprintf(want, sizeof(want), "%s%s\n", words, folder);
	cr_expect(eq(str, (char *)(uintptr_t)rig_read(j.out), want));
	rig_expect(r, r->runner, MSG_TYPE_SPAWN_EXITED);
	rig_jail_close(&j);
}

Test(native, gets_values_as_arguments_and_nothing_else)
{
	struct rig	r;
	struct stat	st;
	char		path[128];

	begin(&r);
	ask(&r, "a", NULL, NULL);
	runs(&r, "[sh][a]");
	ask(&r, "a/b", "in/file", "in/new");
	runs(&r, "[sh][a/b][in/file][in/new]");
	ask(&r, "a", "here/file", "new");
	runs(&r, "[sh][a][here/file][new]");
	ask(&r, "a", ".", "in/file");
	runs(&r, "[sh][a][.][in/file]");
	/* Nothing of it stays. */
	snprintf(path, sizeof(path), "%s/git", r.folder);
	cr_expect(eq(int, stat(path, &st), -1));
	end(&r);
}

Test(native, is_not_started_with_what_its_slots_forbid)
{
	struct rig	r;

	begin(&r);
	ask(&r, NULL, NULL, NULL);
	refused(&r, E_RANGE, "\"word\" is missing");
	ask(&r, "-c", NULL, NULL);
	refused(&r, E_RANGE, "must not begin with \"-\"");
	ask(&r, "a b", NULL, NULL);
	refused(&r, E_RANGE, "letters");
	ask(&r, "a", "/etc/passwd", NULL);
	refused(&r, E_RANGE, "relative");
	ask(&r, "a", "in/../../x", NULL);
	refused(&r, E_RANGE, "\"..\"");
	ask(&r, "a", "out/passwd", NULL);
	refused(&r, E_RANGE, "\"file\" leads out");
	ask(&r, "a", "up/x", NULL);
	refused(&r, E_RANGE, "\"file\" leads out");
	ask(&r, "a", "loop", NULL);
	refused(&r, E_RANGE, "\"file\" cannot be looked at");
	ask(&r, "a", "absent", NULL);
	refused(&r, E_RANGE, "\"file\" names nothing");
	ask(&r, "a", "in/file/x", NULL);
	refused(&r, E_RANGE, "\"file\" names nothing");
	ask(&r, "a", NULL, "absent/new");
	refused(&r, E_RANGE, "\"new\" names nothing");
	ask(&r, "a", NULL, "out/new");
	refused(&r, E_RANGE, "\"new\" leads out");
	ask(&r, "a", NULL, "up/new");
	refused(&r, E_RANGE, "\"new\" leads out");
	end(&r);
}

Test(native, is_not_started_by_a_request_that_no_runner_sends)
{
	struct rig	r;
	struct buf	b;

	begin(&r);
	buf_init(&b, 1 << 16);
	rig_spawn_native(&r, &tools[0], 0, SPAN_LIT("\1"), 7);
	refused(&r, E_FORMAT, "malformed");
	put(&b, RIG_WORD, span_make("a\0b", 3));
	rig_spawn_native(&r, &tools[0], 0, buf_rest(&b), 7);
	refused(&r, E_RANGE, "letters");
	buf_clear(&b);
	put(&b, RIG_FILE, SPAN_LIT("in"));
	put(&b, RIG_WORD, SPAN_LIT("a"));
	rig_spawn_native(&r, &tools[0], 0, buf_rest(&b), 7);
	refused(&r, E_FORMAT, "malformed");
	buf_clear(&b);
	put(&b, RIG_SLOTS, SPAN_LIT("a"));
	rig_spawn_native(&r, &tools[0], 0, buf_rest(&b), 7);
	refused(&r, E_FORMAT, "malformed");
	buf_fini(&b);
	/* Another tool than there is, another kind of server. */
	rig_spawn_native(&r, &tools[0], 1, SPAN_NONE, 7);
	refused(&r, E_NOTFOUND, "changed");
	rig_spawn_native(&r, &tools[1], 0, SPAN_NONE, 7);
	refused(&r, E_NOTFOUND, "changed");
	rig_spawn(&r, &tools[0], 1, 7);
	refused(&r, E_NOTFOUND, "changed");
	ask(&r, "a", NULL, NULL);
	runs(&r, "[sh][a]");
	end(&r);
}
