/* SPDX-License-Identifier: Apache-2.0
 *
 * spawn.h - one SPAWN of the runner, from request to jail, and the jail's end
 */
#ifndef SANDBOX_SPAWNER_SPAWN_H
#define SANDBOX_SPAWNER_SPAWN_H

#include "ipc/codec.h"
#include "sandbox/spawner/spawner.h"

/* Answers the runner with SPAWNED and SPAWNED_WATCH, or with SPAWN_FAILED; a tool with a list of hosts may have to
 * wait for that (egress.h).  0, or what speaking to the
 * runner came to; no jail is left behind then. */
must_check int	spawn_answer(struct spawner *s, const struct msg_SPAWN *m, uint64_t ref);
/* SPAWN_FAILED. */
must_check int	spawn_refuse(struct spawner *s, uint64_t ref, enum jail_step step, int error, const char *why);
/* The same for a SPAWN_NATIVE. */
must_check int	spawn_native_answer(struct spawner *s, const struct msg_SPAWN_NATIVE *m, uint64_t ref);
/* The pidfd of this place is readable: reaps, tells the runner.  0, or what speaking to it came to. */
must_check int	spawn_reap(struct spawner *s, struct jailed *j);
/* Ends what jails without a pid namespace left behind. */
void		spawn_strays(struct spawner *s);
/* Kills and reaps all. */
void		spawn_kill_all(struct spawner *s);

#endif
