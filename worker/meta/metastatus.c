/* SPDX-License-Identifier: Apache-2.0
 *
 * metastatus.c - get_gateway_status: is the configuration in force, which servers answer
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  nothing; tells an agent of the servers it sees and of nobody else's.
 *
 * The shape is seed 001's.  Where in which file something is wrong is for operators (`mcpgwctl check`), and for
 * the one user of a private gateway, who is one.
 */
#include <stdio.h>
#include <time.h>

#include "policy/tenants.h"
#include "worker/lists/view.h"
#include "worker/meta/metastatus.h"

static int
put_time(struct buf *b, uint64_t wall_ms)
{
	time_t		t = (time_t)(wall_ms / 1000);
	struct tm	tm;
	char		text[32];

	gmtime_r(&t, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return buf_put_fmt(b, "\"%s\"", text);
}

/* Is it in a file of the caller's tenant?  In whose file something is wrong is nothing to other tenants. */
static bool
is_ours(const struct request *rq, struct span why)
{
	const struct span	folder = SPAN_LIT(TENANTS_DIR "/"), name = rq->who.tenant;

	if (!span_starts(why, folder))
		return span_is(name, TENANT_DEFAULT);
	why = span_part(why, folder.n, why.n);
	return span_starts(why, name) && why.n > name.n && why.p[name.n] == '/';
}

/* What is wrong, when the last change was refused, unless that is the other file's. */
static struct span
error_beside(const struct request *rq, struct span other)
{
	const struct span	why = span_of(rq->w->refused.why);

	if (why.n == 0 || span_starts(why, other) || !is_ours(rq, why))
		return SPAN_NONE;
	return rq->config->params.trust_agent_argument == TRUST_AGENT_ONLY ? why :
	    SPAN_LIT("refused; mcpgwctl check says why");
}

/* One file's reloads: both are read each time. */
static int
put_reloads(struct buf *b, const struct request *rq, const char *file, struct span other, bool warnings)
{
	const struct worker	*w = rq->w;
	const struct span	 why = error_beside(rq, other);
	int			 r;

	if ((r = buf_put_fmt(b, "\"%s\":{\"last_attempt\":", file)) != 0 ||
	    (r = put_time(b, w->refused.why[0] != '\0' ? w->refused.wall_ms : rq->config->since_ms)) != 0 ||
	    (r = buf_put_str(b, ",\"last_success\":")) != 0 ||
	    (r = put_time(b, rq->config->since_ms)) != 0 || (r = buf_put_str(b, ",\"last_error\":")) != 0 ||
	    (r = why.n > 0 ? json_put_string(b, why) : buf_put_str(b, "null")) != 0)
		return r;
	return buf_put_fmt(b, ",\"attempt_count\":%lu,\"success_count\":%lu%s}",
	    (unsigned long)(w->reloads + w->refused.count), (unsigned long)w->reloads,
	    warnings ? ",\"last_warnings\":[]" : "");
}

static int
put_servers(struct buf *b, struct request *rq)
{
	const struct snap	*policy = rq->config->policy;
	const struct rec_server	*s;
	const struct catalogue	*list;
	struct span		 why;
	bool			 first = true;
	int			 r;

	for (uint64_t i = 0; (s = request_server_at(rq, i)) != NULL; i++) {
		if (!view_sees_server(rq, s))
			continue;
		list = lists_find(rq->w->lists, s, view_list_instance(rq, s), &why);
		if ((s->flags & SERVER_FLAG_DISABLED) != 0)
			why = snap_text(policy, s->why);
		if ((r = buf_put_str(b, first ? "{\"name\":" : ",{\"name\":")) != 0 ||
		    (r = json_put_string(b, snap_text(policy, s->name))) != 0 ||
		    (r = buf_put_fmt(b, ",\"state\":\"%s\",\"last_error\":",
			(s->flags & SERVER_FLAG_DISABLED) != 0 ? "disabled" : list != NULL ? "up" :
			why.n > 0 ? "down" : "idle")) != 0 ||
		    (r = why.n > 0 ? json_put_string(b, why) : buf_put_str(b, "null")) != 0 ||
		    (r = buf_put_str(b, "}")) != 0)
			return r;
		first = false;
	}
	return 0;
}

static int
put_names(struct buf *b, struct request *rq)
{
	const struct rec_server	*s;
	bool			 first = true;
	int			 r;

	for (uint64_t i = 0; (s = request_server_at(rq, i)) != NULL; i++) {
		if (!view_sees_server(rq, s))
			continue;
		if ((!first && (r = buf_put_str(b, ",")) != 0) ||
		    (r = json_put_string(b, snap_text(rq->config->policy, s->name))) != 0)
			return r;
		first = false;
	}
	return 0;
}

/* Who may act as any agent may know of all; others know of themselves. */
static int
put_agents(struct buf *b, struct request *rq)
{
	const struct snap	*policy = rq->config->policy;
	const struct rec_tenant	*t = rq->tenant;
	const struct rec_agent	*a;
	bool			 first = true;
	int			 r;

	if (!rq->who.may_claim_agent)
		return json_put_string(b, rq->who.agent);
	for (uint32_t i = 0; t != NULL && i < t->agent_count; i++) {
		if ((a = SNAP_AT(policy, AGENT, (uint64_t)t->agent_first + i)) == NULL)
			break;
		if ((!first && (r = buf_put_str(b, ",")) != 0) ||
		    (r = json_put_string(b, snap_text(policy, a->name))) != 0)
			return r;
		first = false;
	}
	return 0;
}

struct files {
	struct span	servers, rules;
};

/* Those of "default" are where mcpgw.conf says, another tenant's in its folder.  E_NOMEM, or why there is no folder. */
static int
files_of(struct request *rq, struct files *f)
{
	const struct params	*p = &rq->config->params;
	struct arena		*a = &rq->x->arena;
	char			 config[PATH_MAX], dir[PATH_MAX];
	int			 r;

	*f = (struct files){ p->servers_file, p->rules_file };
	if (span_is(rq->who.tenant, TENANT_DEFAULT))
		return 0;
	snprintf(config, sizeof(config), "%.*s", SPAN_FMT(p->config_dir));
	if ((r = tenants_folder(config, rq->who.tenant, dir)) != 0)
		return r;
	*f = (struct files){ arena_fmt(a, "%s/servers.json", dir), arena_fmt(a, "%s/rules.json", dir) };
	return f->servers.p == NULL || f->rules.p == NULL ? E_NOMEM : 0;
}

static int
put_status(struct buf *b, struct request *rq)
{
	const struct rec_tenant	*t = rq->tenant;
	struct files		 f;
	int			 r;

	if ((r = files_of(rq, &f)) != 0)
		return r;
	if ((r = buf_put_str(b, "{\"reload_status\":{")) != 0 ||
	    (r = put_reloads(b, rq, "mcp_config", f.rules, false)) != 0 || (r = buf_put_str(b, ",")) != 0 ||
	    (r = put_reloads(b, rq, "gateway_rules", f.servers, true)) != 0 ||
	    (r = buf_put_fmt(b, "},\"policy_state\":{\"generation\":%lu,\"total_agents\":%lu,"
		"\"agent_ids\":[", (unsigned long)rq->config->generation,
		t == NULL ? 0 : (unsigned long)t->agent_count)) != 0 ||
	    (r = put_agents(b, rq)) != 0 ||
	    (r = buf_put_fmt(b, "],\"defaults\":{\"deny_on_missing_agent\":%s}},"
		"\"available_servers\":[", policy_wants_agent(rq->config->policy, rq->who.tenant) ?
		"true" : "false")) != 0 || (r = put_names(b, rq)) != 0 ||
	    (r = buf_put_str(b, "],\"servers\":[")) != 0 || (r = put_servers(b, rq)) != 0 ||
	    (r = buf_put_str(b, "],\"config_paths\":{\"mcp_config\":")) != 0 ||
	    (r = json_put_string(b, f.servers)) != 0 ||
	    (r = buf_put_str(b, ",\"gateway_rules\":")) != 0 ||
	    (r = json_put_string(b, f.rules)) != 0)
		return r;
	return buf_put_fmt(b, "},\"message\":\"generation %lu is in force\"}",
	    (unsigned long)rq->config->generation);
}

void
metastatus_reply(struct request *rq, metastatus_reply_fn *reply)
{
	struct buf	b;

	buf_init(&b, 4 * 1024 * 1024);
	if (put_status(&b, rq) != 0)
		reply(rq, SPAN_LIT("{\"message\":\"too many servers to list\"}"), true);
	else
		reply(rq, buf_rest(&b), false);
	buf_fini(&b);
}
