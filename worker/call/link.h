/* SPDX-License-Identifier: Apache-2.0
 *
 * link.h - this worker's end of the stream to one tenant's runner (ipc/link.h)
 */
#ifndef WORKER_CALL_LINK_H
#define WORKER_CALL_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/link.h"
#include "lib/buf.h"
#include "lib/loop.h"
#include "lib/span.h"

struct link;
struct link_job;

/* What happens to one job.  on_end comes exactly once and is the last; the job may be freed in it. */
struct link_job_ops {
	/* The whole line has `bytes` bytes, its id stands at id (into the line). */
	void	(*on_answer)(struct link_job *, uint32_t bytes, struct link_span id, unsigned flags);
	/* The next bytes of it, borrowed; link_job_credit() when they are taken. */
	void	(*on_body)(struct link_job *, struct span bytes);
	/* A notification or a request of the server's that belongs to this job: a whole message, not looked
	 * at yet, borrowed. */
	void	(*on_message)(struct link_job *, struct span text);
	/* `text` is for people and borrowed. */
	void	(*on_end)(struct link_job *, enum link_end why, unsigned flags, struct span text);
};

/* Embedded by whoever calls; filled in by link_submit(). */
struct link_job {
	const struct link_job_ops *ops;
	struct link		*link;
	uint32_t		 number;	/* of the call on this link */
	uint32_t		 epoch;		/* of the link when it was submitted */
	bool			 active, sent_head, answered;
	struct link_call	 head;
	struct span		 server, body;	/* borrowed until on_end */
	unsigned		 flags;		/* of CALL */
	size_t			 body_sent;
	size_t			 credit_up, credit_down;	/* what we may send, what it may */
	uint64_t		 answer_left;
	struct buf		 part[2];	/* of a NOTE and of an ASK that come in several frames */
};

/* What a link says to its owner. */
struct link_ops {
	/* Asks the master for a stream to this tenant's runner; link_attach() answers. */
	void	(*wanted)(struct span tenant, void *arg);
	/* What a server says of no call; the URI (empty but of UPDATED) is borrowed.  NULL: passed over. */
	void	(*event)(const struct link_event *, struct span uri, void *arg);
	/* There is a stream now, a new one, or there is none any more, or will be none; may be NULL. */
	void	(*moved)(struct link *, void *arg);
};

/* Those of a worker that have something to send at the end of this turn. */
struct link_turn {
	struct link	*first;
};

must_check int	link_new(struct loop *l, struct span tenant, const struct link_ops *ops, void *arg,
		    struct link **out);
struct span	link_tenant(const struct link *l);
bool		link_is_up(const struct link *l);
/* It stands in this list from now on, whenever something waits. */
void		link_set_turn(struct link *l, struct link_turn *turn);
/* At the end of every turn, after calls were dispatched and connections flushed: what was queued leaves, of one of
 * them, or of all that stand there. */
void		link_turn_end(struct link *l);
void		link_turn_end_all(struct link_turn *turn);
/* How many want it to stay open (worker/streams/fanin.c's). */
uint32_t	*link_wishes(struct link *l);

/* The master's answers.  attach takes fd.  refuse ends the waiting jobs with this text. */
void		link_attach(struct link *l, int fd);
void		link_refuse(struct link *l, struct span why);

/* Queues the call; bytes leave at the end of the turn.  0, E_FULL or E_NOMEM (on_end is not called
 * then).  `body` and `server` stay borrowed until on_end. */
must_check int	link_submit(struct link *l, struct link_job *j, const struct link_job_ops *ops,
		    const struct link_call *head, unsigned flags, struct span server, struct span body);
/* The answer's receiver took n bytes. */
void		link_job_credit(struct link_job *j, size_t n);
/* The answer to a request of the server's: a JSON-RPC response without line feeds, copied.  0; E_CLOSED: the
 * job has ended; E_TOOBIG; E_NOMEM. */
must_check int	link_job_reply(struct link_job *j, struct span message);
/* Asks for a stream when there is none, as a call would. */
void		link_open(struct link *l);
/* SUBSCRIBE, or UNSUBSCRIBE; `uri` is link_uri_ok().  When there is no stream nothing is said: then all is to
 * be said anew over the next one. */
void		link_subscribe(struct link *l, bool on, const struct link_subscription *what, struct span uri);
/* Nobody waits any more; on_end still comes, later, with whatever reason. */
void		link_job_cancel(struct link_job *j);

#endif
