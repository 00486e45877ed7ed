/* SPDX-License-Identifier: Apache-2.0
 *
 * folders.c - where this gateway's sockets and state are
 *
 * Process: mcpgwctl.
 * Owns:    the paths, for the life of the program.
 * Trusts:  its own mcpgw-compile, which is asked as the master asks it: there is one reader of
 *          mcpgw.conf, and no second grammar here.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/folders.h"
#include "ctl/out.h"
#include "ctl/program.h"
#include "ipc/heritage.h"
#include "ipc/wait.h"
#include "lib/fd.h"
#include "lib/log.h"

static struct {
	bool	known;
	char	config[PATH_MAX], run[PATH_MAX], state[PATH_MAX], socket[PATH_MAX], tenant_user[64];
} paths;

static void
keep(char *to, size_t room, struct span from)
{
	if (from.n == 0 || from.n >= room)
		return;
	memcpy(to, from.p, from.n);
	to[from.n] = '\0';
}

const char *
folders_config(struct ctl *ctl)
{
	if (paths.config[0] != '\0')
		return paths.config;
	if (ctl->config_given == NULL) {
		strcpy(paths.config, ctl->where.config_dir);
		if (where_make_config(&ctl->where) != 0)
			fatal(EX_CANTCREAT, "%s: %s", paths.config, strerror(errno));
	} else if (realpath(ctl->config_given, paths.config) == NULL) {
		fatal(EX_NOINPUT, "-c %s: %s", ctl->config_given, strerror(errno));
	}
	return paths.config;
}

/* -o and the environment, which is all there is when the compiler cannot help. */
static void
take_default(const struct ctl *ctl, const char *name, const char *variable, const char *fallback,
    char *to, size_t room)
{
	const char	*v = getenv(variable);
	size_t		 n = strlen(name);

	keep(to, room, span_of(fallback));
	if (v != NULL)
		keep(to, room, span_of(v));
	for (size_t i = 0; i < ctl->setting_count; i++)
		if (strncmp(ctl->settings[i], name, n) == 0 && ctl->settings[i][n] == '=')
			keep(to, room, span_of(ctl->settings[i] + n + 1));
}

static void
take_params(int fd)
{
	struct snap	*snap = NULL;
	struct params	 p;

	if (snap_map(fd, &snap) == 0 && params_load(snap, &p) == 0) {
		keep(paths.run, sizeof(paths.run), p.run_dir);
		keep(paths.state, sizeof(paths.state), p.state_dir);
		keep(paths.socket, sizeof(paths.socket), p.socket);
		keep(paths.tenant_user, sizeof(paths.tenant_user), p.tenant_user);
	}
	snap_release(&snap);
}

static int
send_job(int fd, const struct ctl *ctl)
{
	struct msg_BOOT		boot = { .flags = ctl->where.system ? 0 : BOOT_FLAG_PERSONAL,
				    .boot = 1, .incarnation = 1 };
	struct msg_COMPILE_JOB	job = { .what = COMPILE_PARAMS, .generation = 1 };
	struct msg_GO		go = { 0 };
	int			null = open("/dev/null", O_RDONLY | O_CLOEXEC), r;

	if (null == -1)
		return E_SYS;
	if ((r = chan_send_wait(fd, MSG_TYPE_BOOT, 0, &boot, NULL, 0)) == 0 &&
	    (r = chan_send_wait(fd, MSG_TYPE_COMPILE_JOB, 0, &job, &null, 1)) == 0)
		r = chan_send_wait(fd, MSG_TYPE_GO, 0, &go, NULL, 0);
	fd_close(&null);
	return r;
}

/* Answers true when the compiler was content with mcpgw.conf. */
static bool
read_answers(int fd)
{
	static char	room[FRAME_MAX];
	struct frame	f;
	union msg_any	body;
	bool		good = false, done = false;

	while (!done && chan_recv_wait(fd, ROLE_MASTER, ROLE_COMPILE, false, room, &f, &body) == 0) {
		if (f.head.type == MSG_TYPE_COMPILE_NOTE && body.COMPILE_NOTE.level <= LOG_LEVEL_ERR)
			out_note(body.COMPILE_NOTE.level, body.COMPILE_NOTE.line);
		if (f.head.type == MSG_TYPE_COMPILE_MADE && body.COMPILE_MADE.kind == SNAP_POLICY)
			take_params(f.fds[0]);
		if (f.head.type == MSG_TYPE_COMPILE_DONE) {
			done = true;
			good = body.COMPILE_DONE.errors == 0;
		}
		frame_close_fds(&f);
	}
	return good;
}

static bool
ask_compiler(struct ctl *ctl)
{
	char	*argv[PROGRAM_ARGS_MAX], slot[] = "0";
	size_t	 n = 0;
	int	 pair[2];
	pid_t	 pid;
	bool	 good = false;
	struct program_plan plan = { -1, -1, NULL };

	argv[n++] = (char *)(uintptr_t)"mcpgw-compile";
	argv[n++] = slot;
	n = program_settings(ctl, folders_config(ctl), argv, n);
	argv[n] = NULL;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return false;
	plan.control = pair[1];
	if (program_start("mcpgw-compile", argv, &plan, &pid) == 0) {
		fd_close(&pair[1]);
		good = send_job(pair[0], ctl) == 0 && read_answers(pair[0]);
		fd_close(&pair[0]);
		(void)program_wait(pid);
	}
	fd_close(&pair[0]);
	fd_close(&pair[1]);
	return good;
}

static void
paths_read(struct ctl *ctl)
{
	if (paths.known)
		return;
	paths.known = true;
	take_default(ctl, "run_dir", "MCPGW_RUN_DIR", ctl->where.run_dir, paths.run, sizeof(paths.run));
	take_default(ctl, "state_dir", "MCPGW_STATE_DIR", ctl->where.state_dir, paths.state,
	    sizeof(paths.state));
	keep(paths.tenant_user, sizeof(paths.tenant_user), SPAN_LIT("nobody"));
	snprintf(paths.socket, sizeof(paths.socket), "%.4000s/mcp.sock", paths.run);
	/* Before the folder is made there is nothing but defaults; -c is known to be there. */
	if (access(folders_config(ctl), F_OK) == 0 && !ask_compiler(ctl))
		out_error("%s/mcpgw.conf cannot be used; looking in %s", folders_config(ctl), paths.run);
}

const char *
folders_run(struct ctl *ctl)
{
	paths_read(ctl);
	return paths.run;
}

const char *
folders_state(struct ctl *ctl)
{
	paths_read(ctl);
	return paths.state;
}

const char *
folders_socket(struct ctl *ctl)
{
	paths_read(ctl);
	return paths.socket;
}

const char *
folders_tenant_user(struct ctl *ctl)
{
	paths_read(ctl);
	return paths.tenant_user;
}
