/* SPDX-License-Identifier: Apache-2.0
 *
 * compiled.c - the configuration files as the gateway would take them, without giving them to it
 *
 * Process: mcpgwctl.
 * Owns:    nothing beyond a call.
 * Trusts:  its own mcpgw-compile, which is asked as the master asks it: there is one reader of the files, and no
 *          second grammar here.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>

#include "ctl/compare/compiled.h"
#include "ctl/folders.h"
#include "ctl/out.h"
#include "ctl/program.h"
#include "ipc/heritage.h"
#include "ipc/wait.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/secretfile.h"
#include "policy/params.h"
#include "policy/policy.h"
#include "policy/tenants.h"

#define BORROWED_MAX	(PARAM_ID_LIMIT + 2)

struct run {
	struct ctl			*ctl;
	const struct compiled_plan	*plan;
	const char			*config_dir;
	int				 fd;
	char				*borrowed[BORROWED_MAX];	/* -o of the plan */
	size_t				 borrowed_count;
};

/* ---- its command line ----------------------------------------------------------------------------- */

static void
borrow(struct run *r, const char *name, struct span value)
{
	char	**word = &r->borrowed[r->borrowed_count];

	if (r->borrowed_count == BORROWED_MAX)
		return;
	if (asprintf(word, "%s=%.*s", name, SPAN_FMT(value)) < 0)
		fatal(EX_OSERR, "out of memory");
	r->borrowed_count++;
}

/* Of the tenant that the command is about. */
static void
borrow_file(struct run *r, const char *parameter, const char *path)
{
	char	setting[PATH_MAX + 128];

	if (r->borrowed_count == BORROWED_MAX)
		return;
	folders_setting(r->ctl, parameter, path, setting, sizeof(setting));
	if ((r->borrowed[r->borrowed_count++] = strdup(setting)) == NULL)
		fatal(EX_OSERR, "out of memory");
}

/* What stands in no file, but was told to that gateway when it started. */
static void
borrow_settings(struct run *r)
{
	const struct snap	*s = r->plan->as_running;
	const struct rec_param	*p;

	for (unsigned id = 0; s != NULL && id < PARAM_ID_LIMIT; id++) {
		if (id == PARAM_ID_config_dir || (p = SNAP_AT(s, PARAM, id)) == NULL)
			continue;
		if (span_is(snap_text(s, p->source), "-o") || span_is(snap_text(s, p->source), "environment"))
			borrow(r, param_row(id)->name, snap_text(s, p->text));
	}
	if (r->plan->rules_file != NULL)
		borrow_file(r, "rules_file", r->plan->rules_file);
	if (r->plan->servers_file != NULL)
		borrow_file(r, "servers_file", r->plan->servers_file);
}

/* The caller's own settings stand last but for the plan's files. */
static size_t
put_arguments(struct run *r, char **argv)
{
	const size_t	files = (r->plan->rules_file != NULL) + (r->plan->servers_file != NULL);
	size_t		n = 0;

	argv[n++] = (char *)(uintptr_t)"mcpgw-compile";
	argv[n++] = (char *)(uintptr_t)"0";
	for (size_t i = 0; i + files < r->borrowed_count; i++) {
		argv[n++] = (char *)(uintptr_t)"-o";
		argv[n++] = r->borrowed[i];
	}
	n = program_settings(r->ctl, r->config_dir, argv, n);
	for (size_t i = r->borrowed_count - files; i < r->borrowed_count; i++) {
		argv[n++] = (char *)(uintptr_t)"-o";
		argv[n++] = r->borrowed[i];
	}
	argv[n] = NULL;
	return n;
}

/* ---- what it is told ------------------------------------------------------------------------------ */

static int
send_learnt(struct run *r)
{
	const struct snap	*s = r->plan->as_running;
	const struct rec_server	*server;
	int			 e = 0;

	for (uint64_t i = 0; s != NULL && e == 0 && (server = SNAP_AT(s, SERVER, i)) != NULL; i++) {
		struct msg_COMPILE_LEARN m = { .tenant = policy_tenant_name(s, server->tenant),
		    .server = snap_text(s, server->name), .until_ms = server->learn_until_ms };

		if ((server->flags & SERVER_FLAG_LEARN) != 0)
			e = chan_send_wait(r->fd, MSG_TYPE_COMPILE_LEARN, 0, &m, NULL, 0);
	}
	return e;
}

static int
send_job(struct run *r)
{
	struct msg_BOOT		boot = { .flags = r->ctl->where.system ? 0 : BOOT_FLAG_PERSONAL,
				    .boot = 1, .incarnation = 1 };
	struct msg_COMPILE_JOB	job = { .what = r->plan->what | COMPILE_LOOK, .generation = 1 };
	struct msg_GO		go = { 0 };
	int			null = open("/dev/null", O_RDONLY | O_CLOEXEC), e;

	if (null == -1)
		return E_SYS;
	if ((e = chan_send_wait(r->fd, MSG_TYPE_BOOT, 0, &boot, NULL, 0)) == 0 &&
	    (e = chan_send_wait(r->fd, MSG_TYPE_COMPILE_JOB, 0, &job, &null, 1)) == 0 && (e = send_learnt(r)) == 0)
		e = chan_send_wait(r->fd, MSG_TYPE_GO, 0, &go, NULL, 0);
	fd_close(&null);
	return e;
}

static int
answer_secret(struct run *r, uint64_t ref, struct span name, struct span tenant)
{
	struct msg_SECRET	 secret = { .name = name };
	struct msg_SECRET_NONE	 none = { .name = name };
	const char		*why = "no such tenant";
	char			 dir[PATH_MAX];
	int			 fd, e;

	if (tenants_folder(r->config_dir, tenant, dir) == 0 && secretfile_open(dir, name, &fd, &why) == 0) {
		e = chan_send_wait(r->fd, MSG_TYPE_SECRET, ref, &secret, &fd, 1);
		fd_close(&fd);
		return e;
	}
	none.why = span_of(why);
	return chan_send_wait(r->fd, MSG_TYPE_SECRET_NONE, ref, &none, NULL, 0);
}

static int
answer_cert(struct run *r, uint64_t ref, struct span name)
{
	struct msg_CERT		 cert = { .name = name };
	struct msg_CERT_NONE	 none = { .name = name };
	const char		*why;
	int			 fd, e;

	if (certfile_open(r->config_dir, name, &fd, &why) == 0) {
		e = chan_send_wait(r->fd, MSG_TYPE_CERT, ref, &cert, &fd, 1);
		fd_close(&fd);
		return e;
	}
	none.why = span_of(why);
	return chan_send_wait(r->fd, MSG_TYPE_CERT_NONE, ref, &none, NULL, 0);
}

/* ---- what it answers ------------------------------------------------------------------------------ */

static void
take_note(const struct run *r, unsigned level, struct span line)
{
	if (level <= LOG_LEVEL_ERR ? r->plan->errors : r->plan->warnings)
		out_note(level, line);
}

static bool
read_answers(struct run *r, struct snap **made)
{
	static char	room[FRAME_MAX];
	struct frame	f;
	union msg_any	body;
	bool		good = false, ready = false, done = false, lost = false;

	while (!done && !lost && chan_recv_wait(r->fd, ROLE_MASTER, ROLE_COMPILE, ready, room, &f, &body) == 0) {
		switch (f.head.type) {
		case MSG_TYPE_READY:
			ready = true;
			break;
		case MSG_TYPE_COMPILE_NOTE:
			take_note(r, body.COMPILE_NOTE.level, body.COMPILE_NOTE.line);
			break;
		case MSG_TYPE_SECRET_WANT:
			lost = answer_secret(r, f.head.ref, body.SECRET_WANT.name, body.SECRET_WANT.tenant) != 0;
			break;
		case MSG_TYPE_CERT_WANT:
			lost = answer_cert(r, f.head.ref, body.CERT_WANT.name) != 0;
			break;
		case MSG_TYPE_COMPILE_MADE:
			if (body.COMPILE_MADE.kind == SNAP_POLICY) {
				snap_release(made);
				good = snap_map(f.fds[0], made) == 0;
			}
			break;
		case MSG_TYPE_COMPILE_DONE:
			done = true;
			good = good && body.COMPILE_DONE.errors == 0;
			break;
		default:
			break;
		}
		frame_close_fds(&f);
	}
	if (!done || !good)
		snap_release(made);
	return done && good;
}

bool
compiled_read(struct ctl *ctl, const struct compiled_plan *plan, struct snap **out)
{
	char			*argv[PROGRAM_ARGS_MAX + 2 * BORROWED_MAX];
	struct run		 r = { .ctl = ctl, .plan = plan };
	struct program_plan	 program = { .control = -1, .out = -1 };
	int			 pair[2];
	pid_t			 pid;
	bool			 good = false;

	*out = NULL;
	r.config_dir = plan->config_dir != NULL ? plan->config_dir : folders_config(ctl);
	borrow_settings(&r);
	(void)put_arguments(&r, argv);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		fatal(EX_OSERR, "socketpair: %m");
	r.fd = pair[0];
	program.control = pair[1];
	if (program_start("mcpgw-compile", argv, &program, &pid) == 0) {
		fd_close(&pair[1]);
		good = send_job(&r) == 0 && read_answers(&r, out);
		fd_close(&pair[0]);
		(void)program_wait(pid);
	}
	fd_close(&pair[0]);
	fd_close(&pair[1]);
	for (size_t i = 0; i < r.borrowed_count; i++)
		free(r.borrowed[i]);
	return good;
}
