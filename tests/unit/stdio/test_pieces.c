/* SPDX-License-Identifier: Apache-2.0
 *
 * test_pieces.c - the command line, the socket's place, lines in and out
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stdio/lines.h"
#include "stdio/options.h"
#include "stdio/out.h"
#include "stdio/place.h"

/* --- the command line ------------------------------------------------------------------------------ */

static const struct {
	const char	*args[6];
	const char	*target;	/* NULL: refused */
} command_lines[] = {
	{ { NULL }, "/mcp" },
	{ { "--view", "catalog", NULL }, "/mcp/catalog" },
	{ { "--view=discovery", NULL }, "/mcp/discovery" },
	{ { "--view", "auto", NULL }, NULL },
	{ { "--server", "git hub/../x", NULL }, "/servers/git%20hub%2F..%2Fx/mcp" },
	{ { "--server=a", "--view", "catalog", NULL }, NULL },
	{ { "-c", "/etc/x", "--socket", "/run/s", NULL }, "/mcp" },
	{ { "-c", NULL }, NULL }, { { "--server", NULL }, NULL }, { { "--server=", NULL }, NULL },
	{ { "--serverx", NULL }, NULL }, { { "word", NULL }, NULL },
};

Test(options, say_what_is_asked_for)
{
	for (size_t i = 0; i < sizeof(command_lines) / sizeof(command_lines[0]); i++) {
		struct options	 o = { .system = false };
		char		*argv[8] = { (char *)(uintptr_t)"mcpgw-stdio" };
		const char	*why = NULL;
		struct buf	 target;
		int		 argc = 1, r;

		while (command_lines[i].args[argc - 1] != NULL) {
			argv[argc] = (char *)(uintptr_t)command_lines[i].args[argc - 1];
			argc++;
		}
		buf_init(&target, 4096);
		r = options_take(&o, argc, argv, &why);
		cr_expect(eq(int, r == 0, command_lines[i].target != NULL), "row %zu: %s", i, why);
		cr_expect(eq(int, r == 0, why == NULL), "row %zu", i);
		if (r == 0) {
			cr_expect(eq(int, options_target(&o, &target), 0));
			cr_expect(span_is(buf_rest(&target), command_lines[i].target), "row %zu: %.*s", i,
			    SPAN_FMT(buf_rest(&target)));
		}
		buf_fini(&target);
	}
}

/* --- the socket ------------------------------------------------------------------------------------ */

struct config {
	const char	*conf, *more, *want;	/* mcpgw.conf, mcpgw.conf.d/a.conf; after the run_dir's "R" */
	int		 r;
};

static const struct config configs[] = {
	{ NULL, NULL, "/run-dir/mcp.sock", 0 },
	{ "run_dir = /r\n", NULL, "/r/mcp.sock", 0 },
	{ "run_dir = /r\nsocket = $run_dir/x\n", "run_dir = /other\n", "/other/x", 0 },
	{ "socket = ${PLACE}/y\n", NULL, "/from/env/y", 0 },
	{ "socket = $config_dir/z\n", NULL, "C/z", 0 },
	{ "state_dir = $nonsense\nmistake\n", NULL, "/run-dir/mcp.sock", 0 },
	{ "socket = $run_dir\nrun_dir = $socket\n", NULL, "/run-dir/mcp.sock", E_FORMAT },
	{ "socket = $UNSET_VARIABLE/y\n", NULL, "/run-dir/mcp.sock", E_NOTFOUND },
	{ "socket =\n", NULL, "/run-dir/mcp.sock", E_FORMAT },
};

static void
put_file(const char *dir, const char *name, const char *text)
{
	char	path[256];
	FILE	*f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (text == NULL) {
		unlink(path);
		return;
	}
	f = fopen(path, "w");
	cr_assert(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0);
}

Test(place, is_what_the_configuration_says)
{
	struct where	w = { .system = false, .run_dir = "/run-dir" };
	char		dir[] = "/tmp/mcpgw-place-XXXXXX", sub[64], got[PATH_MAX], want[PATH_MAX];

	cr_assert(mkdtemp(dir) != NULL);
	snprintf(sub, sizeof(sub), "%s/mcpgw.conf.d", dir);
	cr_assert(mkdir(sub, 0700) == 0);
	setenv("XDG_RUNTIME_DIR", "/xdg", 1);
	setenv("PLACE", "/from/env", 1);
	unsetenv("UNSET_VARIABLE");
	unsetenv("MCPGW_SOCKET");
	unsetenv("MCPGW_RUN_DIR");
	for (size_t i = 0; i < sizeof(configs) / sizeof(configs[0]); i++) {
		const struct config *c = &configs[i];

		put_file(dir, "mcpgw.conf", c->conf);
		put_file(sub, "a.conf", c->more);
		cr_expect(eq(int, place_socket(&w, dir, got), c->r), "row %zu", i);
		if (c->want[0] == 'C')
			snprintf(want, sizeof(want), "%s%s", dir, c->want + 1);
		else if (c->r == 0 && strcmp(c->want, "/run-dir/mcp.sock") == 0)
			strcpy(want, "/xdg/mcpgw/mcp.sock");	/* as the table of parameters has it */
		else
			strcpy(want, c->want);
		cr_expect(eq(str, got, want), "row %zu", i);
	}
	put_file(dir, "mcpgw.conf", "run_dir = /r\n");
	setenv("MCPGW_RUN_DIR", "/env", 1);
	cr_expect(eq(int, place_socket(&w, dir, got), 0));
	cr_expect(eq(str, got, (char *)(uintptr_t)"/env/mcp.sock"));
	put_file(dir, "mcpgw.conf", NULL);
	put_file(sub, "a.conf", NULL);
	rmdir(sub);
	rmdir(dir);
}

/* --- lines ----------------------------------------------------------------------------------------- */

static void
feed(struct lines *l, const char *p, size_t n)
{
	char	*room;

	cr_assert(n <= LINES_READ && lines_room(l, &room) == 0);
	memcpy(room, p, n);
	lines_commit(l, n);
}

Test(lines, come_whole_however_they_are_cut)
{
	static const char	text[] = "one\n\ntwo\r\nthree\nlast";
	static const char	*want[] = { "one", "", "two", "three", "last" };

	for (size_t cut = 1; cut < sizeof(text); cut++) {
		struct lines	l;
		struct span	line;
		size_t		seen = 0;
		int		r;

		lines_init(&l);
		for (size_t at = 0; at < sizeof(text) - 1; at += cut) {
			size_t n = sizeof(text) - 1 - at < cut ? sizeof(text) - 1 - at : cut;

			feed(&l, text + at, n);
			while ((r = lines_next(&l, &line)) == 0)
				cr_expect(span_is(line, want[seen++]), "cut %zu", cut);
			cr_expect(eq(int, r, E_AGAIN));
		}
		lines_end(&l);
		cr_expect(eq(int, lines_next(&l, &line), 0));
		cr_expect(span_is(line, want[seen++]), "cut %zu", cut);
		cr_expect(eq(int, lines_next(&l, &line), E_EOF));
		cr_expect(eq(sz, seen, 5));
		lines_fini(&l);
	}
}

Test(lines, too_long_ones_are_dropped_and_cost_no_memory)
{
	static char	chunk[LINES_READ];
	struct lines	l;
	struct span	line;
	int		r = 0;

	memset(chunk, 'x', sizeof(chunk));
	lines_init(&l);
	for (size_t n = 0; n < 2 * LINES_MAX && r != E_TOOBIG; n += sizeof(chunk)) {
		feed(&l, chunk, sizeof(chunk));
		r = lines_next(&l, &line);
		cr_assert(eq(int, r, E_AGAIN));
		cr_assert(l.buf.room <= LINES_MAX + 2 * LINES_READ);
	}
	feed(&l, "\nnext\n", 6);
	cr_expect(eq(int, lines_next(&l, &line), E_TOOBIG));
	cr_expect(eq(int, lines_next(&l, &line), 0));
	cr_expect(span_is(line, "next"));
	cr_expect(eq(int, lines_next(&l, &line), E_AGAIN));
	cr_expect(l.buf.room <= 1024 * 1024);
	lines_fini(&l);
}

Test(lines, the_longest_is_taken)
{
	static char	chunk[LINES_READ];
	struct lines	l;
	struct span	line;

	memset(chunk, 'x', sizeof(chunk));
	lines_init(&l);
	for (size_t n = 0; n < LINES_MAX; n += sizeof(chunk))
		feed(&l, chunk, sizeof(chunk));
	cr_expect(eq(int, lines_next(&l, &line), E_AGAIN));
	feed(&l, "\n", 1);
	cr_expect(eq(int, lines_next(&l, &line), 0));
	cr_expect(eq(sz, line.n, LINES_MAX));
	lines_fini(&l);
}

Test(out, a_message_is_one_line_and_the_descriptor_is_left_as_it_was)
{
	struct out	o;
	int		p[2];
	char		got[64];
	ssize_t		n;

	cr_assert(pipe(p) == 0);
	out_init(&o, p[1]);
	cr_expect(eq(int, out_line(&o, SPAN_LIT("{\r\n\"a\":\n1}")), 0));
	cr_expect(eq(int, out_line(&o, SPAN_LIT("{}")), 0));
	cr_expect(eq(int, out_flush(&o), 0));
	n = read(p[0], got, sizeof(got));
	cr_expect(span_is(span_make(got, (size_t)n), "{  \"a\": 1}\n{}\n"), "%.*s", (int)n, got);
	cr_expect(eq(int, fcntl(p[1], F_GETFL) & O_NONBLOCK, 0));
	/* Nobody reads: it waits, and nothing blocks. */
	while (!out_is_full(&o))
		cr_assert(out_line(&o, SPAN_LIT("{\"long\":\"0123456789012345678901234567890123456789\"}")) == 0);
	cr_expect(eq(int, out_flush(&o), E_AGAIN));
	signal(SIGPIPE, SIG_IGN);
	close(p[0]);
	cr_expect(eq(int, out_flush(&o), E_CLOSED));
	out_fini(&o);
	close(p[1]);
}
