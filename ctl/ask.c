/* SPDX-License-Identifier: Apache-2.0
 *
 * ask.c - one command to the master, and its answer
 *
 * Process: mcpgwctl.  Owns: the connection.
 * Trusts:  the master, which holds ctl.sock.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/ask.h"
#include "ctl/folders.h"
#include "ctl/out.h"
#include "lib/fd.h"
#include "lib/log.h"

static int
say_not_running(const struct ctl *ctl, const char *path, int error, bool say)
{
	if (error == EACCES || error == EPERM) {
		if (say)
			out_error("%s: you are not root or in group mcpgw-admin", path);
		return EX_NOPERM;
	}
	if (say)
		out_error("not running (no %s). Start it: %s", path, where_how_to_start(&ctl->where));
	return EX_UNAVAILABLE;
}

int
ask_open(struct ctl *ctl, struct ask *a, bool say)
{
	struct sockaddr_un	sa = { .sun_family = AF_UNIX };
	int			n;

	*a = (struct ask){ .fd = -1 };
	n = snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/ctl.sock", folders_run(ctl));
	if (n < 0 || n >= (int)sizeof(sa.sun_path))
		fatal(EX_CONFIG, "run_dir %s: too long for a socket", folders_run(ctl));
	if ((a->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)) == -1)
		fatal(EX_OSERR, "socket: %s", strerror(errno));
	if (connect(a->fd, (struct sockaddr *)&sa, sizeof(sa)) == -1) {
		n = errno;
		fd_close(&a->fd);
		return say_not_running(ctl, sa.sun_path, n, say);
	}
	return 0;
}

void
ask_close(struct ask *a)
{
	fd_close(&a->fd);
}

void
ask_send(struct ask *a, uint16_t type, const void *msg, const int *fds, unsigned fd_count)
{
	int	r = chan_send_wait(a->fd, type, 0, msg, fds, fd_count);

	/* E_CLOSED: it had something to say before it hung up; ask_wait() reads that. */
	if (r != 0 && r != E_CLOSED)
		fatal(EX_PROTOCOL, "the gateway: %s", err_text(r));
}

void
ask_command(struct ask *a, uint32_t command, const char *argument)
{
	struct msg_CTL	msg = { .command = command, .a = span_of(argument) };

	ask_send(a, MSG_TYPE_CTL, &msg, NULL, 0);
}

/* One behind another: it is known at the end alone which is the last. */
static void
note_take(struct ask *a, unsigned *level, unsigned next, struct span line)
{
	if (a->kept[0] != '\0')
		out_note(*level, span_of(a->kept));
	*level = next;
	snprintf(a->kept, sizeof(a->kept), "%.*s", SPAN_FMT(line));
}

int
ask_wait(struct ask *a, ask_fn *fn, void *arg)
{
	static char	room[FRAME_MAX];
	struct frame	f;
	union msg_any	body;
	unsigned	level = LOG_LEVEL_ERR;
	bool		heard = false;
	int		r;

	while ((r = chan_recv_wait(a->fd, ROLE_CTL, ROLE_MASTER, true, room, &f, &body)) == 0) {
		heard = true;
		if (f.head.type == MSG_TYPE_CTL_DONE) {
			a->done = body.CTL_DONE;
			frame_close_fds(&f);
			if (a->keeps && a->done.exit_code != EX_TEMPFAIL)
				note_take(a, &level, 0, SPAN_NONE);
			return a->done.exit_code;
		}
		if (f.head.type == MSG_TYPE_CTL_NOTE && a->keeps)
			note_take(a, &level, body.CTL_NOTE.level, body.CTL_NOTE.line);
		else if (f.head.type == MSG_TYPE_CTL_NOTE)
			out_note(body.CTL_NOTE.level, body.CTL_NOTE.line);
		else if (fn != NULL)
			fn(f.head.type, &body, f.fds, arg);
		frame_close_fds(&f);
	}
	/* One of another version hangs up without a word, since it understands none. */
	a->other_version = r == E_VERSION || !heard;
	if (a->other_version && a->upgrades)
		return EX_PROTOCOL;
	if (r == E_VERSION)
		out_error("the running gateway is of another version; take the new one into service: mcpgwctl upgrade");
	else
		out_error("the gateway went away before it had answered");
	return EX_UNAVAILABLE;
}

int
ask_simple(struct ctl *ctl, uint32_t command, const char *argument, ask_fn *fn, void *arg,
    struct msg_CTL_DONE *done)
{
	struct ask	a;
	int		r;

	if ((r = ask_open(ctl, &a, true)) != 0)
		return r;
	ask_command(&a, command, argument);
	r = ask_wait(&a, fn, arg);
	if (done != NULL)
		*done = a.done;
	ask_close(&a);
	return r;
}

int
ask_told(struct ctl *ctl, const struct msg_CTL *msg)
{
	struct ask	a;
	int		r;

	if ((r = ask_open(ctl, &a, true)) != 0)
		return r;
	ask_send(&a, MSG_TYPE_CTL, msg, NULL, 0);
	r = ask_wait(&a, NULL, NULL);
	ask_close(&a);
	return r;
}

void
ask_take_snapshot(uint16_t type, const union msg_any *body, int *fds, void *arg)
{
	struct snap	**snap = arg;
	int		 r;

	(void)body;
	if (type != MSG_TYPE_CTL_SNAPSHOT)
		return;
	snap_release(snap);
	if ((r = snap_map(fds[0], snap)) != 0)
		fatal(EX_DATAERR, "the gateway's snapshot: %s", err_text(r));
}
