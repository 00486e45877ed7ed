/* SPDX-License-Identifier: Apache-2.0
 *
 * egress.h - mcpgw-egress: started when a tool with a list of hosts waits, linked to each tenant's spawner
 */
#ifndef MASTER_EGRESS_H
#define MASTER_EGRESS_H

#include "master/children.h"

/* Of a tenant: the last pair made between its spawner and mcpgw-egress. */
struct egress_link {
	bool		waiting;	/* its spawner is owed an answer */
	uint64_t	made_ms;
	uint32_t	spawner, egress;	/* incarnations */
};

/* Its slot in the audit is behind all that workers can have. */
void	egress_init(struct master *m);
/* A spawner asks: EGRESS_LINK now or when it is ready, or EGRESS_NONE. */
void	egress_want(struct child *spawner);
void	egress_on_ready(struct master *m);
void	egress_on_death(struct master *m);
/* It leaves within this time. */
void	egress_drain(struct master *m, uint64_t within_ms);

#endif
