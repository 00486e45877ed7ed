/* SPDX-License-Identifier: Apache-2.0
 *
 * state.h - the state folder of an instance: TENANT/SERVER/KEY, its HOME in the jail
 */
#ifndef SANDBOX_SPAWNER_STATE_H
#define SANDBOX_SPAWNER_STATE_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/span.h"

/* The tenant's folder.  0 or E_SYS; *fd is the caller's. */
must_check int	state_open_tenant(const char *path, int *fd);
/* Opens the instance's folder beneath it, made with mode 0700 when missing; no link is followed, and
 * what is there must be ours.  0, E_DENIED or E_SYS; *fd is the caller's. */
must_check int	state_open(int tenant_dir, struct span server, uint64_t instance, int *fd);

#define STATE_NAME_MAX	96
/* A server's name as a folder's: itself where it is harmless, else made so, with a sum behind. */
void		state_name(struct span server, char to[STATE_NAME_MAX]);

#endif
