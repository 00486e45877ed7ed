/* SPDX-License-Identifier: Apache-2.0
 *
 * limits.c - BUCKET: rates per agent, and per agent and tool
 *
 * Process: mcpgw-compile.  Owns: nothing beyond the call.
 */
#include <stdlib.h>

#include "lib/glob.h"
#include "policy/compiler/rules.h"
#include "policy/compiler/typed.h"
#include "policy/compiler/values.h"

#define BURST_MAX	1000000
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

static void
read_bucket(struct job *j, const struct source *s, const struct conf_node *n, struct limits *l,
    struct bucket b)
{
	static const char *const keys[] = { "rate", "burst", NULL };
	const struct conf_node	*rate = NULL;
	uint64_t		 burst = 0;

	if (!typed_is(j, s, n, JSON_OBJECT))
		return;
	typed_keys(j, s, n, keys);
	if (!typed_string(j, s, n, "rate", &rate)) {
		if (conf_find(n, "rate") == NULL)
			job_error(j, s, n, "needs a \"rate\", such as \"50/s\"");
		return;
	}
	if (!rate_parse(rate->text, &b.rec.interval_ns, &burst)) {
		job_error(j, s, rate, "\"%.*s\": want NUMBER/UNIT, such as \"50/s\", \"100/min\", \"5/h\", "
		    "\"1000/d\", at most %d", SHOWN(rate->text), RATE_MAX);
		return;
	}
	(void)typed_number(j, s, n, "burst", 1, BURST_MAX, &burst);
	b.rec.burst = (uint32_t)burst;
	b.rec.agent = b.agent;
	b.rec.tenant = j->tenant_index;
	b.rec.server = put_text(j->policy, b.server);
	b.rec.tool = put_text(j->policy, b.tool);
	b.rec.path = put_text(j->policy, job_path(j, n));
	l->items = list_more(l->items, l->count, sizeof(*l->items));
	l->items[l->count++] = b;
}

static void
read_agents(struct job *j, const struct source *s, const struct conf_node *agents, struct limits *l)
{
	for (const struct conf_node *n = agents->first; n != NULL; n = n->next) {
		struct bucket b = { .agent = agent_index(j, n->key) };

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
		struct bucket	b = { .agent = NO_AGENT };
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
	static const char *const keys[] = { "agents", "tools", NULL };
	const struct conf_node	*n = NULL;
	struct limits		 l = { NULL, 0 };
	struct rec_agent	*agent;
	uint32_t		 index;

	typed_keys(j, s, limits, keys);
	if (typed_list(j, s, limits, "agents", JSON_OBJECT, false, &n))
		read_agents(j, s, n, &l);
	if (typed_list(j, s, limits, "tools", JSON_OBJECT, false, &n))
		read_tools(j, s, n, &l);
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
