/* SPDX-License-Identifier: Apache-2.0
 *
 * admin.h - what mcpgw-admin is made of; each part has its file
 */
#ifndef ADMIN_ADMIN_H
#define ADMIN_ADMIN_H

#include "admin/view.h"
#include "http/accept.h"
#include "ipc/chan.h"
#include "policy/params.h"
#include "policy/swap.h"
#include "shm/region.h"

struct waiting;

struct admin {
	struct loop		*loop;
	struct chan		 master;
	bool			 personal, ready, draining, retiring;
	bool			 holds;		/* /readyz says no until the gateway takes calls again */
	int			 exit_code;

	struct swap		 snaps;		/* policy, keys */
	struct params		 params;	/* their texts are in the policy */
	struct region		 metrics;	/* mapped for reading */

	struct conn_set		*conns;
	struct accept		*accept;
	int			 listen_fd;	/* until GO; -1 */
	uint32_t		 listen_number;

	struct view		 view;
	struct view		 hearing;	/* of an answer that is not whole yet */
	bool			 asking;
	struct waiting		*waiting;	/* requests that need the answer */
	struct loop_timer	 patience, leave;
};

/* control.c: from here on the master is heard.  0 or E_SYS. */
must_check int	control_init(struct admin *a);
/* At the turn's end: is the drain done? */
void		control_settle(struct admin *a);
/* Says EXITING, unless nobody hears it. */
void		control_fini(struct admin *a);

/* ask.c: the master is asked how the gateway is, by one question for all who want to know at a time.  Then
 * calls fn, within a second in any case; a->view.known says whether it answered.  Not for a client that went away. */
typedef void ask_fn(struct admin *a, struct exchange *x);
void		ask_init(struct admin *a);
void		ask_then(struct admin *a, struct exchange *x, ask_fn *fn);
void		ask_heard(struct admin *a, const struct chan_msg *m);
/* The master will answer nothing more. */
void		ask_stop(struct admin *a);

/* serve.c: a request; an exchange_fn, arg is the admin. */
void		serve_request(struct exchange *x, void *arg);
/* May whoever sent this know more than whether the gateway is well? */
bool		serve_may_know(struct admin *a, struct exchange *x);
void		serve_reply(struct exchange *x, unsigned status, const char *type, struct span body);
/* Can a client be served now? */
bool		serve_is_ready(const struct admin *a);

/* Servers in the configuration, and how many of them are switched off there. */
void		serve_count_servers(const struct admin *a, uint64_t *all, uint64_t *disabled);

/* health.c: what seeds 001, 002 and 003 answer on these paths, in one body each. */
ask_fn		health_whole, health_ready;
void		health_live(struct exchange *x);

#endif
