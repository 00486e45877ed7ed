/* SPDX-License-Identifier: Apache-2.0
 *
 * rig_priv.h - what rig.c, rig_profile.c and rig_spawner.c share
 */
#ifndef TESTS_UNIT_RUNNER_RIG_PRIV_H
#define TESTS_UNIT_RUNNER_RIG_PRIV_H

#include "rig.h"

/* rig.c: a program of the build tree this test is in. */
void	rig_beside(const char *name, char *path, size_t bytes);

/* rig_profile.c: of r->servers; also kept in r->profile.  The descriptor is the caller's. */
int	rig_make_profile(struct rig *r);

/* rig_spawner.c: one message of the runner; who has exited; what tools have left behind. */
void	rig_from_spawner(struct rig *r);
void	rig_look_at_tools(struct rig *r);
void	rig_kill_left_behind(struct rig *r);

#endif
