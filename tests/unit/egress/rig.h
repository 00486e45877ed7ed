/* SPDX-License-Identifier: Apache-2.0
 *
 * rig.h - a real mcpgw-egress; the test plays its master, a spawner, a tool, and the world
 *
 * There are two networks, of the test's own.  In one is mcpgw-egress, with a name server and hosts that look public
 * (11.0.0.0/24), private (10.9.9.0/24) or this machine's (12.0.0.0/24); in the other every address is its own, as in
 * a jail.  Each has a process of its own; that of the jail makes sockets there for the test, which is the tool.
 * Nothing leaves them.
 */
#ifndef TESTS_UNIT_EGRESS_RIG_H
#define TESTS_UNIT_EGRESS_RIG_H

#include "audit/record.h"
#include "policy/records.h"
#include "tests/unit/child/child.h"

#define RIG_RECORDS	512
#define RIG_PROFILE	77
#define RIG_JAIL	5

struct rig_world {			/* shared with the process that plays it */
	int		 asked;		/* questions to the name server */
	int		 accepted;	/* connections to hosts */
};

struct rig {
	struct child	 egress;
	pid_t		 world_pid, jail_pid;
	int		 jail;		/* to the process that has the jail's network */
	struct rig_world *world;
	int		 spawner;	/* our end */
	int		 segment;	/* what it writes records to */
	uint64_t	 generation;
	uint64_t	 learn_until_ms;	/* as the last policy says */
	struct record	 records[RIG_RECORDS];
	size_t		 record_count;
	char		*bytes;		/* backs them */
};

/* Everything up to an open jail of server "docs", which may reach this list (ends with NULL; an entry may have
 * "=ADDRESS:PORT" behind it, as if net_hosts said so); skips the test where
 * networks cannot be made.  learn_ms: from now on, for that long, it learns. */
void	rig_begin(struct rig *r, const char *const *list, uint64_t learn_ms);
/* The same without a jail. */
void	rig_begin_bare(struct rig *r, const char *const *list, uint64_t learn_ms);
void	rig_end(struct rig *r);

/* Another policy. */
void	rig_offer(struct rig *r, const char *const *list, uint64_t learn_ms, uint64_t profile);
void	rig_link(struct rig *r);		/* a new pair to the spawner */
/* To mcpgw-egress, over it; fd (-1: none) is closed. */
void	rig_say(struct rig *r, enum msg_type type, const void *msg, int fd);
/* A jail's sockets: 443, 80 and 25, name server, proxy; then EGRESS_OPEN. */
void	rig_jail(struct rig *r, uint64_t id, uint64_t profile);
/* Waits until it has heard what was said before. */
void	rig_sync(struct rig *r);
/* Was the link ended by the other side, within a while? */
bool	rig_is_cut(struct rig *r);

/* What was recorded; waits until there are `count`, or a while. */
void	rig_records(struct rig *r, size_t count);
/* The record of this kind for this object, or NULL. */
const struct record *rig_find(const struct rig *r, enum record_kind kind, const char *object);
/* The end of a begin, or NULL. */
const struct record *rig_end_of(const struct rig *r, const struct record *begin);

/* --- the tool ------------------------------------------------------------------------------------- */

/* A listening or, with datagrams, bound socket (an address of NULL: neither); a connection.  All in the jail of the
 * rig that began last. */
int	tool_socket(const char *address, int port, int type);
int	tool_connect(const char *address, int port);	/* -1 when that fails */
/* The rcode, or -1 for no answer; *address is "" when there is none. */
int	tool_ask(const char *name, int type, char address[64]);
int	tool_ask_raw(const void *message, size_t bytes, uint8_t *answer, size_t room);
void	tool_send(int fd, const void *bytes, size_t n);
/* Exactly n bytes, or fewer when it ends: how many; -1: reset, or nothing for a while. */
int	tool_read(int fd, void *to, size_t n);

#endif
