/* SPDX-License-Identifier: Apache-2.0
 *
 * subscribe.h - which resources workers want to hear of, and what their tools were told (ipc/link.h)
 *
 * Kept by server and isolation key, so they outlive the instance: the next one is told anew.
 */
#ifndef SANDBOX_RUNNER_SUBSCRIBE_H
#define SANDBOX_RUNNER_SUBSCRIBE_H

#include "ipc/link.h"
#include "lib/buf.h"

#define SUBS_ALL	65536		/* of all servers and keys */

struct instance;
struct runner;
struct server;
struct subs;
struct wlink;

/* A SUBSCRIBE or UNSUBSCRIBE frame.  0 or E_FORMAT: the link must end. */
must_check int	subs_frame(struct wlink *l, const struct link_head *h, struct span payload);
/* A link is gone, and with it what it wanted. */
void		subs_forget_link(struct wlink *l);
void		subs_forget_server(struct server *s);

/* Has anybody of this key subscribed to the URI, or to one above it? */
bool		subs_want(const struct server *s, uint64_t key, struct span uri);
/* Appends the URIs of the key, as JSON strings with commas between them.  0, or E_TOOBIG, E_NOMEM. */
must_check int	subs_put(const struct server *s, uint64_t key, struct buf *to);

/* A legacy tool has come up: it is told all of its key before any call. */
void		subs_restore(struct instance *i);
/* End of the turn: tools are told what changed. */
void		subs_pump(struct runner *r);

#endif
