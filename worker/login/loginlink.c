/* SPDX-License-Identifier: Apache-2.0
 *
 * loginlink.c - a link by which one user logs in at a server with "per": "user", and who is sent one
 *
 * Process: worker.  Owns: nothing beyond a request.
 * Trusts:  a ticket after mcp/sealed.c opened it; of a Host header that it was looked at (auth/front.h).
 */
#include <stdio.h>

#include "lib/crypt.h"
#include "lib/num.h"
#include "lib/url.h"
#include "mcp/capability.h"
#include "mcp/sealed.h"
#include "oauth/client.h"
#include "worker/call/call.h"
#include "worker/call/users.h"
#include "worker/front/reply.h"
#include "worker/login/loginlink.h"
#include "worker/talk/inputs.h"
#include "worker/worker.h"

#define SITE_MAX	512
#define TICKET_MAX	8192

/* ---- tickets ----------------------------------------------------------------------------------- */

/* Lines; the last is a name of which nothing is known. */
int
loginlink_seal(struct request *rq, const char *kind, const struct loginlink *l, struct buf *to)
{
	struct buf	b;
	int		r;

	buf_init(&b, TICKET_MAX);
	if ((r = buf_put_fmt(&b, "%llu\n%.*s\n%.*s\n%.*s\n",
	    (unsigned long long)(loop_wall_ms(rq->w->loop) + LOGINLINK_MS), SPAN_FMT(l->word), SPAN_FMT(l->tenant),
	    SPAN_FMT(l->server))) == 0 && (r = buf_put(&b, l->who)) == 0)
		r = sealed_seal(&rq->w->ring, kind, SPAN_LIT(LOGINLINK_PATH), buf_rest(&b), to);
	buf_fini(&b);
	return r;
}

int
loginlink_open(struct request *rq, const char *kind, struct span ticket, struct buf *text, struct loginlink *out)
{
	struct span	rest, ends;
	uint64_t	ms;
	int		r;

	if (ticket.n == 0 || ticket.n > TICKET_MAX)
		return E_DENIED;
	if ((r = sealed_open(&rq->w->ring, kind, SPAN_LIT(LOGINLINK_PATH), ticket, text)) != 0)
		return r;
	rest = buf_rest(text);
	ends = span_take_line(&rest);
	out->word = span_take_line(&rest);
	out->tenant = span_take_line(&rest);
	out->server = span_take_line(&rest);
	out->who = rest;
	return num_u64(ends, &ms) != 0 || ms < loop_wall_ms(rq->w->loop) || out->who.n == 0 ? E_DENIED : 0;
}

/* ---- links ------------------------------------------------------------------------------------- */

bool
loginlink_site(const struct request *rq, char *to, size_t room)
{
	const struct span	site = rq->config->params.public_url, host = http_head_get(&rq->x->head, HTTP_HOST);
	const bool		tls = rq->x->listener >= LISTEN_TLS;
	struct url		u;
	int			n;

	if (site.n > 0)
		n = snprintf(to, room, "%.*s", SPAN_FMT(site));
	else if (rq->x->peer.family == AF_UNIX || host.n == 0)
		return false;
	else
		n = snprintf(to, room, "http%s://%.*s", tls ? "s" : "", SPAN_FMT(host));
	while (n > 0 && n < (int)room && to[n - 1] == '/')
		to[--n] = '\0';
	/* What comes back there is a code: https, or this machine (mcp-wire 15.4, 3). */
	return n > 0 && n < (int)room && url_parse(span_of(to), &u) == NULL && (u.https || url_is_loopback(&u));
}

/* It can be shown one, and has to log in: somebody else's account is of no use to it. */
static bool
has_to(struct request *rq, const struct rec_server *server)
{
	const struct rec_auth	*auth = policy_auth_find(rq->config->policy, server);
	const struct snap	*tokens = swap_current(&rq->w->snaps, SNAP_TOKENS);
	const struct rec_token	*token;
	struct upstream_target	 t = { .token_key = 0 };

	if ((server->flags & SERVER_FLAG_PER_USER) == 0 || auth == NULL || auth->kind != OAUTH_AUTHORIZATION_CODE ||
	    tokens == NULL || (rq->capabilities & MCP_CAN_ELICIT_URL) == 0 ||
	    (!rq->modern && rq->version != MCP_2025_11_25))
		return false;
	t.token_key = policy_token_key(rq->config->policy, server);
	return users_target(rq->w, server, call_instance(rq, server), &t) == 0 &&
	    (token = policy_token_find(tokens, t.token_key)) != NULL && token->state == TOKEN_LOGIN;
}

static int
make_url(struct request *rq, const struct rec_server *server, struct buf *to)
{
	char			site[SITE_MAX], word[LOGINLINK_WORD + 1], who[USERS_WHO_MAX + 1];
	uint8_t			random[LOGINLINK_WORD / 2];
	struct loginlink	l = { .word = SPAN_NONE };
	int			r;

	if (!loginlink_site(rq, site, sizeof(site)))
		return E_NOTFOUND;
	if ((r = crypt_random(random, sizeof(random))) != 0 || (r = users_who(&rq->who, who)) != 0)
		return r;
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(word + 2 * i, 3, "%02x", random[i]);
	l = (struct loginlink){ span_of(word), rq->who.tenant, snap_text(rq->config->policy, server->name),
	    span_of(who) };
	if ((r = buf_put_fmt(to, "%s" LOGINLINK_PATH "?ticket=", site)) != 0)
		return r;
	return loginlink_seal(rq, "login", &l, to);
}

/* Error -32042 of 2025-11-25: go there, then make the call again (mcp-wire 9.4). */
static int
reply_legacy(struct request *rq, struct span server, struct span url, struct span message)
{
	const struct span	said = arena_fmt(&rq->x->arena, "%.*s: %.*s", SPAN_FMT(server), SPAN_FMT(message));
	struct buf		b;
	int			r;

	buf_init(&b, 64 * 1024);
	if ((r = buf_put_str(&b, "{\"jsonrpc\":\"2.0\",\"id\":")) == 0 && (r = buf_put(&b, rq->msg.id)) == 0 &&
	    (r = buf_put_str(&b, ",\"error\":{\"code\":-32042,\"message\":")) == 0 &&
	    (r = json_put_string(&b, said)) == 0 &&
	    (r = buf_put_fmt(&b, ",\"data\":{\"elicitations\":[{\"mode\":\"url\",\"elicitationId\":\"%s\",\"url\":",
	    rq->id_text)) == 0 && (r = json_put_string(&b, url)) == 0 && (r = buf_put_str(&b, ",\"message\":")) == 0 &&
	    (r = json_put_string(&b, said)) == 0 &&
	    (r = buf_put_str(&b, "}]}}}")) == 0)
		reply_message(rq, 0, &b);
	buf_fini(&b);
	return r;
}

bool
loginlink_offer(struct request *rq, const struct rec_server *server)
{
	const struct span	name = snap_text(rq->config->policy, server->name);
	const struct span	message = SPAN_LIT("log in there, so that the gateway can call it for you; then make "
				    "the call again");
	struct buf		url;
	bool			done;

	if (!has_to(rq, server))
		return false;
	buf_init(&url, 2 * TICKET_MAX);
	done = make_url(rq, server, &url) == 0 && (rq->modern ? inputs_reply_url(rq, name, buf_rest(&url), message) :
	    reply_legacy(rq, name, buf_rest(&url), message)) == 0;
	buf_fini(&url);
	return done;
}
