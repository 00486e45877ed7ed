/* SPDX-License-Identifier: Apache-2.0
 *
 * helper.h - short-lived children of the spawner, for what may take long: walking in tools' folders
 */
#ifndef SANDBOX_SPAWNER_HELPER_H
#define SANDBOX_SPAWNER_HELPER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/err.h"

struct helper {
	pid_t	pid;		/* 0: none runs */
	int	pidfd;		/* readable when it is done */
	int	from;
};

/* In the child, which has this folder and nothing else of ours, can write nowhere else, and dies after
 * 30 s.  `result` (room bytes) is what the parent gets; true: it is worth something. */
typedef bool	helper_fn(int folder, const void *job, void *result);

void		helper_init(struct helper *h);
/* 0 or E_SYS. */
must_check int	helper_start(struct helper *h, helper_fn *fn, int folder, const void *job, size_t result_bytes);
/* It is done: reaps it.  True: the result came. */
bool		helper_take(struct helper *h, void *result, size_t result_bytes);
/* Waits for it first, at most so long; false also when it took longer. */
bool		helper_wait(struct helper *h, int ms, void *result, size_t result_bytes);
void		helper_kill(struct helper *h);

#endif
