/* SPDX-License-Identifier: Apache-2.0
 *
 * jail.h - one tool's network: its sockets, what it may reach, what it was refused
 */
#ifndef SANDBOX_EGRESS_JAIL_H
#define SANDBOX_EGRESS_JAIL_H

#include "ipc/codec.h"
#include "policy/reach.h"
#include "sandbox/egress/egress.h"
#include "sandbox/egress/names.h"

#define JAIL_NOTED_MAX		256	/* refusals that are remembered */
#define JAIL_REFUSALS_MAX	50	/* in a tick: then its connections wait for the next one */
#define JAIL_BEGINS_MAX		100	/* connections that may begin at once */
#define JAIL_BEGINS_TICK	50	/* ... and as many more with each tick */
#define JAIL_POLICY_WAIT_MS	5000	/* a spawner may have a reload before us */

struct jail;

struct jsock {
	struct jail		*jail;
	struct loop_io		 io;
	int			 fd;
	enum egress_socket	 kind;
	uint16_t		 port;
};

struct jail {
	struct egress		*e;
	struct spawner		*owner;
	struct jail		*next;		/* the owner's */
	uint64_t		 id, profile;
	struct jsock		*socks[EGRESS_SOCKETS_MAX];
	unsigned		 sock_count;
	struct span		 wants;		/* EGRESS_OPEN was heard: the server's name; ours */
	uint64_t		 wait_until_ms;
	bool			 unknown;	/* no policy had it in time: everything is refused, until one has */
	struct snap		*policy;	/* held as long as it lives; NULL: not served yet */
	const struct rec_server	*server;	/* in it */
	uint64_t		 learn_until_ms;	/* of our own clock; 0: it does not learn */
	bool			 paused;	/* takes no connections until the next tick */
	struct names		 names;
	struct conn		*conns;
	struct dnsconn		*dnsconns;
	unsigned		 conn_count;
	uint64_t		 noted[JAIL_NOTED_MAX];
	unsigned		 noted_next, refusals;
	unsigned		 begins;	/* that it may make now */
};

/* What may pass, and by what. */
struct verdict {
	bool		 pass;
	bool		 learned;
	struct span	 rule;		/* the record's path, "learning" or "default" */
	struct addr	 address;	/* where net_hosts says that the host is; family 0: it says nothing */
	uint16_t	 to_port;	/* ... and at which port */
	const char	*why;		/* of a refusal; static */
};

/* No socket yet.  0 or E_NOMEM. */
must_check int	jail_new(struct spawner *owner, uint64_t id, struct jail **out);
/* Ends its connections; the caller has taken it off its list. */
void		jail_free(struct jail *j);
/* Takes *fd when it is what the spawner says.  0, E_FORMAT (no such socket, or it is open already), E_FULL. */
must_check int	jail_add_socket(struct jail *j, enum egress_socket kind, uint32_t port, int *fd);
/* Serves it, or waits for the policy that knows the server.  0, E_FORMAT or E_NOMEM. */
must_check int	jail_open(struct jail *j, uint64_t profile, struct span server);
/* Looks for its server in the policies at hand: 0 when it is served, E_NOTFOUND.  */
int		jail_look(struct jail *j);
void		jail_tick(struct jail *j);
/* No more connections until the next tick. */
void		jail_pause(struct jail *j);
/* One of its connections began, which leaves two records: whoever makes many is made to wait. */
void		jail_begun(struct jail *j);
/* No more connections at all. */
void		jail_stop(struct jail *j);

/* It learns no more, whatever its policy says; what is open stays so. */
void		jail_learnt(struct jail *j);
void		jail_decide(const struct jail *j, const struct reach_host *host, uint16_t port, struct verdict *out);
/* Whether any port of it may be connected to. */
bool		jail_knows(const struct jail *j, const struct reach_host *name);

/* The connection's sockets, or a question's, were refused: in the audit, and in the log once for each `object`
 * (host:port, or a name).  `why` may be NULL. */
void		jail_refused(struct jail *j, struct span object, const char *method, int error, const char *why);
/* A connection that found no room; recorded while the jail is not made to wait. */
void		jail_refused_room(struct jail *j, struct span object, const char *method);
/* The same for a question, which is recorded once for each name. */
void		jail_refused_name(struct jail *j, struct span name);

#endif
