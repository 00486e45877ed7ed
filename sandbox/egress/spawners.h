/* SPDX-License-Identifier: Apache-2.0
 *
 * spawners.h - the links to the tenants' spawners, and the jails that came over them
 */
#ifndef SANDBOX_EGRESS_SPAWNERS_H
#define SANDBOX_EGRESS_SPAWNERS_H

#include "ipc/codec.h"
#include "sandbox/egress/egress.h"

struct jail;

/* Takes *fd: this tenant's link from here on.  One before it, and its jails, end.  0, E_FULL, E_NOMEM or E_SYS. */
must_check int	spawner_attach(struct egress *e, struct span tenant, int *fd);
struct egress	*spawner_egress(const struct spawner *s);
struct span	spawner_tenant(const struct spawner *s);
/* What its jails have now; theirs to count. */
struct spawner_use {
	size_t	conns, socks;
};
struct spawner_use *spawner_use(struct spawner *s);
/* The connections of all jails of one of its servers. */
size_t		spawner_server_conns(const struct spawner *s, struct span server);

/* Was it told that learning of this server, until then, is over? */
bool		spawner_is_learnt(const struct spawner *s, struct span server, uint64_t until_ms);

/* That is so from now on. */
void		spawners_learnt(struct egress *e, const struct msg_EGRESS_LEARNT *m);
/* There is another policy: jails that wait for one look again. */
void		spawners_policy(struct egress *e);
void		spawners_tick(struct egress *e);
/* Jails take no connections any more. */
void		spawners_stop(struct egress *e);
/* At the turn's end: what ended is freed. */
void		spawners_reap(struct egress *e);
/* All of it. */
void		spawners_free(struct egress *e);

#endif
