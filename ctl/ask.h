/* SPDX-License-Identifier: Apache-2.0
 *
 * ask.h - one command to the master, and its answer
 */
#ifndef CTL_ASK_H
#define CTL_ASK_H

#include "ctl/ctl.h"
#include "ipc/wait.h"
#include "policy/snap.h"

struct ask {
	int			fd;		/* to ctl.sock, or -1 */
	struct msg_CTL_DONE	done;		/* valid after ask_wait() */
	bool			upgrades;	/* ask_wait() says nothing of a gateway of another version: */
	bool			other_version;	/* EX_PROTOCOL, and this */
	bool			keeps;		/* the last note of an answer EX_TEMPFAIL is not said, but kept: */
	char			kept[512];
};

/* A message of the answer; fds as in a frame: take one by leaving -1. */
typedef void ask_fn(uint16_t type, const union msg_any *body, int *fds, void *arg);

/* Connects.  0; EX_UNAVAILABLE: nothing runs there; EX_NOPERM; with `say` the reason is said. */
int	ask_open(struct ctl *ctl, struct ask *a, bool say);
void	ask_close(struct ask *a);
/* Sends a command; exits the program when the master is gone in the same moment. */
void	ask_send(struct ask *a, uint16_t type, const void *msg, const int *fds, unsigned fd_count);
/* Sends CTL with one argument, or NULL. */
void	ask_command(struct ask *a, uint32_t command, const char *argument);
/* Reads up to CTL_DONE and says its notes; fn may be NULL.  Answers the exit code. */
int	ask_wait(struct ask *a, ask_fn *fn, void *arg);

/* Connects, sends CTL, waits, closes: the exit code. */
int	ask_simple(struct ctl *ctl, uint32_t command, const char *argument, ask_fn *fn, void *arg,
	    struct msg_CTL_DONE *done);
/* The same of a message that is made already, whose end is all that is waited for. */
int	ask_told(struct ctl *ctl, const struct msg_CTL *msg);
/* An ask_fn that maps a CTL_SNAPSHOT: arg is a struct snap **. */
ask_fn	ask_take_snapshot;

#endif
