/* SPDX-License-Identifier: Apache-2.0
 *
 * flow.h - the way to a token for a protected server, one fetch after the other (mcp-wire 15.4)
 *
 * Nothing here has a socket: whoever drives a flow does what oauth_flow_step() says, and tells what came of it.
 * A flow ends with a grant, or with a reason for people.
 */
#ifndef OAUTH_FLOW_H
#define OAUTH_FLOW_H

#include "oauth/client.h"
#include "oauth/pkce.h"

#define OAUTH_WHY_MAX	400

enum oauth_aim {
	OAUTH_AIM_TOKEN,	/* what can be had without anybody's browser */
	OAUTH_AIM_LOGIN,	/* somebody is there who will follow a url */
	OAUTH_AIM_REVOKE,	/* what is known ends where it was given (RFC 7009); DONE has no grant of use */
};

enum oauth_step {
	OAUTH_STEP_FETCH,	/* then oauth_flow_fetched() */
	OAUTH_STEP_BROWSER,	/* then oauth_flow_redirected() */
	OAUTH_STEP_DONE,
	OAUTH_STEP_FAILED,
};

struct oauth_fetch {			/* borrowed until oauth_flow_fetched() */
	bool		post;
	bool		learnt;		/* no operator wrote this url: policy/guard.h */
	bool		secret;		/* it follows no redirect */
	struct span	url;
	struct span	content_type, authorization, body;	/* empty: none */
};

struct oauth_fetched {
	int		error;		/* no answer: E_*, and why */
	struct span	why;
	unsigned	status;
	struct span	body, challenge;	/* challenge: WWW-Authenticate */
};

/* Why a flow failed, for whoever decides what happens next. */
enum oauth_failure {
	OAUTH_LATER = 1,	/* something was not reached: worth another try */
	OAUTH_REFUSED,		/* by the authorization server, or by what must not be */
	OAUTH_LOGIN,		/* somebody has to log in */
};

struct oauth_begin {
	const struct oauth_client *client;	/* its texts are borrowed as long as the flow */
	enum oauth_aim		 aim;
	const struct oauth_grant *known;	/* what is kept, or NULL; copied */
	struct span		 challenge;	/* the server's, or empty: it is asked for one */
	struct span		 earlier_scope;	/* that was asked for before: more is asked for, not other */
	bool			 step_up;	/* the challenge wants more than what was given */
};

struct oauth_flow;

/* E_NOMEM; E_FORMAT: the client's url is none. */
must_check int	oauth_flow_new(const struct oauth_begin *b, struct oauth_flow **out);
/* Wipes what it knew. */
void		oauth_flow_free(struct oauth_flow **f);

/* What is to be done next; the same until it was done.  now_s: wall clock. */
enum oauth_step	oauth_flow_step(struct oauth_flow *f, uint64_t now_s);
const struct oauth_fetch *oauth_flow_fetch(const struct oauth_flow *f);
void		oauth_flow_fetched(struct oauth_flow *f, const struct oauth_fetched *a);
/* BROWSER: the url to follow, and whose it is. */
struct span	oauth_flow_url(const struct oauth_flow *f);
struct span	oauth_flow_issuer(const struct oauth_flow *f);
/* The query of the redirect.  E_DENIED: not an answer to this flow (state), which goes on. */
must_check int	oauth_flow_redirected(struct oauth_flow *f, struct span query);

/* DONE: borrowed as long as the flow. */
const struct oauth_grant *oauth_flow_grant(const struct oauth_flow *f);
/* The scopes that were asked for, last; borrowed. */
struct span	oauth_flow_scope(const struct oauth_flow *f);
/* FAILED. */
enum oauth_failure oauth_flow_failure(const struct oauth_flow *f);
const char	*oauth_flow_why(const struct oauth_flow *f);

#endif
