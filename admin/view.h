/* SPDX-License-Identifier: Apache-2.0
 *
 * view.h - what the master last said of the whole gateway
 */
#ifndef ADMIN_VIEW_H
#define ADMIN_VIEW_H

#include "ipc/codec.h"

struct view {
	bool		known;		/* false: the master has not answered the last time it was asked */
	uint64_t	start_ms;	/* wall clock */
	uint64_t	up_ms;
	uint64_t	generation, audit_behind, breakers_open;
	uint32_t	workers, serving;
	uint32_t	processes[ROLE_LIMIT];
	uint64_t	deaths[ROLE_LIMIT];
	uint32_t	servers[SERVER_STATE_LIMIT];	/* heard to be so; of those that are idle not all were heard */
};

#endif
