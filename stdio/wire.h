/* SPDX-License-Identifier: Apache-2.0
 *
 * wire.h - connections to the gateway's unix socket: one request at a time on each, then kept for the next
 */
#ifndef STDIO_WIRE_H
#define STDIO_WIRE_H

#include "http/body.h"
#include "lib/buf.h"

#define WIRES_MAX	512u		/* requests under way */
#define WIRES_IDLE	16u		/* connections that are kept */
#define WIRE_READ	(64u * 1024)

/* Whoever sent a request hears of its answer.  None may free the wire; wire_drop() they may. */
struct wire_user {
	void	(*head)(void *arg, const struct http_head *h);	/* not for 1xx */
	int	(*body)(void *arg, struct span bytes);		/* not 0 ends it with that error */
	/* The last call.  err: 0, the answer is whole; E_CLOSED: there was none; E_SHORT: it broke off;
	 * E_HTTP_*; what body answered.  unheard: the gateway cannot have had the whole request. */
	void	(*end)(void *arg, int err, bool unheard);
};

enum wire_state { WIRE_IDLE, WIRE_HEAD, WIRE_BODY, WIRE_DEAD };

struct wire {
	struct wire		*next;
	enum wire_state		 state;
	int			 fd;
	struct buf		 out;		/* the request's head */
	struct span		 body;		/* borrowed; what is left of it to send */
	bool			 sent, broken;	/* all of it; no more can be sent */
	struct buf		 in;		/* bytes of the answer's head */
	struct http_head	 head;
	struct http_body	 framing;
	const struct wire_user	*user;
	void			*arg;
};

struct wires {
	const char	*path;
	struct wire	*all;		/* newest first; dead ones until wires_sweep() */
	size_t		 busy, idle;
};

void		wires_init(struct wires *ws, const char *path);
void		wires_fini(struct wires *ws);
/* Frees what is dead; while nobody walks over `all`. */
void		wires_sweep(struct wires *ws);

/* Sends a request: head is copied, body is borrowed until the end.  0; E_NOTFOUND: nobody listens;
 * E_DENIED; E_AGAIN: too many wait there; E_FULL: WIRES_MAX; E_SYS, E_TOOBIG, E_NOMEM.  The user hears
 * nothing before this has returned. */
must_check int	wires_send(struct wires *ws, struct span head, struct span body,
		    const struct wire_user *user, void *arg, struct wire **out);
/* Is there somebody listening?  0 or as above; the connection is kept. */
must_check int	wires_try(struct wires *ws);
/* Hangs up in the middle; the user hears no more. */
void		wire_drop(struct wires *ws, struct wire *w);

/* For poll(2): what it waits for, 0: nothing, leave it out; what came. */
short		wire_events(const struct wire *w, bool may_read);
void		wire_ready(struct wires *ws, struct wire *w, short revents, bool may_read);

#endif
