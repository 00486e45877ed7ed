/* SPDX-License-Identifier: Apache-2.0
 *
 * upgrade_priv.h - for upgrade.c and upgrade_check.c
 */
#ifndef MASTER_UPGRADE_PRIV_H
#define MASTER_UPGRADE_PRIV_H

#include "lib/loop.h"

struct master;

/* The installed program with these arguments, as m->upgrade.pid. */
int	upgrade_spawn(struct master *m, char **argv, int control, int out);
/* It came to nothing: whoever waits is told, and what was given away comes back. */
void	upgrade_fail(struct master *m, int exit_code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void	upgrade_wait(struct master *m, loop_timer_fn *fn, uint64_t ms);
void	upgrade_on_limit(struct loop_timer *t, void *arg);

/* upgrade_check.c: then upgrade_start(), or upgrade_fail(). */
void	upgrade_check(struct master *m);
void	upgrade_checked(struct master *m, int status);
void	upgrade_stop_reading(struct upgrade *u);
void	upgrade_start(struct master *m);

#endif
