/* SPDX-License-Identifier: Apache-2.0
 *
 * limits.c - BUCKET: limits of an agent, a server, a tool; TENANT_LIMIT: those of whatever else a call has
 *
 * Process: mcpgw-compile.  Owns: nothing beyond the call.
 */
#include <stdlib.h>

#include "lib/glob.h"
#include "policy/compiler/quotas.h"
#include "policy/compiler/rules.h"
#include "policy/compiler/typed.h"
#include "policy/compiler/values.h"
#include "shm/share.h"

#define BURST_MAX	1000000
#define EACH_MAX	16
#define NO_AGENT	UINT32_MAX

struct bucket {
	struct span	 server, tool;		/* empty: the agent's own */
	uint32_t	 agent;
	struct rec_limit rec;
};

struct limits {
	struct bucket	*items;			/* malloc'ed */
	size_t		 count;
};

/* "calls=200000/month", or a list of such texts. */
static void
read_quotas(struct job *j, const struct source *s, const struct conf_node *n, struct rec_limit *l)
{
	struct rec_quota	q;
	unsigned		seen = 0;

	if (n->type != JSON_STRING && !typed_is(j, s, n, JSON_ARRAY))
		return;
	for (const struct conf_node *e = n->type == JSON_STRING ? n : n->first; e != NULL;
	    e = n->type == JSON_STRING ? NULL : e->next)
		if (e->type != JSON_STRING || !quota_parse(e->text, &q))
			job_error(j, s, e, "\"%.*s\": %s", SHOWN(e->text), quota_wanted(e->text));
		else if (quota_again(&q, &seen))
			job_error(j, s, e, "\"%.*s\": " QUOTA_AGAIN, SHOWN(e->text));
		else
			quota_put(j, l, &q);
}

/* False: there is none, or what is wrong was said. */
static bool
read_rate(struct job *j, const struct source *s, const struct conf_node *n, struct rec_limit *l)
{
	const struct conf_node	*rate = NULL;
	uint64_t		 burst = 0;

	if (!typed_string(j, s, n, "rate", &rate)) {
		if (conf_find(n, "rate") == NULL && conf_find(n, "burst") != NULL)
			job_error(j, s, n, "needs a \"rate\", such as \"50/s\"");
		return false;
	}
	if (!rate_parse(rate->text, &l->interval_ns, &burst)) {
		job_error(j, s, rate, "\"%.*s\": want NUMBER/UNIT, such as \"50/s\", \"100/min\", \"5/h\", "
		    "\"1000/d\", at most %d", SHOWN(rate->text), RATE_MAX);
		return false;
	}
	(void)typed_number(j, s, n, "burst", 1, BURST_MAX, &burst);
	l->burst = (uint32_t)burst;
	return true;
}

/* What the limits of all kinds have; b.rec.of and b.agent are the caller's.  False: it bounds nothing. */
static bool
read_limit(struct job *j, const struct source *s, const struct conf_node *n, struct bucket *b)
{
	const struct conf_node	*quota = conf_find(n, "quota");
	uint64_t		 most = 0;

	(void)read_rate(j, s, n, &b->rec);
	(void)typed_number(j, s, n, "max_concurrent", 1, SHARE_MAX, &most);
	b->rec.max_concurrent = (uint32_t)most;
	if (quota != NULL && b->rec.of == LIMIT_OF_AGENT)
		read_quotas(j, s, quota, &b->rec);
	else if (quota != NULL && b->rec.of != LIMIT_OF_EACH)	/* there the key is unknown */
		job_error(j, s, quota, "quotas are of agents (limits.agents) and tenants (tenant_quota)");
	if (conf_find(n, "rate") == NULL && conf_find(n, "burst") == NULL && conf_find(n, "max_concurrent") == NULL &&
	    quota == NULL)
		job_error(j, s, n, "needs a \"rate\", such as \"50/s\", a \"max_concurrent\"%s",
		    b->rec.of == LIMIT_OF_AGENT ? ", or a \"quota\"" : ", or both");
	b->rec.agent = b->agent;
	b->rec.tenant = j->tenant_index;
	b->rec.server = put_text(j->policy, b->server);
	b->rec.tool = put_text(j->policy, b->tool);
	b->rec.path = put_text(j->policy, job_path(j, n));
	return b->rec.interval_ns > 0 || b->rec.max_concurrent > 0 || b->rec.quota_count > 0;
}

static void
read_bucket(struct job *j, const struct source *s, const struct conf_node *n, struct limits *l,
    struct bucket b)
{
	static const char *const keys[] = { "rate", "burst", "max_concurrent", "quota", NULL };

	if (!typed_is(j, s, n, JSON_OBJECT))
		return;
	typed_keys(j, s, n, keys);
	if (!read_limit(j, s, n, &b))
		return;
	l->items = list_more(l->items, l->count, sizeof(*l->items));
	l->items[l->count++] = b;
}

static void
read_agents(struct job *j, const struct source *s, const struct conf_node *agents, struct limits *l)
{
	for (const struct conf_node *n = agents->first; n != NULL; n = n->next) {
		struct bucket b = { .agent = agent_index(j, n->key), .rec.of = LIMIT_OF_AGENT };

		if (b.agent == UINT32_MAX)
			job_error_key(j, s, n, "there are no rules for an agent \"%.*s\"%s", SHOWN(n->key),
			    agent_hint(j, n->key));
		else
			read_bucket(j, s, n, l, b);
	}
}

/* "server.tool", where names of servers may hold dots too: the longest known server counts, else what
 * stands before the first dot. */
static bool
tool_split(struct job *j, struct span key, struct span *server, struct span *tool, bool *known)
{
	size_t	at = 0;

	*known = false;
	for (size_t i = 1; i + 1 < key.n; i++) {
		if (key.p[i] != '.')
			continue;
		if (at == 0)
			at = i;
		if (job_server(j, span_part(key, 0, i)) != NULL) {
			at = i;
			*known = true;
		}
	}
	*server = span_part(key, 0, at);
	*tool = span_part(key, at + 1, key.n);
	return at > 0;
}

static void
read_tools(struct job *j, const struct source *s, const struct conf_node *tools, struct limits *l)
{
	for (const struct conf_node *n = tools->first; n != NULL; n = n->next) {
		struct bucket	b = { .agent = NO_AGENT, .rec.of = LIMIT_OF_TOOL };
		bool		known;

		if (!tool_split(j, n->key, &b.server, &b.tool, &known) || !glob_is_exact(n->key)) {
			job_error_key(j, s, n, "want \"SERVER.TOOL\", both names without wildcards");
			continue;
		}
		if (!known)
			job_warn(j, s, n, "there is no server \"%.*s\"; the limit sleeps until there is",
			    SHOWN(b.server));
		read_bucket(j, s, n, l, b);
	}
}

static void
server_check(struct job *j, const struct source *s, const struct conf_node *n, struct span server)
{
	if (job_server(j, server) == NULL)
		job_warn(j, s, n, "there is no server \"%.*s\"; the limit sleeps until there is", SHOWN(server));
}

static void
read_servers(struct job *j, const struct source *s, const struct conf_node *servers, struct limits *l)
{
	for (const struct conf_node *n = servers->first; n != NULL; n = n->next) {
		server_check(j, s, n, n->key);
		read_bucket(j, s, n, l, (struct bucket){ .agent = NO_AGENT, .server = n->key,
		    .rec.of = LIMIT_OF_SERVER });
	}
}

/* "by": whose everyone has a limit of its own. */
static uint16_t
read_by(struct job *j, const struct source *s, const struct conf_node *list)
{
	static const struct {
		const char	*word;
		enum limit_by	 by;
	} words[] = {
		{ "principal", LIMIT_BY_PRINCIPAL }, { "agent", LIMIT_BY_AGENT }, { "server", LIMIT_BY_SERVER },
		{ "tool", LIMIT_BY_TOOL }, { "address", LIMIT_BY_ADDRESS },
	};
	const size_t	count = sizeof(words) / sizeof(words[0]);
	unsigned	by = 0;
	size_t		i;

	for (const struct conf_node *n = list->first; n != NULL; n = n->next) {
		for (i = 0; i < count && !span_is(n->text, words[i].word); i++)
			;
		if (i == count)
			job_error(j, s, n, "\"%.*s\": want principal, agent, server, tool or address", SHOWN(n->text));
		else
			by |= words[i].by;
	}
	return (uint16_t)by;
}

/* Whom and what an element of "each" is about. */
static bool
read_about(struct job *j, const struct source *s, const struct conf_node *n, struct bucket *b)
{
	const struct conf_node	*of = NULL;

	if (typed_string(j, s, n, "agent", &of) && (b->agent = agent_index(j, of->text)) == UINT32_MAX) {
		job_error(j, s, of, "there are no rules for an agent \"%.*s\"", SHOWN(of->text));
		return false;
	}
	if (typed_string(j, s, n, "server", &of)) {
		b->server = of->text;
		server_check(j, s, of, of->text);
	}
	if (!typed_string(j, s, n, "tool", &of))
		return true;
	b->tool = of->text;
	if (b->server.n > 0)
		return true;
	job_error(j, s, of, "\"tool\" needs a \"server\" beside it");
	return false;
}

static void
read_each(struct job *j, const struct source *s, const struct conf_node *list)
{
	static const char *const keys[] = { "by", "agent", "server", "tool", "rate", "burst", "max_concurrent", NULL };
	const struct conf_node	*by;
	size_t			 count = 0;

	for (const struct conf_node *n = list->first; n != NULL; n = n->next) {
		struct bucket	b = { .agent = NO_AGENT, .rec.of = LIMIT_OF_EACH };

		if (++count > EACH_MAX) {
			job_error(j, s, n, "more than %d; each call is looked at for all of them", EACH_MAX);
			return;
		}
		if (!typed_is(j, s, n, JSON_OBJECT))
			continue;
		typed_keys(j, s, n, keys);
		by = NULL;
		if (typed_list(j, s, n, "by", JSON_ARRAY, true, &by))
			b.rec.by = read_by(j, s, by);
		else if (conf_find(n, "by") == NULL)
			job_error(j, s, n, "needs a \"by\": a list of principal, agent, server, tool, address");
		if (read_about(j, s, n, &b) && read_limit(j, s, n, &b))
			(void)put_record(j->policy, SECTION_TENANT_LIMIT, &b.rec);
	}
}

static int
bucket_cmp(const void *x, const void *y)
{
	const struct bucket	*a = x, *b = y;
	int			 r;

	if ((r = span_cmp(a->server, b->server)) != 0 || (r = span_cmp(a->tool, b->tool)) != 0)
		return r;
	return a->agent < b->agent ? -1 : a->agent > b->agent;
}

void
limits_read(struct job *j, const struct source *s, const struct conf_node *limits)
{
	static const char *const keys[] = { "agents", "servers", "tools", "each", NULL };
	const struct conf_node	*n = NULL;
	struct limits		 l = { NULL, 0 };
	struct rec_agent	*agent;
	uint32_t		 index;

	typed_keys(j, s, limits, keys);
	if (typed_list(j, s, limits, "agents", JSON_OBJECT, false, &n))
		read_agents(j, s, n, &l);
	if (typed_list(j, s, limits, "tools", JSON_OBJECT, false, &n))
		read_tools(j, s, n, &l);
	if (typed_list(j, s, limits, "servers", JSON_OBJECT, false, &n))
		read_servers(j, s, n, &l);
	if (typed_list(j, s, limits, "each", JSON_ARRAY, false, &n))
		read_each(j, s, n);
	if (l.count > 1)
		qsort(l.items, l.count, sizeof(*l.items), bucket_cmp);
	for (size_t i = 0; i < l.count; i++) {
		index = put_record(j->policy, SECTION_BUCKET, &l.items[i].rec);
		if (l.items[i].agent != NO_AGENT &&
		    (agent = build_at(j->policy, SECTION_AGENT, l.items[i].agent)) != NULL)
			agent->limit = index + 1;
	}
	free(l.items);
}
