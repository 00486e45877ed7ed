/* SPDX-License-Identifier: Apache-2.0
 *
 * leaf.h - the control group of each jail: made before it, removed after it
 *
 * Without a folder of the master's all of this does nothing: `limits` then are what rlimits can hold.
 */
#ifndef SANDBOX_SPAWNER_LEAF_H
#define SANDBOX_SPAWNER_LEAF_H

#include "policy/records.h"
#include "sandbox/spawner/spawner.h"

/* A folder of the master's, of a kind that dir_is_cgroup().  0 or E_SYS. */
must_check int	leaf_room(struct spawner *s, unsigned kind, const char *path);
/* The leaf of a jail that is about to start in this place.  0, or E_SYS with errno. */
must_check int	leaf_make(struct spawner *s, const struct rec_profile *rec, struct jailed *j);
/* Nobody is in it any more, or will be soon: removed now or later. */
void		leaf_drop(struct spawner *s, struct jailed *j);
/* The same at a jail's end: what is still in it is killed before. */
void		leaf_end(struct spawner *s, struct jailed *j);
/* Its events are readable: when memory ran out, the whole jail is killed. */
void		leaf_on_event(struct spawner *s, struct jailed *j);
/* "out of memory (limit 512MiB)", or "". */
void		leaf_why(const struct spawner *s, const struct jailed *j, char *to, size_t room);

/* When leaf_tick() has something to do (monotonic), 0 never. */
int64_t		leaf_due_ms(const struct spawner *s);
void		leaf_tick(struct spawner *s);

/* Says which limits of this profile were written and cannot be held here; once for each offer. */
void		leaf_complain(const struct spawner *s, const struct snap *profile);

#endif
