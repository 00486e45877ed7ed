/* SPDX-License-Identifier: Apache-2.0
 *
 * config.c - F12: configurations that are damaged while the gateway runs; none of them changes anything, and each is told
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/common.h"

#define HUGE_BYTES	(100u << 20)
#define PREFIXES	24

static const char servers[] = DEMO_SERVERS, rules[] = DEMO_RULES;

static const char *
path_of(const struct gateway *g, const char *name)
{
	static char	path[512];

	snprintf(path, sizeof(path), "%s/etc/%s", g->dir, name);
	return path;
}

static void
put_bytes(const struct gateway *g, const char *name, const char *bytes, size_t n)
{
	int	fd = open(path_of(g, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	cr_assert(fd != -1 && write(fd, bytes, n) == (ssize_t)n);
	close(fd);
}

/* Who may call what is as it was: writer adds, and reader may not. */
static void
expect_as_before(struct mcp *writer, struct mcp *reader, const char *what)
{
	struct answer	a;

	mcp_call(writer, "list_notes", "{}", &a);
	cr_expect(json_at(a.json, "result") != NULL, "%s: what was allowed: %d %s", what, a.status, a.body);
	answer_fini(&a);
	mcp_call(writer, "drop_all", "{}", &a);
	cr_expect(json_int_at(a.json, "error.code") == 403, "%s: what was denied: %d %s", what, a.status, a.body);
	answer_fini(&a);
	mcp_call(reader, "list_notes", "{}", &a);
	cr_expect(json_at(a.json, "error") != NULL, "%s: who was denied: %d %s", what, a.status, a.body);
	answer_fini(&a);
}

struct running {
	struct gateway	 g;
	struct mcp	 writer, reader;
	struct procs	*before;
};

static void
start(struct running *r)
{
	gateway_start(&r->g, &(struct gateway_setup){ .servers = servers, .rules = rules });
	mcp_init(&r->writer, r->g.mcp, "/servers/notes/mcp", gateway_key(&r->g, "writer"));
	mcp_init(&r->reader, r->g.mcp, "/servers/notes/mcp", gateway_key(&r->g, "reader"));
	expect_as_before(&r->writer, &r->reader, "at first");
	r->before = malloc(sizeof(*r->before));
	gateway_procs(&r->g, r->before);
}

/* It is refused by so many of reload and check, which name the file, and nothing is otherwise. */
static void
expect_refused_by(struct running *r, int commands_n, const char *name, const char *what)
{
	static const char	*const commands[] = { "reload", "check" };
	char			*out;
	int			 code;

	for (int i = 0; i < commands_n; i++) {
		code = gateway_ctl(&r->g, &out, true, commands[i], NULL);
		cr_expect(code != 0 && code < 128, "%s, %s: %s: exit %d: %s", name, what, commands[i], code, out);
		cr_expect(strstr(out, name) != NULL && strlen(out) < 4096, "%s, %s: %s says: %.4096s", name, what, commands[i], out);
		free(out);
	}
	expect_as_before(&r->writer, &r->reader, what);
	cr_expect(gateway_deaths(r->before) == 0, "%s, %s", name, what);
}

static void
expect_refused(struct running *r, const char *name, const char *what)
{
	expect_refused_by(r, 2, name, what);
}

/* What was damaged is whole again, and can be put in force. */
static void
expect_healed(struct running *r, const char *name, const char *text)
{
	char	*out;

	gateway_write(&r->g, name, text);
	cr_expect(gateway_ctl(&r->g, &out, true, "reload", NULL) == 0, "%s, whole again: %s", name, out);
	free(out);
	expect_as_before(&r->writer, &r->reader, "whole again");
}

static void
finish(struct running *r)
{
	mcp_fini(&r->writer);
	mcp_fini(&r->reader);
	free(r->before);
	gateway_stop(&r->g);
}

Test(config, half_written_changes_nothing, .timeout = 120)
{
	struct running	 r;
	char		*text, what[64];
	size_t		 n;

	NEEDS_JAILS();
	start(&r);
	for (int file = 0; file < 2; file++) {
		const char *name = file == 0 ? "rules.json" : "servers.json";

		text = gateway_file(&r.g, name);
		n = strlen(text);
		for (size_t i = 0; i < PREFIXES; i++) {
			snprintf(what, sizeof(what), "the first %zu bytes", n * i / PREFIXES);
			put_bytes(&r.g, name, text, n * i / PREFIXES);
			expect_refused(&r, name, what);
		}
		free(text);
		expect_healed(&r, name, file == 0 ? rules : servers);
	}
	finish(&r);
}

/* --- what is no text at all -------------------------------------------------------------------- */

static void
be_a_nul(struct gateway *g, const char *name)
{
	char	*text = gateway_file(g, name);
	size_t	 n = strlen(text);

	text[n / 2] = '\0';
	put_bytes(g, name, text, n);
	free(text);
}

static void
be_noise(struct gateway *g, const char *name)
{
	char	bytes[4096];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 2654435761u >> 13);
	put_bytes(g, name, bytes, sizeof(bytes));
}

static void
be_huge(struct gateway *g, const char *name)
{
	static char	blanks[1 << 20];
	int		fd = open(path_of(g, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	memset(blanks, ' ', sizeof(blanks));
	blanks[0] = '{';
	cr_assert(fd != -1);
	for (size_t i = 0; i < HUGE_BYTES / sizeof(blanks); i++) {
		cr_assert(write(fd, blanks, sizeof(blanks)) == sizeof(blanks));
		blanks[0] = ' ';
	}
	close(fd);
}

static void
be_deep(struct gateway *g, const char *name)
{
	static char	open_brackets[1 << 20];

	memset(open_brackets, '[', sizeof(open_brackets));
	put_bytes(g, name, open_brackets, sizeof(open_brackets));
}

static void
be_a_folder(struct gateway *g, const char *name)
{
	cr_assert(unlink(path_of(g, name)) == 0 && mkdir(path_of(g, name), 0755) == 0);
}

/* Whoever opens it to read waits for a writer, if nothing prevents it. */
static void
be_a_fifo(struct gateway *g, const char *name)
{
	cr_assert(unlink(path_of(g, name)) == 0 && mkfifo(path_of(g, name), 0644) == 0);
}

static void
be_itself(struct gateway *g, const char *name)
{
	cr_assert(unlink(path_of(g, name)) == 0 && symlink(path_of(g, name), path_of(g, name)) == 0);
}

static void
be_endless(struct gateway *g, const char *name)
{
	cr_assert(unlink(path_of(g, name)) == 0 && symlink("/dev/zero", path_of(g, name)) == 0);
}

static void
be_anybodys(struct gateway *g, const char *name)
{
	cr_assert(chmod(path_of(g, name), 0666) == 0);
}

static void
remove_it(struct gateway *g, const char *name)
{
	if (unlink(path_of(g, name)) == -1)
		(void)rmdir(path_of(g, name));
}

static const struct damage {
	const char	*what;
	void		(*fn)(struct gateway *g, const char *name);
} damages[] = {
	{ "a NUL in it", be_a_nul }, { "noise", be_noise }, { "100 MB", be_huge }, { "a million brackets", be_deep },
	{ "a folder", be_a_folder }, { "a pipe", be_a_fifo }, { "a link to itself", be_itself },
	{ "a link to /dev/zero", be_endless }, { "anybody's to write", be_anybodys },
};

Test(config, that_is_no_text_changes_nothing, .timeout = 240)
{
	struct running	r;

	NEEDS_JAILS();
	start(&r);
	for (int file = 0; file < 2; file++) {
		const char *name = file == 0 ? "rules.json" : "servers.json";

		for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
			damages[i].fn(&r.g, name);
			expect_refused(&r, name, damages[i].what);
			remove_it(&r.g, name);
			expect_healed(&r, name, file == 0 ? rules : servers);
		}
	}
	finish(&r);
}

/* --- what it names and is not there ------------------------------------------------------------- */

Test(config, that_names_what_is_not_there_changes_nothing, .timeout = 60)
{
	static const char	*const texts[] = {
		"{\"mcpServers\":{\"notes\":{\"command\":\"@TOOLS@/demo/mcpgw-demo-notes\",\"env\":{\"A\":\"${file:/no/such}\"}}}}",
		"{\"mcpServers\":{\"notes\":{\"command\":\"@TOOLS@/demo/mcpgw-demo-notes\",\"env\":{\"A\":\"${NO_SUCH_ONE}\"}}}}",
	};
	struct running		 r;

	NEEDS_JAILS();
	start(&r);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		gateway_write(&r.g, "servers.json", texts[i]);
		expect_refused(&r, "servers.json", texts[i]);
	}
	/* Whoever checks need not be whoever may read secrets. */
	gateway_write(&r.g, "servers.json",
	    "{\"mcpServers\":{\"notes\":{\"command\":\"@TOOLS@/demo/mcpgw-demo-notes\",\"env\":{\"A\":\"${secret:no_such}\"}}}}");
	expect_refused_by(&r, 1, "servers.json", "a secret");
	expect_healed(&r, "servers.json", servers);
	/* A tenant's half file refuses the whole: no other tenant's change comes into force with it. */
	gateway_write(&r.g, "tenants.d/acme/servers.json", "{\"mcpServers\":{");
	gateway_write(&r.g, "rules.json", "{\"agents\":{}}");
	expect_refused(&r, "tenants.d/acme/servers.json", "a tenant's");
	gateway_write(&r.g, "tenants.d/acme/servers.json", "{\"mcpServers\":{}}");
	expect_healed(&r, "rules.json", rules);
	finish(&r);
}
