/* SPDX-License-Identifier: Apache-2.0
 *
 * status_print.c - what `status` shows: processes, servers, and what needs somebody
 *
 * Process: mcpgwctl.  Owns: nothing.  Trusts: nothing; all of it is only shown.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/out.h"
#include "ctl/status.h"
#include "policy/policy.h"
#include "sandbox/jail.h"

static const char *const tier_name[] = {
	[TIER_RUNTIME] = "runtime", [TIER_STRICT] = "strict", [TIER_OFF] = "off",
};

static const char *const net_name[] = {
	[NET_NONE] = "none", [NET_LOOPBACK] = "loopback", [NET_HOST] = "host",
};

static const char *const state_name[] = {
	[SERVER_STATE_IDLE] = "idle", [SERVER_STATE_UP] = "up", [SERVER_STATE_BROKEN] = "broken",
	[SERVER_STATE_DISABLED] = "disabled", [SERVER_STATE_NO_JAIL] = "no jail",
};

static const char *const process_state_name[] = {
	[CTL_PROCESS_WAITING] = "waiting", [CTL_PROCESS_STARTING] = "starting",
	[CTL_PROCESS_READY] = "ready", [CTL_PROCESS_LEAVING] = "leaving",
};

#define NAME_OF(table, i) ((i) < sizeof(table) / sizeof((table)[0]) ? (table)[i] : "?")

/* One configured server, with what was heard of it. */
struct row {
	const struct rec_server	*rec;
	const struct status_server *heard;	/* NULL: nothing yet */
	struct span		 tenant, name, why;
	const char		*state, *tier, *net;
	char			 net_text[40];
};

/* "1 host", "learning until 10:42". */
static const char *
net_words(const struct rec_server *rec, char *to, size_t room)
{
	char	when[OUT_TIME];

	if (rec->kind == SERVER_HTTP)
		return "-";
	if (rec->net != NET_LIST)
		return NAME_OF(net_name, rec->net);
	if ((rec->flags & SERVER_FLAG_LEARN) != 0)
		snprintf(to, room, "learning until %s", out_clock_ms(rec->learn_until_ms, when));
	else
		snprintf(to, room, "%u host%s", rec->reach_count, rec->reach_count == 1 ? "" : "s");
	return to;
}

static bool
row_at(const struct status *s, uint64_t i, struct row *r)
{
	if ((r->rec = SNAP_AT(s->policy, SERVER, i)) == NULL)
		return false;
	r->tenant = policy_tenant_name(s->policy, r->rec->tenant);
	r->name = snap_text(s->policy, r->rec->name);
	r->heard = status_server_heard(s, r->tenant, r->name);
	r->state = NAME_OF(state_name, r->heard == NULL ? SERVER_STATE_IDLE : r->heard->b.state);
	r->why = r->heard == NULL ? SPAN_NONE : span_of(r->heard->error);
	if ((r->rec->flags & SERVER_FLAG_DISABLED) != 0) {
		r->state = state_name[SERVER_STATE_DISABLED];
		r->why = snap_text(s->policy, r->rec->why);
	}
	r->tier = r->rec->kind == SERVER_HTTP ? "remote" : NAME_OF(tier_name, r->rec->tier);
	r->net = net_words(r->rec, r->net_text, sizeof(r->net_text));
	return true;
}

static bool
row_is_bad(const struct row *r)
{
	return r->heard != NULL && (r->rec->flags & SERVER_FLAG_DISABLED) == 0 &&
	    (r->heard->b.state == SERVER_STATE_BROKEN || r->heard->b.state == SERVER_STATE_NO_JAIL);
}

static const char *
jail_word(uint32_t probe)
{
	switch (probe) {
	case PROBE_UNKNOWN:
		return "jail not tried yet";
	case PROBE_FULL:
		return "jail full";
	case PROBE_FULL_NO_PROC:
		return "jail full, no proc";
	case PROBE_REDUCED:
		return "jail reduced";
	default:
		return "NO JAIL";
	}
}

static void
print_head(const struct status *s)
{
	char	up[OUT_TIME], since[OUT_TIME];

	printf("mcpgw %s   up %s   generation %" PRIu64 " since %s   %s\n", s->version,
	    out_span_ms(s->master.up_ms, up), s->master.generation,
	    out_when_ms(s->master.since_ms, since), jail_word(s->master.probe));
	printf("workers %u/%u   %" PRIu64 " requests   %" PRIu64 " calls   denied %" PRIu64 "%%   "
	    "in flight %" PRIu64 "   audit %" PRIu64 " behind\n", s->master.workers_ready,
	    s->master.workers, s->counters.requests, s->counters.calls,
	    s->counters.calls == 0 ? 0 : (s->counters.denied * 100 + s->counters.calls / 2) /
	    s->counters.calls, s->counters.in_flight, s->counters.audit_behind);
}

static void
print_servers(const struct status *s)
{
	static const struct out_column	columns[] = {
		{ "SERVER", false, true }, { "STATE", false, true }, { "JAIL", false, true },
		{ "NET", false, true }, { "INSTANCES", true, true }, { "TOOLS", true, true },
		{ "LAST ERROR", false, false },
	};
	struct out_table	*t;
	struct row		 r;

	if (s->policy == NULL || snap_count(s->policy, SECTION_SERVER) == 0)
		return;
	t = out_table_new(columns, 7);
	for (uint64_t i = 0; row_at(s, i, &r); i++) {
		out_cell_span(t, r.name);
		out_cell(t, "%s", r.state);
		out_cell(t, "%s", r.tier);
		out_cell(t, "%s", r.net);
		if (r.heard == NULL) {
			out_cell(t, "0");
			out_cell(t, "-");
		} else {
			out_cell(t, "%u", r.heard->b.instances);
			out_cell(t, "%u", r.heard->b.tools);
		}
		if (r.why.n == 0)
			out_cell(t, "-");
		else
			out_cell_span(t, r.why);
	}
	out_table_end(&t);
}

static void
need(bool *first, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
need(bool *first, const char *fmt, ...)
{
	va_list	ap;

	printf("%-11s", *first ? "NEEDS YOU" : "");
	*first = false;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

static void
print_needs(const struct status *s)
{
	struct row	r;
	bool		first = true;

	if (s->warning[0] != '\0')
		need(&first, "%s", s->warning);
	if (s->master.probe > PROBE_FULL_NO_PROC)
		need(&first, "%s", s->probe_line);
	for (uint64_t i = 0; s->policy != NULL && row_at(s, i, &r); i++)
		if ((r.rec->flags & SERVER_FLAG_CGROUP_LIMITS) != 0 && s->limits_held != LIMITS_ALL)
			need(&first, "%.*s: limits that need a cgroup may not be held; cgroup %s", SPAN_FMT(r.name),
			    s->cgroup);
	for (uint64_t i = 0; s->policy != NULL && row_at(s, i, &r); i++)
		if (row_is_bad(&r))
			need(&first, "%.*s: mcpgwctl status %.*s", SPAN_FMT(r.name), SPAN_FMT(r.name));
	for (size_t i = 0; i < s->process_count; i++)
		if (s->processes[i].b.state == CTL_PROCESS_WAITING && s->processes[i].b.deaths > 1)
			need(&first, "%s %u: died %u times; see the log",
			    role_program(s->processes[i].b.role), s->processes[i].b.slot,
			    s->processes[i].b.deaths);
}

int
status_print(const struct status *s)
{
	print_head(s);
	for (size_t i = 0; i < s->listener_count; i++)
		printf("%s %s%s", i == 0 ? "listens" : ",", s->listeners[i].address,
		    i + 1 == s->listener_count ? "\n" : "");
	printf("cgroup %s\n", s->cgroup);
	print_servers(s);
	print_needs(s);
	return 0;
}

static int
print_server(const struct status *s, const struct row *r)
{
	struct span	line;
	char		when[OUT_TIME];

	printf("%.*s: %s\n", SPAN_FMT(r->name), r->state);
	line = snap_text(s->policy, r->rec->shown);
	printf("  runs       %.*s\n", SPAN_FMT(line));
	line = snap_text(s->policy, r->rec->file);
	printf("  from       %.*s:%u\n", SPAN_FMT(line), r->rec->line);
	printf("  jail       %s, net %s\n", r->tier, r->net);
	if (r->heard != NULL) {
		printf("  instances  %u\n  tools      %u\n", r->heard->b.instances, r->heard->b.tools);
		if (r->heard->b.next_try_ms > 0)
			printf("  next try   in %s\n", out_span_ms(r->heard->b.next_try_ms, when));
	}
	if (r->why.n > 0)
		printf("  error      %.*s\n", SPAN_FMT(r->why));
	return row_is_bad(r) ? 1 : 0;
}

static int
print_processes(const struct status *s, const char *program)
{
	char	up[OUT_TIME];
	int	found = 0;

	for (size_t i = 0; i < s->process_count; i++) {
		const struct status_process	*p = &s->processes[i];

		if (strcmp(role_program(p->b.role), program) != 0 && strcmp(p->tenant, program) != 0)
			continue;
		found = 1;
		printf("%s %u: %s, pid %u, up %s, generation %" PRIu64 ", %u deaths\n",
		    role_program(p->b.role), p->b.slot, NAME_OF(process_state_name, p->b.state),
		    p->b.pid, out_span_ms(p->b.up_ms, up), p->b.generation, p->b.deaths);
	}
	return found;
}

int
status_print_one(const struct status *s, const char *name)
{
	struct row	r;

	for (uint64_t i = 0; s->policy != NULL && row_at(s, i, &r); i++)
		if (span_is(r.name, name))
			return print_server(s, &r);
	if (print_processes(s, name))
		return 0;
	out_error("no server, tenant or process \"%s\"; see mcpgwctl status", name);
	return EX_DATAERR;
}

static void
json_server(const struct row *r)
{
	out_json_begin();
	out_json_text("kind", SPAN_LIT("server"));
	out_json_text("tenant", r->tenant);
	out_json_text("name", r->name);
	out_json_text("state", span_of(r->state));
	out_json_text("jail", span_of(r->tier));
	out_json_text("net", span_of(r->net));
	out_json_bool("rewrite_uris", (r->rec->flags & SERVER_FLAG_REWRITE_URIS) != 0);
	out_json_u64("instances", r->heard == NULL ? 0 : r->heard->b.instances);
	out_json_u64("tools", r->heard == NULL ? 0 : r->heard->b.tools);
	if (r->why.n > 0)
		out_json_text("error", r->why);
	if (r->heard != NULL && r->heard->b.next_try_ms > 0)
		out_json_u64("next_try_ms", r->heard->b.next_try_ms);
	out_json_end();
}

static void
json_process(const struct status_process *p)
{
	out_json_begin();
	out_json_text("kind", SPAN_LIT("process"));
	out_json_text("program", span_of(role_program(p->b.role)));
	out_json_u64("slot", p->b.slot);
	out_json_u64("pid", p->b.pid);
	out_json_text("state", span_of(NAME_OF(process_state_name, p->b.state)));
	out_json_u64("up_ms", p->b.up_ms);
	out_json_u64("generation", p->b.generation);
	out_json_u64("deaths", p->b.deaths);
	if (p->tenant[0] != '\0')
		out_json_text("tenant", span_of(p->tenant));
	out_json_end();
}

static void
json_gateway(const struct status *s)
{
	out_json_begin();
	out_json_text("kind", SPAN_LIT("gateway"));
	out_json_text("version", span_of(s->version));
	out_json_u64("pid", s->master.pid);
	out_json_u64("up_ms", s->master.up_ms);
	out_json_u64("generation", s->master.generation);
	out_json_u64("since_ms", s->master.since_ms);
	out_json_u64("workers", s->master.workers);
	out_json_u64("workers_ready", s->master.workers_ready);
	out_json_text("jail", span_of(jail_word(s->master.probe)));
	out_json_text("jail_line", span_of(s->probe_line));
	out_json_text("cgroup", span_of(s->cgroup));
	out_json_text("config_dir", span_of(s->config_dir));
	out_json_u64("requests", s->counters.requests);
	out_json_u64("calls", s->counters.calls);
	out_json_u64("denied", s->counters.denied);
	out_json_u64("in_flight", s->counters.in_flight);
	out_json_u64("audit_behind", s->counters.audit_behind);
	if (s->warning[0] != '\0')
		out_json_text("warning", span_of(s->warning));
	out_json_end();
}

int
status_print_json(const struct status *s, const char *name)
{
	struct row	r;
	int		found = name == NULL;

	if (name == NULL)
		json_gateway(s);
	for (size_t i = 0; name == NULL && i < s->listener_count; i++) {
		out_json_begin();
		out_json_text("kind", SPAN_LIT("listener"));
		out_json_text("address", span_of(s->listeners[i].address));
		out_json_end();
	}
	for (size_t i = 0; i < s->process_count; i++)
		if (name == NULL || strcmp(role_program(s->processes[i].b.role), name) == 0) {
			json_process(&s->processes[i]);
			found = 1;
		}
	for (uint64_t i = 0; s->policy != NULL && row_at(s, i, &r); i++)
		if (name == NULL || span_is(r.name, name)) {
			json_server(&r);
			found = 1;
		}
	return found ? 0 : EX_DATAERR;
}
