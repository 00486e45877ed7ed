/* SPDX-License-Identifier: Apache-2.0
 *
 * child.h - a real program of ours, with the test as its master
 */
#ifndef TESTS_UNIT_CHILD_H
#define TESTS_UNIT_CHILD_H

#include "ipc/codec.h"
#include "ipc/frame.h"

struct child {
	enum role	role;
	pid_t		pid;
	int		control;	/* the master's end */
	bool		ready;
	int		region;		/* REGION_QUOTAS, to be handed over by child_boot(); 0: none */
	char		room[FRAME_MAX];	/* backs what child_hear() gave last */
};

/* Starts build/libexec/mcpgw/<the role's program> beside the test, as the master would. */
void	child_start(struct child *c, enum role role);
/* The same in these namespaces (-1: the test's own); they stay the caller's. */
void	child_start_in(struct child *c, enum role role, int user_ns, int net_ns);
/* BOOT, then each folder (kind, path, ..., 0), then GO; waits for READY. */
void	child_boot(struct child *c, uint64_t boot, ...);
/* fd may be -1. */
void	child_say(struct child *c, enum msg_type type, uint64_t ref, const void *msg, int fd);
/* Waits for a message of this type and skips others; answers its ref.  *fd may be NULL. */
uint64_t child_hear(struct child *c, enum msg_type type, union msg_any *out, int *fd);
/* Closes the control channel unless it is closed, and waits; answers the exit code, or 128 + signal. */
int	child_wait(struct child *c);

/* Runs a program beside the test to its end; what it printed on stdout, NUL-terminated, in `out`. */
int	child_run(enum role role, char *const *args, char *out, size_t out_bytes);

/* A fresh folder below /tmp, mode 0700; its whole removal. */
void	folder_make(char path[64]);
void	folder_remove(const char *path);

#endif
