/* SPDX-License-Identifier: Apache-2.0
 *
 * child.c - a real program of ours, with the test as its master
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/heritage.h"
#include "ipc/wait.h"
#include "lib/fd.h"
#include "shm/region.h"
#include "tests/unit/child/child.h"

#define WAIT_MS 10000

/* The leak checker of sanitizer builds needs /proc, which a confined process cannot open. */
static char no_leak_check[] = "ASAN_OPTIONS=detect_leaks=0";

/* The test stands in BUILD/tests/unit/FOLDER/unit. */
static void
program_path(enum role role, char path[4096])
{
	ssize_t	n = readlink("/proc/self/exe", path, 3000);

	cr_assert(n > 0);
	path[n] = '\0';
	for (int i = 0; i < 4; i++)
		*strrchr(path, '/') = '\0';
	strcat(path, "/libexec/mcpgw/");
	strcat(path, role_program(role));
}

void
child_start(struct child *c, enum role role)
{
	child_start_in(c, role, -1, -1);
}

void
child_start_in(struct child *c, enum role role, int user_ns, int net_ns)
{
	char	path[4096], slot[] = "0", *argv[] = { path, slot, NULL };
	char	*env[] = { no_leak_check, NULL };
	int	pair[2];

	program_path(role, path);
	*c = (struct child){ .role = role };
	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0));
	if ((c->pid = fork()) == 0) {
		int null = open("/dev/null", O_RDWR);

		if ((user_ns != -1 && setns(user_ns, CLONE_NEWUSER) == -1) ||
		    (net_ns != -1 && setns(net_ns, CLONE_NEWNET) == -1))
			_exit(126);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(null, 0);
		dup2(null, 1);
		dup2(pair[1], HERITAGE_LIMIT);
		dup2(HERITAGE_LIMIT, HERITAGE_CONTROL);
		dup2(2, HERITAGE_LOG);
		close_range(HERITAGE_LIMIT, ~0u, 0);
		execve(path, argv, env);
		_exit(127);
	}
	cr_assert(c->pid > 0);
	close(pair[1]);
	c->control = pair[0];
}

void
child_say(struct child *c, enum msg_type type, uint64_t ref, const void *msg, int fd)
{
	cr_assert(eq(int, chan_send_wait(c->control, type, ref, msg, &fd, fd == -1 ? 0 : 1), 0));
}

uint64_t
child_hear(struct child *c, enum msg_type type, union msg_any *out, int *fd)
{
	struct pollfd	p = { .fd = c->control, .events = POLLIN };
	struct frame	f;

	for (;;) {
		cr_assert(poll(&p, 1, WAIT_MS) == 1, "the child says nothing");
		cr_assert(eq(int, chan_recv_wait(c->control, ROLE_MASTER, c->role, c->ready, c->room, &f,
		    out), 0));
		if (f.head.type == MSG_TYPE_READY)
			c->ready = true;
		if (f.head.type == type)
			break;
		frame_close_fds(&f);
	}
	if (fd != NULL) {
		*fd = f.fds[0];
		f.fds[0] = -1;
	}
	frame_close_fds(&f);
	return f.head.ref;
}

void
child_boot(struct child *c, uint64_t boot, ...)
{
	struct msg_BOOT	b = { .slot = 0, .incarnation = 1, .boot = boot, .workers = 1,
	    .tenant = SPAN_LIT("") };
	struct msg_GO	go = { 0 };
	union msg_any	any;
	va_list		ap;
	unsigned	kind;

	child_say(c, MSG_TYPE_BOOT, 0, &b, -1);
	if (c->region > 0)
		child_say(c, MSG_TYPE_REGION, 0, &(struct msg_REGION){ .kind = REGION_QUOTAS }, c->region);
	va_start(ap, boot);
	while ((kind = va_arg(ap, unsigned)) != 0) {
		struct msg_DIRECTORY d = { .kind = kind, .path = span_of(va_arg(ap, const char *)) };

		child_say(c, MSG_TYPE_DIRECTORY, 0, &d, -1);
	}
	va_end(ap);
	child_say(c, MSG_TYPE_GO, 0, &go, -1);
	child_hear(c, MSG_TYPE_READY, &any, NULL);
}

static int
wait_for(pid_t pid)
{
	int	status;

	for (int i = 0; i < WAIT_MS / 10; i++) {
		pid_t got = waitpid(pid, &status, WNOHANG);

		if (got == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		usleep(10000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return -1;
}

int
child_wait(struct child *c)
{
	fd_close(&c->control);
	return wait_for(c->pid);
}

int
child_run(enum role role, char *const *args, char *out, size_t out_bytes)
{
	char	path[4096], *argv[24] = { path };
	int	fds[2];
	size_t	used = 0;
	ssize_t	n;
	pid_t	pid;

	program_path(role, path);
	for (int i = 0; args[i] != NULL; i++)
		argv[i + 1] = args[i];
	cr_assert(eq(int, pipe2(fds, O_CLOEXEC), 0));
	if ((pid = fork()) == 0) {
		dup2(fds[1], 1);
		putenv(no_leak_check);
		execv(path, argv);
		_exit(127);
	}
	close(fds[1]);
	while ((n = read(fds[0], out + used, out_bytes - 1 - used)) > 0)
		used += (size_t)n;
	out[used] = '\0';
	close(fds[0]);
	return wait_for(pid);
}

void
folder_make(char path[64])
{
	strcpy(path, "/tmp/mcpgw-unit-XXXXXX");
	cr_assert(mkdtemp(path) != NULL);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

void
folder_remove(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
