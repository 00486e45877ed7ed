/* SPDX-License-Identifier: Apache-2.0
 *
 * compare_print.c - what differs between two policies, for people and for programs
 *
 * Process: mcpgwctl.  Owns: nothing.
 * Trusts:  no name: those of tools come from rules and servers.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/compare/compare.h"
#include "ctl/out.h"
#include "policy/params.h"

#define NAME_MAX_SHOWN	512

struct span
compare_file(const struct compare *c, struct span file)
{
	const size_t	n = c->file == NULL ? 0 : strlen(c->file);

	return n > 0 && file.n >= n && memcmp(file.p + file.n - n, c->file, n) == 0 ? span_of(c->shown) : file;
}

/* ---- decisions ------------------------------------------------------------------------------------ */

static const char *
object_text(const struct compare_decision *d, char to[NAME_MAX_SHOWN])
{
	char	server[NAME_MAX_SHOWN / 2 - 1], tool[NAME_MAX_SHOWN / 2];

	snprintf(to, NAME_MAX_SHOWN, "%s.%s", out_clean(d->server, server, sizeof(server)),
	    out_clean(d->tool, tool, sizeof(tool)));
	return to;
}

/* The rule that decides now; where none does, the one that did. */
static void
print_place(const struct compare *c, const struct compare_decision *d)
{
	const struct decision	*by = d->after.file.n > 0 ? &d->after : &d->before;
	const struct span	 file = compare_file(c, by->file);

	if (d->after.file.n == 0)
		printf("%s", d->after.class_text);
	if (by->file.n > 0)
		printf(d->after.file.n > 0 ? "%.*s:%u" : " (was %.*s:%u)", SPAN_FMT(file), by->line);
	printf("\n");
}

static const char *const who_words[COMPARE_WHO_LIMIT] = {
	[COMPARE_AGENT] = "agent", [COMPARE_ROLE] = "role", [COMPARE_WORKSPACE] = "workspace",
};

/* "allow -> DENY": what is worse or better than before in capitals, where it is sure. */
static const char *
way_text(const struct compare_decision *d, char to[32])
{
	static const char *const	was[] = { "deny", "depends", "allow" };
	static const char *const	is[] = { "DENY", "depends", "ALLOW" };

	snprintf(to, 32, "%s -> %s", was[d->was], is[d->is]);
	return to;
}

static void
print_decisions(const struct compare *c)
{
	char	text[NAME_MAX_SHOWN], agent[NAME_MAX_SHOWN], way[32];
	size_t	agents = 0, objects = 0, n;

	for (size_t i = 0; i < c->decision_count; i++) {
		if (c->decisions[i].name.n > agents)
			agents = c->decisions[i].name.n;
		n = c->decisions[i].server.n + 1 + c->decisions[i].tool.n;
		if (n > objects)
			objects = n;
	}
	if (agents > 20)
		agents = 20;
	if (objects > 40)
		objects = 40;
	for (size_t i = 0; i < c->decision_count; i++) {
		const struct compare_decision *d = &c->decisions[i];

		printf("%s %-*s   %-*s   %s   ", who_words[d->who], (int)agents,
		    out_clean(d->name, agent, sizeof(agent)), (int)objects, object_text(d, text), way_text(d, way));
		print_place(c, d);
	}
}

static void
json_decisions(const struct compare *c)
{
	static const char *const	may[] = { "deny", "depends", "allow" };

	for (size_t i = 0; i < c->decision_count; i++) {
		const struct compare_decision	*d = &c->decisions[i];

		out_json_begin();
		out_json_text("change", SPAN_LIT("decision"));
		out_json_text("tenant", d->tenant);
		out_json_text(who_words[d->who], d->name);
		out_json_text("server", d->server);
		out_json_text("tool", d->tool);
		out_json_text("before", span_of(may[d->was]));
		out_json_text("after", span_of(may[d->is]));
		out_json_text("rule", d->after.path);
		out_json_text("class", span_of(d->after.class_text));
		if (d->after.file.n > 0) {
			out_json_text("file", compare_file(c, d->after.file));
			out_json_u64("line", d->after.line);
		}
		out_json_end();
	}
}

/* ---- servers -------------------------------------------------------------------------------------- */

static const char *
change_text(const struct compare_server *s)
{
	switch (s->change) {
	case SERVER_COMES:
		return "comes";
	case SERVER_GOES:
		return "goes";
	case SERVER_DISABLED:
		return "disabled";
	case SERVER_ENABLED:
		return "enabled";
	case SERVER_RESTARTS:
		return s->after->kind == SERVER_HTTP ? "reconnects" : "restarts";
	case SERVER_DIFFERS:
		break;
	}
	return "changes";
}

static void
each_server(const struct ctl *ctl, const struct compare *c)
{
	char	name[NAME_MAX_SHOWN], why[NAME_MAX_SHOWN];

	for (size_t i = 0; i < c->server_count; i++) {
		const struct compare_server	*s = &c->servers[i];
		const struct snap		*in = s->after != NULL ? c->after : c->before;
		const struct rec_server		*rec = s->after != NULL ? s->after : s->before;
		const struct span		 file = compare_file(c, snap_text(in, rec->file));

		if (ctl->json) {
			out_json_begin();
			out_json_text("change", SPAN_LIT("server"));
			out_json_text("server", snap_text(in, rec->name));
			out_json_text("what", span_of(change_text(s)));
			if (s->change == SERVER_DISABLED)
				out_json_text("why", snap_text(in, rec->why));
			out_json_text("file", file);
			out_json_u64("line", rec->line);
			out_json_end();
			continue;
		}
		printf("server %s   %s   %.*s:%u", out_clean(snap_text(in, rec->name), name, sizeof(name)),
		    change_text(s), SPAN_FMT(file), rec->line);
		if (s->change == SERVER_DISABLED)
			printf("   %s", out_clean(snap_text(in, rec->why), why, sizeof(why)));
		printf("\n");
	}
}

/* ---- parameters, and the sum ---------------------------------------------------------------------- */

static void
each_param(const struct ctl *ctl, const struct compare *c)
{
	char	before[NAME_MAX_SHOWN], after[NAME_MAX_SHOWN];

	for (size_t i = 0; i < c->param_count; i++) {
		const struct param_row	*row = param_row(c->params[i]);
		const struct rec_param	*a = SNAP_AT(c->before, PARAM, c->params[i]);
		const struct rec_param	*b = SNAP_AT(c->after, PARAM, c->params[i]);

		if (ctl->json) {
			out_json_begin();
			out_json_text("change", SPAN_LIT("parameter"));
			out_json_text("parameter", span_of(row->name));
			out_json_text("before", snap_text(c->before, a->text));
			out_json_text("after", snap_text(c->after, b->text));
			out_json_bool("restart", row->effect == PARAM_EFFECT_RESTART);
			out_json_end();
			continue;
		}
		printf("parameter %s   %s -> %s%s\n", row->name,
		    out_clean(snap_text(c->before, a->text), before, sizeof(before)),
		    out_clean(snap_text(c->after, b->text), after, sizeof(after)),
		    row->effect == PARAM_EFFECT_RESTART ? "   takes effect with mcpgwctl restart" :
		    row->effect == PARAM_EFFECT_UPGRADE ? "   takes effect with mcpgwctl upgrade" : "");
	}
}

static const char *
s_if(size_t n, const char *one, const char *many)
{
	return n == 1 ? one : many;
}

static void
print_sum(const struct compare *c)
{
	char	roles[64] = "";

	if (c->conditions)
		printf("conditions of rules change, or what a call costs, is logged or is only watched\n");
	if (c->limits)
		printf("limits change\n");
	if (c->peers)
		printf("peers change\n");
	if (c->issuers)
		printf("issuers of tokens change\n");
	if (c->others)
		printf("hosts, or what is true of all agents, change\n");
	if (c->cut)
		printf("There are more rules and servers than can be compared; these are not all.\n");
	if (c->decision_count > 0 && c->roles > 0)
		snprintf(roles, sizeof(roles), " and %zu role%s or workspace%s", c->roles, s_if(c->roles, "", "s"),
		    s_if(c->roles, "", "s"));
	printf("%zu decision%s for %zu agent%s%s, %zu server%s.\n", c->decision_count,
	    s_if(c->decision_count, " changes", "s change"), c->agents, s_if(c->agents, "", "s"), roles, c->restarts,
	    s_if(c->restarts, " restarts", "s restart"));
}

static void
json_sum(const struct compare *c)
{
	out_json_begin();
	out_json_text("change", SPAN_LIT("sum"));
	out_json_u64("decisions", c->decision_count);
	out_json_u64("agents", c->agents);
	out_json_u64("roles", c->roles);
	out_json_u64("restarts", c->restarts);
	out_json_u64("servers", c->server_count);
	out_json_u64("parameters", c->param_count);
	out_json_bool("limits", c->limits);
	out_json_bool("conditions", c->conditions);
	out_json_bool("peers", c->peers);
	out_json_bool("issuers", c->issuers);
	out_json_bool("others", c->others);
	out_json_bool("complete", !c->cut);
	out_json_end();
}

void
compare_print(const struct ctl *ctl, const struct compare *c)
{
	if (ctl->json)
		json_decisions(c);
	else
		print_decisions(c);
	each_server(ctl, c);
	each_param(ctl, c);
	if (ctl->json)
		json_sum(c);
	else
		print_sum(c);
}
