/* SPDX-License-Identifier: Apache-2.0
 *
 * inner.h - a request within a request: an exchange whose wire is ourselves
 *
 * It has the peer of the outer exchange, its head or one made of that (worker/front/rehead.h), and a body of its own,
 * so it is identified, judged and recorded as if its client had sent it alone.  Its answer is kept here until
 * somebody takes it.
 */
#ifndef WORKER_FRONT_INNER_H
#define WORKER_FRONT_INNER_H

#include "http/exchange.h"
#include "lib/buf.h"

struct inner;

/* Something came, or the answer ended.  To be noted only: nothing of this header may be called in it. */
typedef void inner_ready_fn(struct inner *in, void *arg);
/* The answer's head; in->status is set.  Its fields are borrowed for the call. */
typedef void inner_head_fn(struct inner *in, const struct exchange_field *fields, size_t n, void *arg);

struct inner_how {
	exchange_fn		*handler;	/* as that of a connection */
	void			*handler_arg;
	inner_ready_fn		*ready;
	void			*ready_arg;
	struct http_budget	*budget;	/* of what is kept of answers */
	inner_head_fn		*head;		/* may be NULL; its argument is that of ready */
};

struct inner {			/* embedded by whoever begins it; all zero before */
	uint32_t		 magic;
	struct exchange		*x;
	const struct inner_how	*how;		/* the owner's, until inner_fini() */
	struct span		 body;		/* what is left of it; the owner's, until inner_fini() */
	bool			 feeding;
	/* the answer */
	unsigned		 status;	/* 0 before it */
	bool			 events;	/* its body is an event stream */
	enum flow_end		 ended;		/* FLOW_OPEN: more may come */
	int			 error;		/* there was no room for all of it: E_OVERLOAD, E_NOMEM;
						 * nothing comes any more but the end */
	struct buf		 kept;
	size_t			 whole;		/* of an event stream: where its last whole event ends */
	size_t			 owed;		/* came, and is not credited yet */
};

/* head NULL: that of the outer one; it is copied.  The body is borrowed.  When there is no memory it has ended at
 * once, with in->error. */
void		inner_begin(struct inner *in, const struct exchange *outer, const struct http_head *head,
		    struct span body, const struct inner_how *how);
/* What came and was not taken: of an event stream whole events; of anything else all so far.  Borrowed until
 * more comes. */
struct span	inner_kept(const struct inner *in);
/* The first n bytes of that are dealt with. */
void		inner_take(struct inner *in, size_t n);
/* As much may come again as came since the last time. */
void		inner_credit(struct inner *in);
/* Is its body not needed any more? */
bool		inner_is_fed(const struct inner *in);
/* It has ended: what it holds but its answer goes. */
void		inner_release(struct inner *in);
/* Is this exchange, which is not gone, one of these? */
bool		inner_is(const struct exchange *x);
/* Lets go of it.  One that has not ended learns that its client is gone. */
void		inner_fini(struct inner *in);

#endif
