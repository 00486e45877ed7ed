/* SPDX-License-Identifier: Apache-2.0
 *
 * settings.c - mcpgw.conf as the gateway would take it
 *
 * Process: mcpgwctl.
 * Owns:    nothing beyond a call.
 * Trusts:  its own mcpgw-compile, which is asked as the master asks it: there is one reader of
 *          mcpgw.conf, and no second grammar here.
 */
#include <fcntl.h>
#include <sys/socket.h>

#include "ctl/folders.h"
#include "ctl/out.h"
#include "ctl/program.h"
#include "ctl/settings.h"
#include "ipc/heritage.h"
#include "ipc/wait.h"
#include "lib/fd.h"
#include "lib/log.h"

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
read_answers(int fd, bool say, struct snap **made)
{
	static char	room[FRAME_MAX];
	struct frame	f;
	union msg_any	body;
	bool		good = false, done = false;

	while (!done && chan_recv_wait(fd, ROLE_MASTER, ROLE_COMPILE, false, room, &f, &body) == 0) {
		if (say && f.head.type == MSG_TYPE_COMPILE_NOTE && body.COMPILE_NOTE.level <= LOG_LEVEL_ERR)
			out_note(body.COMPILE_NOTE.level, body.COMPILE_NOTE.line);
		if (f.head.type == MSG_TYPE_COMPILE_MADE && body.COMPILE_MADE.kind == SNAP_POLICY)
			good = snap_map(f.fds[0], made) == 0;
		if (f.head.type == MSG_TYPE_COMPILE_DONE) {
			done = true;
			good = good && body.COMPILE_DONE.errors == 0;
		}
		frame_close_fds(&f);
	}
	return good;
}

bool
settings_read(struct ctl *ctl, bool say, struct snap **out)
{
	char	*argv[PROGRAM_ARGS_MAX], slot[] = "0";
	size_t	 n = 0;
	int	 pair[2];
	pid_t	 pid;
	bool	 good = false;
	struct program_plan plan = { .control = -1, .out = -1 };

	*out = NULL;
	argv[n++] = (char *)(uintptr_t)"mcpgw-compile";
	argv[n++] = slot;
	n = program_settings(ctl, folders_config(ctl), argv, n);
	argv[n] = NULL;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return false;
	plan.control = pair[1];
	if (program_start("mcpgw-compile", argv, &plan, &pid) == 0) {
		fd_close(&pair[1]);
		good = send_job(pair[0], ctl) == 0 && read_answers(pair[0], say, out);
		fd_close(&pair[0]);
		(void)program_wait(pid);
	}
	fd_close(&pair[0]);
	fd_close(&pair[1]);
	return good;
}
