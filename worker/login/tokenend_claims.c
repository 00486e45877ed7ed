/* SPDX-License-Identifier: Apache-2.0
 *
 * tokenend_claims.c - /token: what a session token says of whom it is for (auth/own.h reads it)
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  the principal, who was identified; of an issuer's token what it proved.
 */
#include "auth/jwt.h"
#include "auth/own.h"
#include "auth/stands.h"
#include "lib/json.h"
#include "lib/nameset.h"
#include "worker/login/tokenend_priv.h"

static int
put_text(struct buf *b, const char *name, struct span text)
{
	int	r;

	if (text.n == 0)
		return 0;
	if ((r = buf_put_fmt(b, "%s\"%s\":", b->data[b->used - 1] == '{' ? "" : ",", name)) != 0)
		return r;
	return json_put_string(b, text);
}

static int
put_set(struct buf *b, const char *name, struct span set)
{
	const char	*before = "[";
	struct span	 one;
	int		 r;

	if (set.n == 0)
		return 0;
	r = buf_put_fmt(b, ",\"%s\":", name);
	for (; r == 0 && (one = nameset_take(&set)).n > 0; before = ",")
		if ((r = buf_put_str(b, before)) == 0)
			r = json_put_string(b, one);
	return r == 0 ? buf_put_str(b, "]") : r;
}

/* Of an issuer's token what it may be revoked by. */
static int
put_origin(struct buf *b, struct request *rq, struct span token)
{
	const char	*why;
	struct jwt	 t;
	struct span	 jti;
	uint64_t	 iat = 0;
	int		 r;

	if ((r = jwt_read(token, &rq->x->arena, &t, &why)) != 0 ||
	    (r = jwt_claim(&t, "jti", &rq->x->arena, &jti)) != 0)
		return r;
	(void)!json_u64(json_get(t.claims, "iat"), &iat);
	if ((r = put_text(b, "jti", jti)) != 0)
		return r;
	return buf_put_fmt(b, ",\"iat\":%llu", (unsigned long long)iat);
}

/* Of a local user what the policy is asked by again. */
static int
put_group(struct buf *b, const struct request *rq, const struct principal *who)
{
	const struct exchange_peer	*p = &rq->x->peer;
	const struct auth_peer		 peer = { .uid = p->uid, .gids = p->groups, .gid_count = p->group_count };
	uint32_t			 gid;

	if (who->how != HOW_PEER || !stands_by_group(rq->config->policy, who->tenant, who->agent, &peer, &gid))
		return 0;
	return buf_put_fmt(b, ",\"" OWN_GROUP "\":%u", gid);
}

int
tokenend_put_claims(struct buf *b, struct request *rq, const struct principal *who, struct span shown,
    struct span key_hex)
{
	const struct traits	*t = &who->traits;
	int			 r;

	if ((r = buf_put_str(b, "{")) != 0 || (r = put_text(b, "sub", who->subject)) != 0 ||
	    (r = put_text(b, "agent", who->agent)) != 0 || (r = put_text(b, "tenant", who->tenant)) != 0 ||
	    (r = put_text(b, "workspace", t->workspace)) != 0 || (r = put_set(b, "roles", t->roles)) != 0 ||
	    (r = put_set(b, "groups", t->groups)) != 0 || (r = buf_put_str(b, ",\"" OWN_VIA "\":{")) != 0 ||
	    (r = put_text(b, "how", span_of(decide_how(who->how)))) != 0 || (r = put_text(b, "key", key_hex)) != 0 ||
	    (r = put_text(b, "issuer", t->issuer)) != 0 || (r = put_text(b, "user", t->user)) != 0 ||
	    (r = put_text(b, "email", t->email)) != 0 || (r = put_group(b, rq, who)) != 0 ||
	    (who->how == HOW_TOKEN && (r = put_origin(b, rq, shown)) != 0))
		return r;
	return buf_put_str(b, "}}");
}

int
tokenend_put_words(struct buf *b, struct span set)
{
	struct span	one;
	int		r = 0;

	for (const char *before = ""; r == 0 && (one = nameset_take(&set)).n > 0; before = " ")
		r = buf_put_fmt(b, "%s%.*s", before, SPAN_FMT(one));
	return r;
}
