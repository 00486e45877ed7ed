/* SPDX-License-Identifier: Apache-2.0
 *
 * procs.h - the processes below one process: find, count, kill, wait until they are gone
 */
#ifndef TESTS_HARNESS_PROCS_H
#define TESTS_HARNESS_PROCS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PROCS_MAX 4096

struct proc {
	pid_t			pid, parent;
	unsigned long long	started;	/* with the pid: this very process */
	char			name[32];	/* the program's file, without its folder */
};

struct procs {
	struct proc	all[PROCS_MAX];
	size_t		count;
};

/* `top` and all its descendants that are not zombies. */
void	procs_below(pid_t top, struct procs *out);
/* How many of them bear this name; NULL: all. */
size_t	procs_count(const struct procs *p, const char *name);
/* The n-th of this name, or NULL. */
const struct proc *procs_find(const struct procs *p, const char *name, size_t n);
/* How many of these are still there, whoever their parent is now. */
size_t	procs_alive(const struct procs *p);
/* 0 also where we may not look: only root may, at processes that are not dumpable. */
size_t	proc_fd_count(pid_t pid);

/* Asks every 5 ms until it says yes.  False after timeout_ms. */
typedef bool wait_fn(void *arg);
bool	wait_until(wait_fn *fn, void *arg, int timeout_ms);
bool	procs_wait_gone(const struct procs *p, int timeout_ms);
void	sleep_ms(int ms);
/* The monotonic clock. */
long	now_ms(void);
/* What the environment says of a test's extent ("RUNS=200"); unset or empty: otherwise. */
unsigned env_number(const char *name, unsigned otherwise);

#endif
