/* SPDX-License-Identifier: Apache-2.0
 *
 * trip.h - one way to a token (oauth/flow.h), gone by fetches
 */
#ifndef SCOUT_TRIP_H
#define SCOUT_TRIP_H

#include "oauth/flow.h"
#include "policy/records.h"
#include "scout/scout.h"

struct trip;

struct trip_ops {
	/* A browser is to follow oauth_flow_url(); trip_redirected() then. */
	void	(*on_browser)(struct trip *t);
	/* Once, last: done, or failed; the owner ends it with trip_fini(), here or later. */
	void	(*on_end)(struct trip *t, bool done);
};

struct trip {				/* embedded in its owner */
	struct scout		*s;
	const struct trip_ops	*ops;
	struct oauth_flow	*flow;		/* NULL: there is none */
	struct errand		*errand;
	struct snap		*policy, *secrets;	/* held: the client's texts are theirs */
	const struct rec_server	*server;
	bool			 here;
	char			*subject;	/* malloc'ed; NULL: the operator's */
	char			*redirect_uri;	/* of a login that the operator's words have none for; malloc'ed */
};

/* What is known of a client besides its AUTH; NULL and empty: nothing. */
struct trip_begin {
	enum oauth_aim			 aim;
	const struct oauth_grant	*known;
	struct span			 challenge, earlier_scope, redirect_uri;
	struct span			 subject_token;	/* a user's, in the place of the operator's; copied */
	bool				 step_up;
	bool				 here;		/* the redirect leads to the gateway */
};

/* It may have ended before this is back.  E_NOMEM, E_NOTFOUND (the server has no AUTH), errors
 * of oauth_flow_new(). */
must_check int	trip_init(struct trip *t, struct scout *s, const struct trip_ops *ops, const struct rec_server *server,
		    const struct trip_begin *b);
/* As oauth_flow_redirected(). */
must_check int	trip_redirected(struct trip *t, struct span query);
/* Cancels it; no-op when there is none. */
void		trip_fini(struct trip *t);

#endif
