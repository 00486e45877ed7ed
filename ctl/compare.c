/* SPDX-License-Identifier: Apache-2.0
 *
 * compare.c - two policies: whose calls are decided otherwise, which servers and parameters are others
 *
 * Process: mcpgwctl.
 * Owns:    the lists of a struct compare; all texts stay the policies'.
 * Trusts:  both policies, which snap_map() has verified, and policy/decide.c, which workers ask too.
 *
 * What an agent may do hangs on its own rules alone, so those tools are tried that its rules name, before or after,
 * and those that are known from elsewhere.
 */
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/compare.h"
#include "ctl/out.h"
#include "lib/glob.h"
#include "lib/log.h"
#include "lib/sum.h"
#include "policy/params.h"
#include "policy/policy.h"

#define TRIED_MAX	(4u << 20)

/* One question to both policies. */
struct tried {
	struct span	tenant, agent, server, tool;
};

struct trying {
	struct compare	*c;
	struct tried	*all;
	size_t		 count;
	/* known tools, sorted by tenant and server; their agent is empty */
	struct tried	*known;
	size_t		 known_count;
};

static void *
more(void *items, size_t count, size_t bytes)
{
	/* room doubles at the powers of two, so the count alone tells when */
	if (count != 0 && (count & (count - 1)) != 0)
		return items;
	if ((items = realloc(items, (count == 0 ? 1 : count * 2) * bytes)) == NULL)
		fatal(EX_OSERR, "out of memory");
	return items;
}

static int
tried_cmp(const void *x, const void *y)
{
	const struct tried	*a = x, *b = y;
	int			 r;

	if ((r = span_cmp(a->tenant, b->tenant)) != 0 || (r = span_cmp(a->agent, b->agent)) != 0 ||
	    (r = span_cmp(a->server, b->server)) != 0)
		return r;
	return span_cmp(a->tool, b->tool);
}

/* ---- what is tried -------------------------------------------------------------------------------- */

static void
try_add(struct trying *t, struct span tenant, struct span agent, struct span server, struct span tool)
{
	if (t->count == TRIED_MAX) {
		t->c->cut = true;
		return;
	}
	t->all = more(t->all, t->count, sizeof(*t->all));
	t->all[t->count++] = (struct tried){ tenant, agent, server, tool };
}

static void
known_add(struct span tenant, struct span server, struct span tool, void *arg)
{
	struct trying	*t = arg;

	t->known = more(t->known, t->known_count, sizeof(*t->known));
	t->known[t->known_count++] = (struct tried){ .tenant = tenant, .server = server, .tool = tool };
}

static bool
is_known(const struct trying *t, struct span tenant, struct span server)
{
	const struct tried	key = { .tenant = tenant, .server = server };
	size_t			low = 0, high = t->known_count;

	while (low < high) {
		size_t	mid = low + (high - low) / 2;

		if (tried_cmp(&t->known[mid], &key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < t->known_count && span_eq(t->known[low].tenant, tenant) && span_eq(t->known[low].server, server);
}

/* Where the tools of a server are known, patterns say nothing more. */
static void
try_pattern(struct trying *t, struct span tenant, struct span agent, struct span server, struct span pattern)
{
	if (glob_is_exact(pattern) || !is_known(t, tenant, server))
		try_add(t, tenant, agent, server, pattern);
}

static void
try_rule(struct trying *t, const struct snap *s, const struct rec_rule *rule)
{
	const struct rec_agent	*agent = SNAP_AT(s, AGENT, rule->agent);
	const struct rec_server	*server;
	const struct span	 named = snap_text(s, rule->server), pattern = snap_text(s, rule->pattern);
	struct span		 tenant, name;

	if (agent == NULL || rule->about != RULE_ABOUT_TOOL)
		return;
	tenant = policy_tenant_name(s, agent->tenant);
	name = snap_text(s, agent->name);
	if (!span_is(named, "*")) {
		try_pattern(t, tenant, name, named, pattern);
		return;
	}
	for (uint64_t i = 0; !t->c->cut && (server = SNAP_AT(s, SERVER, i)) != NULL; i++)
		try_pattern(t, tenant, name, snap_text(s, server->name), pattern);
}

/* Each agent with each server of its tenant. */
static void
try_agents(struct trying *t, const struct snap *agents, const struct snap *servers)
{
	const struct rec_agent	*agent;
	const struct rec_server	*server;

	for (uint64_t i = 0; (agent = SNAP_AT(agents, AGENT, i)) != NULL; i++) {
		const struct span tenant = policy_tenant_name(agents, agent->tenant);
		const struct span name = snap_text(agents, agent->name);

		for (uint64_t k = 0; !t->c->cut && (server = SNAP_AT(servers, SERVER, k)) != NULL; k++)
			if (span_eq(policy_tenant_name(servers, server->tenant), tenant))
				try_add(t, tenant, name, snap_text(servers, server->name), SPAN_LIT("*"));
		for (size_t k = 0; !t->c->cut && k < t->known_count; k++)
			if (span_eq(t->known[k].tenant, tenant))
				try_add(t, tenant, name, t->known[k].server, t->known[k].tool);
	}
}

static void
try_all(struct trying *t)
{
	const struct snap	*both[] = { t->c->before, t->c->after };
	const struct rec_rule	*rule;

	for (size_t b = 0; b < 2; b++) {
		try_agents(t, both[b], both[0]);
		try_agents(t, both[b], both[1]);
		for (uint64_t i = 0; !t->c->cut && (rule = SNAP_AT(both[b], RULE, i)) != NULL; i++)
			try_rule(t, both[b], rule);
	}
	if (t->count > 1)
		qsort(t->all, t->count, sizeof(*t->all), tried_cmp);
}

/* ---- decisions ------------------------------------------------------------------------------------ */

static bool
is_there(const struct snap *s, const struct tried *q)
{
	return policy_server_find(s, q->tenant, q->server) != NULL;
}

static void
ask_both(struct compare *c, const struct tried *q)
{
	const struct principal	 who = { .tenant = q->tenant, .agent = q->agent };
	struct facts		 facts = { .known = FACT_NAME | FACT_TIME, .wall_ms = out_now_ms() };
	const struct object	 what = { .kind = OBJECT_TOOL, .server = q->server, .name = q->tool, .facts = &facts };
	struct compare_decision	*d, one = { .tenant = q->tenant, .agent = q->agent, .server = q->server,
	    .tool = q->tool };

	/* Of a server that is in neither, or comes or goes, that is said of the server. */
	if (!is_there(c->before, q) || !is_there(c->after, q))
		return;
	decide(c->before, &who, &what, &one.before);
	decide(c->after, &who, &what, &one.after);
	if (one.before.allow == one.after.allow && (one.before.unsure | one.after.unsure) != 0) {
		/* At worst nothing changes; at best? */
		facts.hopeful = true;
		decide(c->before, &who, &what, &one.before);
		decide(c->after, &who, &what, &one.after);
	}
	if (one.before.allow == one.after.allow)
		return;
	d = c->decision_count == 0 ? NULL : &c->decisions[c->decision_count - 1];
	if (d == NULL || !span_eq(d->tenant, q->tenant) || !span_eq(d->agent, q->agent))
		c->agents++;
	c->decisions = more(c->decisions, c->decision_count, sizeof(*c->decisions));
	c->decisions[c->decision_count++] = one;
}

static void
compare_decisions(struct compare *c, compare_known_fn *known, void *known_arg)
{
	struct trying	t = { .c = c };

	if (known != NULL)
		known(known_add, &t, known_arg);
	if (t.known_count > 1)
		qsort(t.known, t.known_count, sizeof(*t.known), tried_cmp);
	try_all(&t);
	for (size_t i = 0; i < t.count; i++)
		if (i == 0 || tried_cmp(&t.all[i - 1], &t.all[i]) != 0)
			ask_both(c, &t.all[i]);
	free(t.all);
	free(t.known);
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
	c->servers = more(c->servers, c->server_count, sizeof(*c->servers));
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
		    id == PARAM_ID_policy_file || id == PARAM_ID_tools_file)
			continue;
		c->params = more(c->params, c->param_count, sizeof(*c->params));
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
