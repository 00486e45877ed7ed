/* SPDX-License-Identifier: Apache-2.0
 *
 * quota.h - what tools may keep: measured before each start, and again and again while they run
 */
#ifndef SANDBOX_SPAWNER_QUOTA_H
#define SANDBOX_SPAWNER_QUOTA_H

#include "policy/records.h"
#include "sandbox/spawner/spawner.h"

/* May an instance with this state folder start?  0, or E_FULL with why, for whoever asked for it.  Waits for
 * a helper, at most some seconds. */
must_check int	quota_check(struct spawner *s, const struct rec_profile *rec, int state, const char *path,
		    char *why, size_t room);
/* It runs: measured from here on.  `state` is borrowed. */
void		quota_watch(struct spawner *s, struct jailed *j, const struct rec_profile *rec, int state,
		    const char *path);
/* It does not any more. */
void		quota_unwatch(struct spawner *s, struct jailed *j);

/* When quota_tick() has something to do (monotonic), 0 never. */
int64_t		quota_due_ms(const struct spawner *s);
/* Starts the next measurement when it is time. */
void		quota_tick(struct spawner *s);
/* The helper is done: a jail that keeps too much is ended. */
void		quota_measured(struct spawner *s);

#endif
