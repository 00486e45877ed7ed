/* SPDX-License-Identifier: Apache-2.0
 *
 * flow_priv.h - a flow from within: flow.c leads it, flow_find.c finds the servers, flow_ask.c asks for tokens
 */
#ifndef OAUTH_FLOW_PRIV_H
#define OAUTH_FLOW_PRIV_H

#include "oauth/challenge.h"
#include "oauth/flow.h"
#include "oauth/request.h"
#include "oauth/scope.h"

enum flow_stage {
	FLOW_PROBE, FLOW_RESOURCE, FLOW_SERVER, FLOW_REGISTER, FLOW_BROWSER, FLOW_CODE, FLOW_REFRESH, FLOW_CREDENTIALS,
	FLOW_EXCHANGE, FLOW_ASSERT, FLOW_REVOKE, FLOW_REVOKE_ACCESS, FLOW_DONE, FLOW_FAILED
};

struct oauth_flow {
	struct oauth_client	 client;
	enum oauth_aim		 aim;
	struct arena		 arena;
	struct oauth_grant	 known;		/* issuer empty: nothing is */
	struct oauth_grant	 grant;		/* what becomes of it */
	struct oauth_challenge	 challenge;
	struct span		 earlier_scope, scope;
	bool			 step_up, asked;	/* asked: fetch is made */
	enum flow_stage		 stage;
	struct oauth_fetch	 fetch;
	struct buf		 body;
	struct span		 url;		/* the server's, canonical */
	struct span		 places[OAUTH_PLACES_MAX + 1];
	size_t			 place, place_count;
	struct oauth_resource	 resource;
	struct span		 issuer;
	struct oauth_server	 server;
	struct oauth_pkce	 pkce;
	struct span		 browse, code;
	struct span		 assertion;	/* what was exchanged, for the issuer */
	struct jws_signer	 signer;
	uint64_t		 now_s;
	enum oauth_failure	 failure;
	char			 why[OAUTH_WHY_MAX];
};

/* Each answers 0; or a negative E_* for want of memory, which ends the flow. */
must_check int	flow_fail(struct oauth_flow *f, enum oauth_failure failure, const char *fmt, ...)
		    __attribute__((format(printf, 3, 4)));

/* flow_find.c */
must_check int	flow_find_begin(struct oauth_flow *f);
must_check int	flow_find_known(struct oauth_flow *f);	/* of the known grant's issuer */
must_check int	flow_find_fetch(struct oauth_flow *f);
must_check int	flow_find_fetched(struct oauth_flow *f, const struct oauth_fetched *a);

/* flow_ask.c: the issuer is known, and what it says of itself. */
must_check int	flow_ask_begin(struct oauth_flow *f);
must_check int	flow_ask_fetch(struct oauth_flow *f);
must_check int	flow_ask_fetched(struct oauth_flow *f, const struct oauth_fetched *a);

#endif
