/* SPDX-License-Identifier: Apache-2.0
 *
 * compare.c - two policies: whose calls are decided otherwise, which servers and parameters are others
 *
 * Process: mcpgwctl.
 * Owns:    the lists of a struct compare; all texts stay the policies'.
 * Trusts:  both policies, which snap_map() has verified, and policy/decide.c, which workers ask too.
 */
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/compare/compare.h"
#include "ctl/compare/compare_priv.h"
#include "lib/log.h"
#include "lib/sum.h"
#include "policy/params.h"
#include "policy/policy.h"

void *
compare_more(void *items, size_t count, size_t bytes)
{
	/* room doubles at the powers of two, so the count alone tells when */
	if (count != 0 && (count & (count - 1)) != 0)
		return items;
	if ((items = realloc(items, (count == 0 ? 1 : count * 2) * bytes)) == NULL)
		fatal(EX_OSERR, "out of memory");
	return items;
}

/* ---- servers -------------------------------------------------------------------------------------- */

static bool
same_text(const struct compare *c, struct stext a, struct stext b)
{
	return span_eq(snap_text(c->before, a), snap_text(c->after, b));
}

static bool
server_changed(const struct compare *c, const struct rec_server *a, const struct rec_server *b,
    enum compare_server_change *change)
{
	const bool	off_before = a != NULL && (a->flags & SERVER_FLAG_DISABLED) != 0;
	const bool	off_after = b != NULL && (b->flags & SERVER_FLAG_DISABLED) != 0;

	if (a == NULL || b == NULL) {
		*change = a == NULL ? SERVER_COMES : SERVER_GOES;
		return true;
	}
	if (off_before != off_after) {
		*change = off_after ? SERVER_DISABLED : SERVER_ENABLED;
		return true;
	}
	*change = SERVER_RESTARTS;
	if (a->kind != b->kind || a->profile != b->profile)
		return true;
	*change = SERVER_DIFFERS;
	return !same_text(c, a->prefix, b->prefix) || !same_text(c, a->description, b->description) ||
	    !same_text(c, a->shown, b->shown) || !same_text(c, a->why, b->why) || a->flags != b->flags ||
	    a->timeout_ms != b->timeout_ms || a->isolation != b->isolation || a->era != b->era ||
	    a->transport != b->transport;
}

static void
server_look(struct compare *c, const struct rec_server *a, const struct rec_server *b)
{
	enum compare_server_change	change;

	if (!server_changed(c, a, b, &change))
		return;
	c->restarts += change == SERVER_RESTARTS;
	c->servers = compare_more(c->servers, c->server_count, sizeof(*c->servers));
	c->servers[c->server_count++] = (struct compare_server){ a, b, change };
}

static const struct rec_server *
same_server(const struct snap *from, const struct rec_server *server, const struct snap *in)
{
	return policy_server_find(in, policy_tenant_name(from, server->tenant), snap_text(from, server->name));
}

static void
compare_servers(struct compare *c)
{
	const struct rec_server	*s;

	for (uint64_t i = 0; (s = SNAP_AT(c->before, SERVER, i)) != NULL; i++)
		server_look(c, s, same_server(c->before, s, c->after));
	for (uint64_t i = 0; (s = SNAP_AT(c->after, SERVER, i)) != NULL; i++)
		if (same_server(c->after, s, c->before) == NULL)
			server_look(c, NULL, s);
}

/* ---- all else ------------------------------------------------------------------------------------- */

/* Is it the same file of two configuration folders? */
static bool
is_same_place(const struct compare *c, const struct rec_param *a, const struct rec_param *b)
{
	const struct rec_param	*was = SNAP_AT(c->before, PARAM, PARAM_ID_config_dir);
	const struct rec_param	*is = SNAP_AT(c->after, PARAM, PARAM_ID_config_dir);
	const struct span	 from = was == NULL ? SPAN_NONE : snap_text(c->before, was->text);
	const struct span	 to = is == NULL ? SPAN_NONE : snap_text(c->after, is->text);
	const struct span	 x = snap_text(c->before, a->text), y = snap_text(c->after, b->text);

	return from.n > 0 && to.n > 0 && span_starts(x, from) && span_starts(y, to) &&
	    span_eq(span_part(x, from.n, x.n), span_part(y, to.n, y.n));
}

static void
compare_params(struct compare *c)
{
	const struct rec_param	*a, *b;

	for (unsigned id = 0; id < PARAM_ID_LIMIT; id++) {
		if (id == PARAM_ID_config_dir || (a = SNAP_AT(c->before, PARAM, id)) == NULL ||
		    (b = SNAP_AT(c->after, PARAM, id)) == NULL ||
		    (a->number == b->number && same_text(c, a->text, b->text)))
			continue;
		/* Where the files are is no difference by itself: what they say is compared. */
		if (id == PARAM_ID_servers_file || id == PARAM_ID_rules_file || id == PARAM_ID_tools_dir ||
		    id == PARAM_ID_policy_file || id == PARAM_ID_tools_file || id == PARAM_ID_issuers_file ||
		    is_same_place(c, a, b))
			continue;
		c->params = compare_more(c->params, c->param_count, sizeof(*c->params));
		c->params[c->param_count++] = id;
	}
}

static void
digest(uint64_t *sum, struct span s)
{
	*sum = sum64_more(*sum, span_make(&s.n, sizeof(s.n)));
	*sum = sum64_more(*sum, s);
}

static void
digest_agent(uint64_t *sum, const struct snap *s, uint32_t index)
{
	const struct rec_agent	*a = SNAP_AT(s, AGENT, index);

	digest(sum, a == NULL ? SPAN_NONE : snap_text(s, a->name));
}

static uint64_t
peers_sum(const struct snap *s)
{
	const struct rec_peer	*p;
	uint64_t		 sum = sum64(SPAN_NONE);

	for (uint64_t i = 0; (p = SNAP_AT(s, PEER, i)) != NULL; i++) {
		digest(&sum, span_make(p, offsetof(struct rec_peer, agent)));
		digest_agent(&sum, s, p->agent);
	}
	return sum;
}

static void
digest_limit(uint64_t *sum, const struct snap *s, const struct rec_limit *l)
{
	const uint32_t		 of[] = { l->burst, l->of, l->by, l->max_concurrent };
	const struct rec_quota	*q;

	digest(sum, snap_text(s, l->server));
	digest(sum, snap_text(s, l->tool));
	digest(sum, snap_text(s, l->path));
	digest(sum, span_make(&l->interval_ns, sizeof(l->interval_ns)));
	digest(sum, span_make(of, sizeof(of)));
	for (uint32_t i = 0; (q = policy_quota(s, l, i)) != NULL; i++)
		digest(sum, span_make(q, sizeof(*q)));
	digest_agent(sum, s, l->agent);
}

static uint64_t
limits_sum(const struct snap *s)
{
	const struct rec_limit	*l;
	uint64_t		 sum = sum64(SPAN_NONE);

	for (uint64_t i = 0; (l = SNAP_AT(s, BUCKET, i)) != NULL; i++)
		digest_limit(&sum, s, l);
	for (uint64_t i = 0; (l = SNAP_AT(s, TENANT_LIMIT, i)) != NULL; i++)
		digest_limit(&sum, s, l);
	return sum;
}

static void
digest_keys(uint64_t *sum, const struct snap *s)
{
	const struct rec_verifier	*v;
	const struct rec_keysource	*k;

	for (uint64_t i = 0; (v = SNAP_AT(s, VERIFIER, i)) != NULL; i++) {
		const uint32_t	of[] = { v->algs, v->has_kid };

		digest(sum, snap_text(s, v->kid));
		digest(sum, snap_text(s, v->der));
		digest(sum, span_make(of, sizeof(of)));
	}
	for (uint64_t i = 0; (k = SNAP_AT(s, KEYSOURCE, i)) != NULL; i++) {
		const uint64_t	of[] = { k->id, k->keep_ms, k->issuer };

		digest(sum, span_make(of, sizeof(of)));
	}
}

/* Who signs tokens, with which keys, for whom, and as which agents their bearers act. */
static uint64_t
issuers_sum(const struct snap *s)
{
	const struct rec_issuer		*e;
	const struct rec_audience	*a;
	const struct rec_standin	*st;
	uint64_t			 sum = sum64(SPAN_NONE);

	for (uint64_t i = 0; (e = SNAP_AT(s, ISSUER, i)) != NULL; i++) {
		const struct stext	texts[] = { e->name, e->type, e->subject_claim, e->agent_claim, e->agent };
		const uint32_t		of[] = { e->secret_algs, e->max_age_s, e->skew_s, e->audience_count,
					    e->verifier_count, e->standin_count };

		for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++)
			digest(&sum, snap_text(s, texts[k]));
		digest(&sum, span_make(of, sizeof(of)));
	}
	for (uint64_t i = 0; (a = SNAP_AT(s, AUDIENCE, i)) != NULL; i++)
		digest(&sum, snap_text(s, a->text));
	for (uint64_t i = 0; (st = SNAP_AT(s, STANDIN, i)) != NULL; i++) {
		digest(&sum, snap_text(s, st->value));
		digest(&sum, snap_text(s, st->agent));
	}
	digest_keys(&sum, s);
	return sum;
}

static uint64_t
others_sum(const struct snap *s)
{
	const struct rec_host	*h;
	const struct rec_tenant	*t;
	uint64_t		 sum = sum64(SPAN_NONE);

	for (uint64_t i = 0; (h = SNAP_AT(s, HOST, i)) != NULL; i++) {
		digest(&sum, snap_text(s, h->text));
		digest(&sum, span_make(&h->is_origin, sizeof(h->is_origin)));
	}
	for (uint64_t i = 0; (t = SNAP_AT(s, TENANT, i)) != NULL; i++) {
		digest(&sum, snap_text(s, t->name));
		digest(&sum, span_make(&t->max_instances, sizeof(t->max_instances)));
		digest(&sum, span_make(&t->flags, sizeof(t->flags)));
	}
	return sum;
}

void
compare_make(const struct snap *before, const struct snap *after, compare_known_fn *known, void *known_arg,
    struct compare *out)
{
	*out = (struct compare){ .before = before, .after = after };
	compare_decisions(out, known, known_arg);
	compare_servers(out);
	compare_params(out);
	out->peers = peers_sum(before) != peers_sum(after);
	out->limits = limits_sum(before) != limits_sum(after);
	out->issuers = issuers_sum(before) != issuers_sum(after);
	out->others = others_sum(before) != others_sum(after);
	out->conditions = compare_rules_sum(before) != compare_rules_sum(after);
}

void
compare_fini(struct compare *c)
{
	free(c->decisions);
	free(c->servers);
	free(c->params);
	*c = (struct compare){ .cut = false };
}

bool
compare_any(const struct compare *c)
{
	return c->decision_count + c->server_count + c->param_count > 0 || c->limits || c->peers || c->issuers ||
	    c->others || c->conditions;
}
