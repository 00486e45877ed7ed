/* SPDX-License-Identifier: Apache-2.0
 *
 * egress.h - jails with a list of hosts, and the process that serves their sockets
 */
#ifndef SANDBOX_SPAWNER_EGRESS_H
#define SANDBOX_SPAWNER_EGRESS_H

#include "ipc/codec.h"
#include "sandbox/spawner/spawner.h"

void		egress_init(struct spawner *s);
/* Is there a link?  Without one a jail with a list of hosts is not built. */
bool		egress_ready(const struct spawner *s);
/* Keeps this request until there is a link, and asks the master for one.  false: there is no room. */
bool		egress_hold(struct spawner *s, const struct msg_SPAWN *m, uint64_t ref);
bool		egress_hold_native(struct spawner *s, const struct msg_SPAWN_NATIVE *m, uint64_t ref);
/* The jail runs: mcpgw-egress gets its sockets, now or with the next link. */
void		egress_open(struct spawner *s, struct jailed *j);
/* It is gone; its sockets are closed. */
void		egress_close(struct spawner *s, struct jailed *j);

/* From main.c.  Those that call spawn_answer() answer what speaking to the runner came to. */
must_check int	egress_on_link(struct spawner *s, int *fd);	/* takes *fd, leaves -1 */
must_check int	egress_on_none(struct spawner *s, struct span why);
void		egress_on_readable(struct spawner *s);
/* Whatever is due now. */
must_check int	egress_tick(struct spawner *s, int64_t now_ms);
/* When that is, on the monotonic clock; INT64_MAX: nothing is. */
int64_t		egress_due_ms(const struct spawner *s);

#endif
