/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_tool_decide.c - tool approve, tool reject
 *
 * Process: mcpgwctl.
 * Owns:    nothing beyond a call.
 * Trusts:  the gateway, or the store where none runs, for what waits; a file of definitions only after it was proven.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/alone.h"
#include "ctl/ask.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "ctl/show/pinread.h"
#include "ctl/tool.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "mcp/suspect.h"
#include "policy/policy.h"

#define FILE_MAX	(32u << 20)
#define BATCH_MAX	(15u << 20)

/* SERVER, SERVER TOOL or SERVER.TOOL. */
struct meant {
	struct span	server, tool;
};

static int
not_admin(void)
{
	out_error("ctl.sock: you are not root or in group mcpgw-admin");
	return EX_NOPERM;
}

/* Names may hold dots, so it is looked which server there is.  0, or the exit code. */
static int
find_meant(struct ctl *ctl, uint32_t command, const char *tenant, int argc, char **argv, struct pinread *p,
    struct meant *out)
{
	const struct pintool	*t;
	int			 r;

	*out = (struct meant){ span_of(argv[0]), argc > 1 ? span_of(argv[1]) : SPAN_NONE };
	*p = (struct pinread){ .snap = NULL };
	if (argc > 1)
		return 0;
	if ((r = pinread_open(ctl, command, tenant, "", p)) != 0)
		return r;
	for (size_t i = 0; i < p->count; i++)
		if (span_eq(p->tools[i].server, out->server))
			return 0;
	if ((t = pinread_find(p, argv[0])) != NULL) {
		*out = (struct meant){ t->server, t->name };
		return 0;
	}
	pinread_say_none(p, argv[0], "server or tool");
	pinread_close(p);
	return EX_DATAERR;
}

static int
decide_alone(struct ctl *ctl, const struct msg_CTL_PIN_DECIDE *m)
{
	char		text[3][16], names[4][1024];
	const struct span spans[4] = { m->tenant, m->server, m->tool, m->hash };
	const char	*args[8];

	snprintf(text[0], sizeof(text[0]), "%u", m->what);
	snprintf(text[1], sizeof(text[1]), "%u", m->all);
	snprintf(text[2], sizeof(text[2]), "%u", (unsigned)getuid() + 1);
	for (size_t i = 0; i < 3; i++)
		args[i] = text[i];
	for (size_t i = 0; i < 4; i++) {
		snprintf(names[i], sizeof(names[i]), "%.*s", SPAN_FMT(spans[i]));
		args[3 + i] = names[i];
	}
	args[7] = NULL;
	return alone_store(ctl, "pin-decide", args, -1, -1);
}

static int
decide(struct ctl *ctl, const struct msg_CTL_PIN_DECIDE *m)
{
	struct ask	a;
	int		r;

	if ((r = ask_open(ctl, &a, false)) == EX_UNAVAILABLE)
		return decide_alone(ctl, m);
	if (r != 0)
		return not_admin();
	ask_send(&a, MSG_TYPE_CTL_PIN_DECIDE, m, NULL, 0);
	r = ask_wait(&a, NULL, NULL);
	ask_close(&a);
	return r;
}

/* For programs: what became of the definitions that were meant. */
static void
say_json(const struct ctl *ctl, struct span server, struct span tool, const char *state)
{
	if (!ctl->json)
		return;
	out_json_begin();
	out_json_text("server", server);
	if (tool.n > 0)
		out_json_text("tool", tool);
	out_json_text("state", span_of(state));
	out_json_end();
}

/* --- definitions from a file -------------------------------------------------------------------- */

static struct json_value
tools_of(struct json_value v)
{
	if (json_get(v, "result").type == JSON_OBJECT)
		v = json_get(v, "result");
	return v.type == JSON_OBJECT ? json_get(v, "tools") : v;
}

/* 0, E_FORMAT, E_TOOBIG, E_NOMEM; *count: how many. */
static int
batch_make(struct buf *b, const struct pin_owner *owner, struct json_value list, struct span tool, unsigned *count)
{
	struct json_iter	it;
	struct json_value	v;
	struct span		key, name;
	struct arena		a;
	struct crypt_digest	digest;
	struct suspect		s;
	int			r = 0;

	*count = 0;
	for (json_iter_init(&it, list); r == 0 && json_iter_next(&it, &key, &v); ) {
		arena_init(&a, NULL, 0, v.raw.n + 4096);
		r = v.type == JSON_OBJECT ? json_string(json_get(v, "name"), &a, &name) : E_FORMAT;
		if (r == 0 && (tool.n == 0 || span_eq(name, tool)) && (r = pin_digest(owner, v, &digest)) == 0) {
			suspect_value(v, NULL, &s);
			r = pin_put(b, &digest, s.what != NULL ? PIN_FLAG_SUSPECT : 0, name, v.raw, span_of(s.what));
			++*count;
		}
		arena_fini(&a);
	}
	return r;
}

static int
approve_running(struct ask *a, const struct pin_owner *owner, struct span batch)
{
	const struct msg_CTL_PIN_APPROVE	m = { .tenant = owner->tenant, .server = owner->server,
	    .identity = owner->identity };
	int					fd, r;

	if (fd_memfd_sealed("pins", batch, &fd) != 0)
		return EX_OSERR;
	ask_send(a, MSG_TYPE_CTL_PIN_APPROVE, &m, &fd, 1);
	r = ask_wait(a, NULL, NULL);
	fd_close(&fd);
	return r;
}

static int
approve_alone(struct ctl *ctl, const struct pin_owner *owner, struct span batch)
{
	char		text[4][4200];
	const struct span spans[3] = { owner->tenant, owner->server, owner->identity };
	const char	*args[] = { text[3], text[0], text[1], text[2], NULL };
	int		fd, r;

	for (size_t i = 0; i < 3; i++)
		snprintf(text[i], sizeof(text[i]), "%.*s", SPAN_FMT(spans[i]));
	snprintf(text[3], sizeof(text[3]), "%u", (unsigned)getuid() + 1);
	if (fd_memfd("pins", &fd) != 0)
		return EX_OSERR;
	r = fd_write_all(fd, batch) == 0 && lseek(fd, 0, SEEK_SET) == 0 ?
	    alone_store(ctl, "pin-approve", args, fd, -1) : EX_OSERR;
	fd_close(&fd);
	return r;
}

int
tool_approve_list(struct ctl *ctl, const struct pin_owner *owner, struct json_value list, struct span tool,
    unsigned *count)
{
	struct ask	a;
	struct buf	b;
	int		r;

	*count = 0;
	list = tools_of(list);
	if (list.type != JSON_ARRAY) {
		out_error("%.*s: no list of tools: want {\"tools\": [...]}, as tools/list answers",
		    SPAN_FMT(owner->server));
		return EX_DATAERR;
	}
	buf_init(&b, BATCH_MAX);
	if ((r = batch_make(&b, owner, list, tool, count)) != 0) {
		out_error("%.*s: its tools cannot be approved: %s", SPAN_FMT(owner->server), err_text(r));
		r = EX_DATAERR;
	} else if (*count == 0) {
		out_error("%.*s: there is no tool to approve in it", SPAN_FMT(owner->server));
		r = EX_DATAERR;
	} else if ((r = ask_open(ctl, &a, false)) == 0) {
		r = approve_running(&a, owner, buf_rest(&b));
		ask_close(&a);
	} else {
		r = r == EX_UNAVAILABLE ? approve_alone(ctl, owner, buf_rest(&b)) : not_admin();
	}
	buf_fini(&b);
	return r;
}

/* The server's command or URL, as the policy in force has it.  *policy is the caller's, and has the text. */
static int
identity_find(struct ctl *ctl, const char *tenant, const char *server, struct snap **policy, struct span *out)
{
	const struct rec_server	*s;
	int			 r;

	*policy = NULL;
	if ((r = ask_simple(ctl, CTLCMD_explain, NULL, ask_take_snapshot, policy, NULL)) != 0)
		return r;
	s = *policy == NULL ? NULL : policy_server_find(*policy, span_of(tenant), span_of(server));
	if (s == NULL) {
		out_error("%s: no such server is configured", server);
		return EX_DATAERR;
	}
	*out = snap_text(*policy, s->shown);
	return 0;
}

static int
approve_from(struct ctl *ctl, const char *tenant, const char *identity, const char *path, int argc, char **argv)
{
	struct pin_owner	owner = { span_of(tenant), span_of(argv[0]), span_of(identity) };
	struct snap		*policy = NULL;
	struct json_value	 v;
	char			*text = NULL;
	size_t			 bytes;
	unsigned		 count;
	int			 fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC), r;

	if (fd == -1) {
		out_error("%s: %s", path, strerror(errno));
		return EX_NOINPUT;
	}
	if ((r = fd_read_all(fd, FILE_MAX, &text, &bytes)) != 0 ||
	    (r = json_parse(span_make(text, bytes), true, &v, NULL)) != 0) {
		out_error("%s: %s", path, err_text(r));
		r = EX_DATAERR;
	}
	if (r == 0 && identity == NULL)
		r = identity_find(ctl, tenant, argv[0], &policy, &owner.identity);
	if (r == 0)
		r = tool_approve_list(ctl, &owner, v, argc > 1 ? span_of(argv[1]) : SPAN_NONE, &count);
	if (r == 0)
		say_json(ctl, owner.server, argc > 1 ? span_of(argv[1]) : SPAN_NONE, "approved");
	if (r == 0 && !ctl->json)
		fprintf(stderr, "%s: %u approved\n", argv[0], count);
	snap_release(&policy);
	free(text);
	if (fd != STDIN_FILENO)
		fd_close(&fd);
	return r;
}

/* --- the commands -------------------------------------------------------------------------------- */

int
cmd_tool_approve(struct ctl *ctl, int argc, char **argv)
{
	const char		*tenant = "default", *hash = NULL, *from = NULL, *identity = NULL;
	bool			 all = false;
	const struct opt	 rows[] = { { "--tenant", &tenant, NULL }, { "--hash", &hash, NULL },
	    { "--all", NULL, &all }, { "--from", &from, NULL },
	    { "--identity", &identity, NULL }, { NULL, NULL, NULL } };
	struct meant		 what;
	struct pinread		 p;
	int			 r;

	argc = opts_take(rows, argc, argv, 1, 2);
	if (from != NULL)
		return approve_from(ctl, tenant, identity, from, argc, argv);
	if ((r = find_meant(ctl, CTLCMD_tool_list, tenant, argc, argv, &p, &what)) != 0)
		return r;
	r = decide(ctl, &(struct msg_CTL_PIN_DECIDE){ .what = PIN_APPROVE, .all = all, .tenant = span_of(tenant),
	    .server = what.server, .tool = what.tool, .hash = span_of(hash) });
	if (r == 0)
		say_json(ctl, what.server, what.tool, "approved");
	pinread_close(&p);
	return out_end(r);
}

int
cmd_tool_reject(struct ctl *ctl, int argc, char **argv)
{
	const char		*tenant = "default", *hash = NULL;
	bool			 all = false, forget = false;
	const struct opt	 rows[] = { { "--tenant", &tenant, NULL }, { "--hash", &hash, NULL },
	    { "--all", NULL, &all }, { "--forget", NULL, &forget }, { NULL, NULL, NULL } };
	struct meant		 what;
	struct pinread		 p;
	int			 r;

	argc = opts_take(rows, argc, argv, 1, 2);
	if ((r = find_meant(ctl, CTLCMD_tool_list, tenant, argc, argv, &p, &what)) != 0)
		return r;
	r = decide(ctl, &(struct msg_CTL_PIN_DECIDE){ .what = forget ? PIN_FORGET : PIN_REJECT, .all = all,
	    .tenant = span_of(tenant), .server = what.server, .tool = what.tool, .hash = span_of(hash) });
	if (r == 0)
		say_json(ctl, what.server, what.tool, forget ? "forgotten" : "rejected");
	pinread_close(&p);
	return out_end(r);
}
