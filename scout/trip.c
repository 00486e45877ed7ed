/* SPDX-License-Identifier: Apache-2.0
 *
 * trip.c - one way to a token, gone by fetches
 *
 * Process: mcpgw-scout.
 * Owns:    the flow, its fetch, and the snapshots that its texts are in.
 * Trusts:  the policy.  Answers go to the flow as they come.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crypt.h"
#include "lib/url.h"
#include "policy/policy.h"
#include "scout/trip.h"
#include "upstream/errand.h"

#define FETCH_MS	15000

static void	trip_go(struct trip *t);

/* ---- what the operator wrote ------------------------------------------------------------------- */

static void
on_secret(struct span name, struct span value, void *arg)
{
	struct oauth_client	*c = arg;

	if (span_is(name, "client_secret"))
		c->client_secret = value;
	else if (span_is(name, "private_key"))
		c->private_key = value;
	else if (span_is(name, "subject_token"))
		c->subject_token = value;
	else if (span_is(name, "token_endpoint_client_secret"))
		c->exchange_secret = value;
}

static struct oauth_client
client_of(const struct trip *t, const struct rec_auth *a)
{
	const struct snap	*p = t->policy;
	struct oauth_client	 c = {
		.kind = a->kind < OAUTH_KIND_LIMIT ? (enum oauth_kind)a->kind : OAUTH_CLIENT_CREDENTIALS,
		.url = snap_text(p, a->url), .issuer = snap_text(p, a->issuer),
		.any_issuer = (a->flags & AUTH_FLAG_ANY_ISSUER) != 0,
		.client_id = snap_text(p, a->client_id), .key_id = snap_text(p, a->key_id),
		.alg = a->alg < JWS_ALG_LIMIT ? (enum jws_alg)a->alg : JWS_ALG_LIMIT,
		.metadata_url = snap_text(p, a->client_metadata),
		.may_register = (a->flags & AUTH_FLAG_REGISTER) != 0,
		.scope = snap_text(p, a->scopes), .redirect_uri = snap_text(p, a->redirect_uri),
		.exchange_endpoint = snap_text(p, a->token_endpoint),
		.exchange_id = snap_text(p, a->token_endpoint_client_id),
		.subject_type = snap_text(p, a->subject_token_type),
		.requested_type = snap_text(p, a->requested_token_type), .audience = snap_text(p, a->audience),
	};

	if (c.redirect_uri.n == 0 || t->here)
		c.redirect_uri = span_of(t->redirect_uri);
	if (t->secrets != NULL)
		policy_secrets_each(t->secrets, policy_tenant_name(p, t->server->tenant), snap_text(p, t->server->name),
		    on_secret, &c);
	if (t->subject != NULL)
		c.subject_token = span_of(t->subject);
	return c;
}

/* ---- fetches ----------------------------------------------------------------------------------- */

/* Of the server itself, what the compiler found; of "localhost", what that is everywhere. */
static size_t
addresses_of(const struct trip *t, const struct oauth_fetch *f, struct addr to[ERRAND_ADDRESSES_MAX])
{
	const struct rec_server		*sv = t->server;
	const struct rec_address	*a;
	struct url			 u;
	size_t				 n = 0;

	if (url_parse(f->url, &u) != NULL || f->learnt)
		return 0;
	if (span_eq_nocase(u.host, SPAN_LIT("localhost"))) {
		const struct in_addr	here = { htonl(INADDR_LOOPBACK) };

		to[0] = (struct addr){ .family = AF_INET };
		memcpy(to[0].bytes, &here, sizeof(here));
		to[1] = (struct addr){ .family = AF_INET6 };
		memcpy(to[1].bytes, &in6addr_loopback, sizeof(in6addr_loopback));
		return 2;
	}
	if (!span_eq_nocase(u.authority, snap_text(t->policy, sv->url_host)))
		return 0;
	for (; n < sv->address_count && n < ERRAND_ADDRESSES_MAX; n++) {
		if ((a = SNAP_AT(t->policy, ADDRESS, (uint64_t)sv->address_first + n)) == NULL)
			break;
		to[n] = (struct addr){ .family = a->family };
		memcpy(to[n].bytes, a->bytes, sizeof(a->bytes));
	}
	return n;
}

static void
on_fetched(const struct errand_answer *e, void *arg)
{
	struct trip			*t = arg;
	const struct oauth_fetched	 a = { .error = e->error, .why = span_of(e->why), .status = e->status,
	    .body = e->body, .challenge = e->challenge };

	oauth_flow_fetched(t->flow, &a);
	trip_go(t);
}

static int
fetch(struct trip *t, const char **why)
{
	const struct oauth_fetch	*f = oauth_flow_fetch(t->flow);
	const struct exchange_field	 revision = { SPAN_LIT("MCP-Protocol-Version"), SPAN_LIT("2025-11-25") };
	struct addr			 found[ERRAND_ADDRESSES_MAX];
	struct errand_request		 q = { .url = f->url, .learnt = f->learnt, .post = f->post,
	    .accept = f->post && !f->secret ? SPAN_LIT("application/json, text/event-stream") :
	    SPAN_LIT("application/json"), .content_type = f->content_type, .body = f->body,
	    .authorization = f->authorization, .fields = &revision, .field_count = f->secret ? 0 : 1,
	    .deadline_ms = FETCH_MS, .addresses = found, .policy = t->policy,
	    .anchor_first = t->server->anchor_first, .anchor_count = t->server->anchor_count };

	q.address_count = addresses_of(t, f, found);
	return errand_start(t->s->errands, &q, on_fetched, t, &t->errand, why);
}

static void
trip_go(struct trip *t)
{
	const char	*why = NULL;
	int		 r;

	for (;;) {
		switch (oauth_flow_step(t->flow, loop_wall_ms(t->s->loop) / 1000)) {
		case OAUTH_STEP_FETCH:
			if ((r = fetch(t, &why)) == 0)
				return;
			oauth_flow_fetched(t->flow, &(struct oauth_fetched){ .error = r,
			    .why = span_of(why != NULL ? why : err_text(r)) });
			break;
		case OAUTH_STEP_BROWSER:
			if (t->ops->on_browser != NULL)
				t->ops->on_browser(t);
			return;
		case OAUTH_STEP_DONE:
			t->ops->on_end(t, true);
			return;
		case OAUTH_STEP_FAILED:
			t->ops->on_end(t, false);
			return;
		}
	}
}

/* ---- for owners -------------------------------------------------------------------------------- */

int
trip_init(struct trip *t, struct scout *s, const struct trip_ops *ops, const struct rec_server *server,
    const struct trip_begin *b)
{
	const struct rec_auth	*a;
	struct oauth_client	 client;
	struct oauth_begin	 begin = { .client = &client, .aim = b->aim, .known = b->known,
	    .challenge = b->challenge, .earlier_scope = b->earlier_scope, .step_up = b->step_up };
	int			 r;

	*t = (struct trip){ .s = s, .ops = ops, .server = server, .here = b->here };
	if ((a = policy_auth_find(s->snaps.current[SNAP_POLICY], server)) == NULL)
		return E_NOTFOUND;
	t->policy = swap_hold(&s->snaps, SNAP_POLICY);
	t->secrets = swap_hold(&s->snaps, SNAP_SECRETS);
	if (b->subject_token.n > 0 && (t->subject = strndup(b->subject_token.p, b->subject_token.n)) == NULL) {
		trip_fini(t);
		return E_NOMEM;
	}
	if (b->redirect_uri.n > 0 && (t->redirect_uri = strndup(b->redirect_uri.p, b->redirect_uri.n)) == NULL) {
		trip_fini(t);
		return E_NOMEM;
	}
	client = client_of(t, a);
	if ((r = oauth_flow_new(&begin, &t->flow)) != 0) {
		trip_fini(t);
		return r;
	}
	trip_go(t);
	return 0;
}

int
trip_redirected(struct trip *t, struct span query)
{
	int	r;

	if (t->flow == NULL)
		return E_DENIED;
	if ((r = oauth_flow_redirected(t->flow, query)) == 0)
		trip_go(t);
	return r;
}

void
trip_fini(struct trip *t)
{
	errand_cancel(&t->errand);
	oauth_flow_free(&t->flow);
	snap_release(&t->policy);
	snap_release(&t->secrets);
	free(t->redirect_uri);
	t->redirect_uri = NULL;
	if (t->subject != NULL)
		crypt_wipe(t->subject, strlen(t->subject));
	free(t->subject);
	t->subject = NULL;
}
