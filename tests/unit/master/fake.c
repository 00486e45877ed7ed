/* SPDX-License-Identifier: Apache-2.0
 *
 * fake.c - a worker that serves nobody and misbehaves on command
 *
 * This very test program, copied under the name mcpgw-worker, is what the master under test starts.
 * The file `mode` beside it says how to behave: "die" exits at once; "deaf" never says READY.
 * USR1 makes it send a message no worker may send; USR2 makes it ask for the runner of a tenant that
 * does not exist.  What it is told goes, a word each, to the file `said`.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipc/heritage.h"
#include "ipc/wait.h"

static char	folder[PATH_MAX];

static void
say(const char *word)
{
	char	path[PATH_MAX + 8], line[64];
	int	fd;

	snprintf(line, sizeof(line), "%s\n", word);
	snprintf(path, sizeof(path), "%s/said", folder);
	if ((fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0666)) == -1)
		return;
	(void)!write(fd, line, strlen(line));	/* one write: the other worker appends too */
	close(fd);
}

static bool
mode_is(const char *word)
{
	char	path[PATH_MAX + 8], text[32] = "";
	int	fd;

	snprintf(path, sizeof(path), "%s/mode", folder);
	if ((fd = open(path, O_RDONLY)) != -1) {
		(void)!read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	return strcmp(text, word) == 0;
}

static void
send_msg(uint16_t type, const void *msg)
{
	if (chan_send_wait(HERITAGE_CONTROL, type, 0, msg, NULL, 0) != 0)
		_exit(1);
}

static void
on_usr1(int signo)
{
	struct msg_COMPILE_DONE	lie = { .errors = 0 };

	(void)signo;
	send_msg(MSG_TYPE_COMPILE_DONE, &lie);
}

static void
on_usr2(int signo)
{
	struct msg_RUNNER_WANTED	want = { .tenant = SPAN_LIT("nobody-here") };

	(void)signo;
	send_msg(MSG_TYPE_RUNNER_WANTED, &want);
}

static void
answer(const struct frame *f, const union msg_any *m, bool *ready)
{
	struct msg_READY		 hello = { .generation = 0 };
	struct msg_SNAPSHOT_IN_FORCE	 in_force;

	switch (f->head.type) {
	case MSG_TYPE_GO:
		if (mode_is("deaf"))
			break;
		send_msg(MSG_TYPE_READY, &hello);
		*ready = true;
		break;
	case MSG_TYPE_PING:
		send_msg(MSG_TYPE_PING, &m->PING);
		break;
	case MSG_TYPE_SNAPSHOT_OFFER:
		in_force = (struct msg_SNAPSHOT_IN_FORCE){ .kind = m->SNAPSHOT_OFFER.kind,
		    .generation = m->SNAPSHOT_OFFER.generation };
		send_msg(MSG_TYPE_SNAPSHOT_IN_FORCE, &in_force);
		break;
	case MSG_TYPE_RUNNER_NONE:
		say("no-runner");
		break;
	case MSG_TYPE_DRAIN:
		say("drained");
		_exit(0);
	default:
		break;
	}
}

static _Noreturn void
fake_worker(void)
{
	static char	room[FRAME_MAX];
	struct frame	f;
	union msg_any	m;
	bool		ready = false;

	if (readlink("/proc/self/exe", folder, sizeof(folder) - 1) > 0)
		dirname(folder);
	if (mode_is("die"))
		_exit(7);
	if (getenv("PATH") != NULL || fcntl(HERITAGE_LIMIT, F_GETFD) != -1 || errno != EBADF)
		say("inherited-too-much");
	signal(SIGUSR1, on_usr1);
	signal(SIGUSR2, on_usr2);
	while (chan_recv_wait(HERITAGE_CONTROL, ROLE_WORKER, ROLE_MASTER, ready, room, &f, &m) == 0) {
		answer(&f, &m, &ready);
		frame_close_fds(&f);
	}
	_exit(0);
}

__attribute__((constructor)) static void
become_worker(void)
{
	if (strcmp(program_invocation_short_name, "mcpgw-worker") == 0)
		fake_worker();
}
