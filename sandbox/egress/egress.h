/* SPDX-License-Identifier: Apache-2.0
 *
 * egress.h - what all files of the process share: its one struct, and its limits
 *
 * Objects and who owns them:
 *
 *   egress -> spawner -> jail -> conn	one tenant's link; one tool's network; one connection out of it
 *                             -> dnsconn	questions over TCP
 *
 * What ended is marked and freed at the end of the turn, so that no handler finds its object gone.
 */
#ifndef SANDBOX_EGRESS_EGRESS_H
#define SANDBOX_EGRESS_EGRESS_H

#include "audit/requestid.h"
#include "audit/spool.h"
#include "ipc/chan.h"
#include "lib/loop.h"
#include "lib/resolve.h"
#include "lib/sum.h"
#include "policy/swap.h"
#include "sandbox/jail.h"

#define EGRESS_SPAWNERS_MAX	256	/* tenants */
#define EGRESS_JAILS_MAX	4096	/* of one tenant: as many as max_instances allows */
#define EGRESS_SOCKETS_MAX	JAIL_SOCKETS_MAX	/* of one jail */
#define EGRESS_SOCKS_MAX	(1u << 17)	/* of all jails, when there are descriptors for them */
#define EGRESS_CONNS_MAX	2048	/* of all, when there are descriptors for them */
#define EGRESS_FDS_KEPT		128	/* for messages, name servers and what is asked of the kernel */
#define EGRESS_JAIL_CONNS_MAX	256
#define EGRESS_LEARNT_MAX	64
#define EGRESS_TICK_MS		1000

struct conn;
struct spawner;

struct egress {
	struct loop		*loop;
	struct chan		 master;
	struct swap		 snaps;
	struct snap		*before;	/* the policy before the one in force, for a while; or NULL */
	uint64_t		 before_until_ms;
	uint64_t		 connect_ms;	/* connect_timeout */
	struct spool		*spool;
	struct requestid	 ids;
	struct resolver		*resolver;
	struct sum_key		 key;		/* of tables whose keys tools choose */
	struct spawner		*spawners;
	size_t			 spawner_count, jail_count, conn_count, dnsconn_count, sock_count;
	size_t			 conns_max, socks_max;	/* half of our descriptors each, but for EGRESS_FDS_KEPT */
	struct conn		*begun, **begun_last;	/* their `begin` is not in the kernel yet */
	struct conn		*over;		/* ended in this turn */
	uint64_t		 learnt[EGRESS_LEARNT_MAX];	/* what is not learnt any more, in a ring: marks */
	unsigned		 learnt_next;
	struct loop_timer	 tick;		/* once a second: jails_tick() */
	bool			 confined, asked;	/* GO was heard; the first segment was answered */
	bool			 ready, draining;
	int			 exit_code;
	struct loop_timer	 leave;		/* the end of a drain */
};

#endif
