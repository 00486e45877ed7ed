/* SPDX-License-Identifier: Apache-2.0
 *
 * helper.c - short-lived children of the spawner, for what may take long: walking in tools' folders
 *
 * Process: mcpgw-spawn, and the child.  Owns: the child and its pipe.
 * Trusts:  nothing the child walks over.  It is confined to the folder, so that a mistake in the walk ends
 *          at its border.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/fd.h"
#include "sandbox/landlock.h"
#include "sandbox/reduced.h"
#include "sandbox/spawner/helper.h"

#define LIFE_S		30
#define RESULT_MAX	64
#define FOLDER_FD	3
#define RESULT_FD	4
#define SAFE_FD		16

void
helper_init(struct helper *h)
{
	*h = (struct helper){ .pidfd = -1, .from = -1 };
}

static _Noreturn void
child(helper_fn *fn, int folder, int to, const void *job, size_t result_bytes)
{
	const struct landlock_grant	here = { ".", LANDLOCK_SEE | LANDLOCK_WRITE };
	char				result[RESULT_MAX];
	int				f, t;

	if ((f = fcntl(folder, F_DUPFD_CLOEXEC, SAFE_FD)) == -1 || (t = fcntl(to, F_DUPFD_CLOEXEC, SAFE_FD)) == -1 ||
	    dup2(f, FOLDER_FD) == -1 || dup2(t, RESULT_FD) == -1 ||
	    syscall(SYS_close_range, RESULT_FD + 1, ~0U, 0) == -1 || fchdir(FOLDER_FD) == -1 ||
	    landlock_restrict(landlock_abi(0), &here, 1, LANDLOCK_NO_TCP | LANDLOCK_NO_SIGNALS | LANDLOCK_NO_ABSTRACT,
	    NULL) != 0)
		_exit(1);
	/* The alarm ends it; whoever waits learns that nothing came. */
	alarm(LIFE_S);
	if (!fn(FOLDER_FD, job, result) || write(RESULT_FD, result, result_bytes) != (ssize_t)result_bytes)
		_exit(1);
	_exit(0);
}

int
helper_start(struct helper *h, helper_fn *fn, int folder, const void *job, size_t result_bytes)
{
	int	pair[2];

	if (result_bytes > RESULT_MAX || pipe2(pair, O_CLOEXEC) == -1)
		return E_SYS;
	if ((h->pid = reduced_clone(&h->pidfd)) == 0)
		child(fn, folder, pair[1], job, result_bytes);
	fd_close(&pair[1]);
	if (h->pid == -1) {
		fd_close(&pair[0]);
		helper_init(h);
		return E_SYS;
	}
	h->from = pair[0];
	return 0;
}

bool
helper_take(struct helper *h, void *result, size_t result_bytes)
{
	bool	came = read(h->from, result, result_bytes) == (ssize_t)result_bytes;

	while (waitpid(h->pid, NULL, 0) == -1 && errno == EINTR)
		;
	fd_close(&h->from);
	fd_close(&h->pidfd);
	h->pid = 0;
	return came;
}

bool
helper_wait(struct helper *h, int ms, void *result, size_t result_bytes)
{
	struct pollfd	p = { .fd = h->pidfd, .events = POLLIN };

	if (poll(&p, 1, ms) != 1) {
		helper_kill(h);
		return false;
	}
	return helper_take(h, result, result_bytes);
}

void
helper_kill(struct helper *h)
{
	char	byte;

	if (h->pid == 0)
		return;
	syscall(SYS_pidfd_send_signal, h->pidfd, SIGKILL, NULL, 0);
	(void)helper_take(h, &byte, 1);
}
