/* SPDX-License-Identifier: Apache-2.0
 *
 * tree.h - a private installation with a fake worker, and a master running in it
 *
 * Run by root, the master runs as nobody: all but one of these tests are about the personal way.
 */
#ifndef TESTS_UNIT_MASTER_TREE_H
#define TESTS_UNIT_MASTER_TREE_H

#include <stdbool.h>
#include <sys/types.h>

#include "ipc/codec.h"

struct tree {
	char	dir[64];
	pid_t	master;		/* 0: none */
};

struct processes {
	struct msg_CTL_PROCESS	at[32];		/* texts are gone */
	unsigned		count;
	struct msg_CTL_MASTER	master;
	char			warning[256];
};

/* conf: lines of mcpgw.conf beside run_dir, state_dir, workers = 2 and a free port. */
void	tree_make(struct tree *t, const char *conf);
/* Kills what runs, removes the folder. */
void	tree_remove(struct tree *t);
/* Starts mcpgw -f; true when it got ready, false when it ended (*exit_code). */
bool	tree_start(struct tree *t, int *exit_code);
/* Another one in the same tree, to its end: the exit code. */
int	tree_start_second(struct tree *t);
/* Waits for the master's end after a signal: the exit code, or -1 after 5 s. */
int	tree_wait(struct tree *t);
/* Forgets a master that was killed. */
void	tree_lost(struct tree *t);

void	tree_write(const struct tree *t, const char *name, const char *text);
/* Is this text in the file?  (also "log", the master's stderr) */
bool	tree_has(const struct tree *t, const char *name, const char *text);
bool	tree_exists(const struct tree *t, const char *name);

/* One command on ctl.sock: the exit code; -1 when nobody is there.  done may be NULL. */
int	tree_command(const struct tree *t, uint32_t command, struct msg_CTL_DONE *done);
/* Notes of the last command. */
const char *tree_notes(void);
bool	tree_status(const struct tree *t, struct processes *p);
/* The worker of this slot, ready and with another pid than `not`; waits up to ms; 0: none. */
pid_t	tree_worker(const struct tree *t, unsigned slot, pid_t not, int ms);
bool	is_alive(pid_t pid);
void	nap_ms(int ms);

#endif
