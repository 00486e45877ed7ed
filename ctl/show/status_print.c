/* SPDX-License-Identifier: Apache-2.0
 *
 * status_print.c - what `status` shows: how it is, servers, and what needs somebody
 *
 * Process: mcpgwctl.  Owns: nothing.  Trusts: nothing; all of it is only shown.
 */
#include <inttypes.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctl/files/certfiles.h"
#include "ctl/lines.h"
#include "ctl/out.h"
#include "ctl/show/buckets.h"
#include "ctl/show/issuers.h"
#include "ctl/show/status.h"
#include "policy/params.h"
#include "policy/policy.h"
#include "policy/tenants.h"
#include "sandbox/jail.h"

#define TENANTS_SHOWN	20

static const char *const process_state_name[] = {
	[CTL_PROCESS_WAITING] = "waiting", [CTL_PROCESS_STARTING] = "starting",
	[CTL_PROCESS_READY] = "ready", [CTL_PROCESS_LEAVING] = "leaving",
};

const char *
status_jail_word(uint32_t probe)
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

bool
status_is_tls(const struct status_listener *l)
{
	return l->kind == LISTEN_TLS || l->kind == LISTEN_TLS_MAY || l->kind == LISTEN_TLS_MUST;
}

const char *
status_by(const struct status *s, char *to, size_t room)
{
	static const char *const	words[GENERATION_BY_LIMIT] = {
		[GENERATION_BY_START] = "start", [GENERATION_BY_WATCH] = "watch", [GENERATION_BY_SIGNAL] = "HUP",
		[GENERATION_BY_TIME] = "timer", [GENERATION_BY_VAULT] = "vault",
		[GENERATION_BY_UPGRADE] = "upgrade",
	};
	const struct passwd		*pw;

	if (s->since.by != GENERATION_BY_CTL)
		snprintf(to, room, "%s", s->since.by < GENERATION_BY_LIMIT ? words[s->since.by] : "?");
	else if ((pw = getpwuid(s->since.uid)) != NULL)
		snprintf(to, room, "%s", pw->pw_name);
	else
		snprintf(to, room, "uid %u", s->since.uid);
	return to;
}

/* --- the head ------------------------------------------------------------------------------------- */

/* "0.2 ms", "14 ms", "2.5 s"; "-" when no call ended. */
static const char *
took_words(uint64_t us, char to[OUT_TIME])
{
	if (us == 0)
		snprintf(to, OUT_TIME, "-");
	else if (us < 10000)
		snprintf(to, OUT_TIME, "%.1f ms", (double)us / 1000);
	else if (us < 1000000)
		snprintf(to, OUT_TIME, "%" PRIu64 " ms", us / 1000);
	else
		snprintf(to, OUT_TIME, "%.1f s", (double)us / 1000000);
	return to;
}

static const char *
rate_words(const struct msg_CTL_RATES *r, char to[OUT_TIME])
{
	const double	rate = r->window_ms == 0 ? 0 : (double)r->requests * 1000 / (double)r->window_ms;

	snprintf(to, OUT_TIME, "%.*f req/s", rate == 0 || rate >= 9.95 ? 0 : 1, rate);
	return to;
}

/* The same day's time alone. */
static const char *
since_words(uint64_t wall_ms, char to[OUT_TIME])
{
	out_when_ms(wall_ms, to);
	return strncmp(to, "today ", 6) == 0 ? to + 6 : to;
}

static uint64_t
denied_percent(const struct msg_CTL_RATES *r)
{
	return r->calls == 0 ? 0 : (r->denied * 100 + r->calls / 2) / r->calls;
}

static void
print_head(const struct status *s)
{
	char	up[OUT_TIME], since[OUT_TIME], rate[OUT_TIME], p50[OUT_TIME], p99[OUT_TIME], by[64];

	printf("mcpgw %s   up %s   generation %" PRIu64 " since %s by %s   %s\n", s->version,
	    out_span_ms(s->master.up_ms, up), s->master.generation, since_words(s->master.since_ms, since),
	    status_by(s, by, sizeof(by)), status_jail_word(s->master.probe));
	printf("workers %u/%u   %s   p50 %s  p99 %s   denied %" PRIu64 "%%   audit %" PRIu64 " behind\n",
	    s->master.workers_ready, s->master.workers, rate_words(&s->rates, rate),
	    took_words(s->rates.p50_us, p50), took_words(s->rates.p99_us, p99), denied_percent(&s->rates),
	    s->counters.audit_behind);
}

static uint64_t
per_minute(const struct msg_CTL_RATES *r, uint64_t calls)
{
	/* A gateway that is younger counts what there was. */
	return r->window_ms <= 60000 ? calls : calls * 60000 / r->window_ms;
}

/* Beyond "default" there is somebody. */
static bool
has_tenants(const struct status *s)
{
	return s->policy != NULL && snap_count(s->policy, SECTION_TENANT) > 1;
}

static bool
runs_for(const struct status *s, struct span tenant)
{
	for (size_t i = 0; i < s->process_count; i++)
		if (s->processes[i].b.role == ROLE_RUNNER && span_is(tenant, s->processes[i].tenant))
			return true;
	return false;
}

/* One line each; thousands of them are for `tenant list`. */
static void
print_tenants(const struct status *s)
{
	static const struct out_column	columns[] = {
		{ "TENANT", false, true }, { "STATE", false, true }, { "SERVERS", true, true },
		{ "BROKEN", true, true },
		{ "AGENTS", true, true }, { "INFLIGHT", true, true }, { "CALLS/MIN", true, true },
	};
	const struct rec_tenant	*tenant;
	struct out_table	*t = out_table_new(columns, 7);
	struct server_row	 r;

	for (uint64_t i = 0; i < TENANTS_SHOWN && (tenant = SNAP_AT(s->policy, TENANT, i)) != NULL; i++) {
		uint64_t	broken = 0, in_flight = 0, calls = 0;

		for (uint32_t k = 0; k < tenant->server_count &&
		    server_row_at(s, (uint64_t)tenant->server_first + k, &r); k++) {
			broken += server_row_is_bad(&r);
			in_flight += r.load.in_flight;
			calls += r.load.calls;
		}
		out_cell_span(t, snap_text(s->policy, tenant->name));
		out_cell(t, "%s", runs_for(s, snap_text(s->policy, tenant->name)) ? "up" : "idle");
		out_cell(t, "%u", tenant->server_count);
		out_cell(t, "%" PRIu64, broken);
		out_cell(t, "%u", tenant->agent_count);
		out_cell(t, "%" PRIu64, in_flight);
		out_cell(t, "%" PRIu64, per_minute(&s->rates, calls));
	}
	out_table_end(&t);
	if (snap_count(s->policy, SECTION_TENANT) > TENANTS_SHOWN)
		printf("and %" PRIu64 " more: mcpgwctl tenant list\n",
		    snap_count(s->policy, SECTION_TENANT) - TENANTS_SHOWN);
}

static void
print_servers(const struct status *s)
{
	static const struct out_column	columns[] = {
		{ "SERVER", false, true }, { "STATE", false, true }, { "JAIL", false, true },
		{ "NET", false, true }, { "INFLIGHT", true, true }, { "CALLS/MIN", true, true },
		{ "LAST ERROR", false, false },
	};
	struct out_table	*t;
	struct server_row	 r;
	char			 error[OUT_CELL];
	bool			 any = false;

	t = out_table_new(columns, 7);
	for (uint64_t i = 0; server_row_at(s, i, &r); i++) {
		/* Others' are a line each of print_tenants(). */
		if (!span_is(r.tenant, TENANT_DEFAULT))
			continue;
		any = true;
		out_cell_span(t, r.name);
		out_cell(t, "%s", r.state);
		out_cell(t, "%s", r.tier);
		out_cell(t, "%s", r.net);
		out_cell(t, "%" PRIu64, r.load.in_flight);
		out_cell(t, "%" PRIu64, per_minute(&s->rates, r.load.calls));
		out_cell(t, "%s", server_row_last_error(&r, error, sizeof(error)));
	}
	if (any)
		out_table_end(&t);
	else
		out_table_free(&t);
}

/* --- what needs somebody -------------------------------------------------------------------------- */

static void
need(bool *first, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
need(bool *first, const char *fmt, ...)
{
	char	line[1024];
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	printf("%-11s%s\n", *first ? "NEEDS YOU" : "", out_clean(span_of(line), line, sizeof(line)));
	*first = false;
}

static void
need_server(bool *first, const struct server_row *r)
{
	const bool	no_jail = r->heard != NULL && r->heard->b.state == SERVER_STATE_NO_JAIL;
	const bool	other = !span_is(r->tenant, TENANT_DEFAULT);
	char		of[TENANT_NAME_MAX + 16] = "";

	if (other)
		snprintf(of, sizeof(of), " --tenant %.*s", SPAN_FMT(r->tenant));
	if ((r->rec->flags & SERVER_FLAG_DOWN) != 0)
		need(first, "%.*s%s: %.*s: mcpgwctl check", SPAN_FMT(r->name), of, SPAN_FMT(r->why));
	else if (r->rec->kind == SERVER_HTTP)
		need(first, "%.*s: mcpgwctl %s %.*s%s", SPAN_FMT(r->name), other ? "server show" : "status",
		    SPAN_FMT(r->name), of);
	else
		need(first, "%.*s: mcpgwctl %s%.*s%s", SPAN_FMT(r->name), no_jail ? "doctor" : "logs ",
		    no_jail ? 0 : (int)r->name.n, r->name.p, no_jail ? "" : of);
}

static void
need_bucket(const struct bucket *b, void *arg)
{
	char	used[24];

	if (!bucket_is_near_end(b))
		return;
	if (b->kind == BUCKET_QUOTA)
		need(arg, "%s %s: %" PRIu64 "%% of this %s's %s%s (mcpgwctl limit show %s)", b->of, b->name,
		    (uint64_t)((double)(b->most - b->left) * 100 / (double)b->most), b->period,
		    bucket_amount(b, b->most, used, sizeof(used)), strcmp(b->what, "calls") == 0 ? " calls" : "",
		    b->name);
	else
		need(arg, "%s %s%s%s: %" PRIu64 " of %" PRIu64 " calls left, %s (mcpgwctl limit show %s)", b->of,
		    b->name, b->tool[0] == '\0' ? "" : ".", b->tool, b->left, b->burst, b->rate, b->name);
}

static void
need_issuer(const struct issuer_seen *i, void *arg)
{
	const uint64_t	now = out_now_ms();
	char		t[OUT_TIME];

	if (!issuer_is_bad(i, now))
		return;
	if (i->ends_ms > now)
		need(arg, "issuer %s: its keys cannot be fetched, and serve until %s: mcpgwctl issuer list", i->issuer,
		    out_when_ms(i->ends_ms, t));
	else
		need(arg, "issuer %s: its tokens are REFUSED, as its keys cannot be fetched: mcpgwctl issuer list",
		    i->issuer);
}

/* Of listeners with TLS and of their clients; a list that is over lets no client in. */
static void
need_certificate(const struct certfile *c, void *arg)
{
	const uint64_t	now = out_now_ms(), ends = c->cert.ends_ms;
	char		when[OUT_TIME];

	/* Not everybody who may ask the gateway may read its files. */
	if (c->why != NULL || ends == 0)
		return;
	if (ends <= now)
		need(arg, CERTFILES_DIR "/%s ENDED %s: mcpgwctl certs list", c->file, out_when_ms(ends, when));
	else if (ends <= now + CERTFILES_SOON_MS)
		need(arg, CERTFILES_DIR "/%s ends %s: mcpgwctl certs list", c->file, out_when_ms(ends, when));
}

static bool
is_enforced(const struct snap *policy)
{
	const struct rec_param	*p = policy == NULL ? NULL : SNAP_AT(policy, PARAM, PARAM_ID_enforce);

	return p == NULL || p->number != 0;
}

/* What passes although a rule denies it; how much of it there was, the audit knows. */
static void
need_enforced(bool *first, const struct snap *policy)
{
	const struct rec_agent	*a, *agent = NULL;
	const struct rec_rule	*r;
	unsigned		 agents = 0, rules = 0;

	for (uint64_t i = 0; (a = SNAP_AT(policy, AGENT, i)) != NULL; i++)
		if ((a->flags & AGENT_FLAG_SHADOW) != 0 && agents++ == 0)
			agent = a;
	for (uint64_t i = 0; (r = SNAP_AT(policy, RULE, i)) != NULL; i++)
		rules += (r->flags & RULE_FLAG_SHADOW) != 0;
	if (!is_enforced(policy))
		need(first, "enforce = no: NOTHING IS DENIED by rules: mcpgwctl audit list --decision shadow");
	else if (agents > 0)
		need(first, "agent %.*s%s: nothing is denied by rules (shadow): mcpgwctl audit list --decision shadow",
		    SPAN_FMT(snap_text(policy, agent->name)), agents > 1 ? " and others" : "");
	else if (rules > 0)
		need(first, "%u rule%s recorded and not enforced (shadow): mcpgwctl audit list --decision shadow",
		    rules, rules == 1 ? " is" : "s are");
}

static bool
wants_approvals(const struct snap *policy)
{
	const struct rec_rule	*r;

	for (uint64_t i = 0; (r = SNAP_AT(policy, RULE, i)) != NULL; i++)
		if (r->deny == 0 && (r->flags & RULE_FLAG_APPROVAL) != 0)
			return true;
	return false;
}

static void
count_waiting(struct json_value object, void *arg)
{
	unsigned	*count = arg;
	char		 state[16];

	*count += lines_u64(object, "calls") > 0 &&
	    strcmp(lines_text(object, "state", state, sizeof(state)), "waits") == 0;
}

static void
need_approvals(struct ctl *ctl, bool *first)
{
	unsigned	count = 0;

	if (lines_each(ctl, CTLCMD_approval_list, NULL, false, count_waiting, &count) == 0 && count > 0)
		need(first, "calls wait for somebody to approve them: mcpgwctl approval list");
}

static void
print_needs(struct ctl *ctl, const struct status *s)
{
	struct server_row	r;
	struct params		params;
	bool			first = true;

	if (s->master.holds)
		need(&first, "takes no calls: mcpgwctl drain --undo");
	if (s->warning[0] != '\0')
		need(&first, "%s", s->warning);
	if (s->policy != NULL)
		need_enforced(&first, s->policy);
	if (s->master.probe > PROBE_FULL_NO_PROC)
		need(&first, "%s", s->probe_line);
	for (uint64_t i = 0; server_row_at(s, i, &r); i++)
		if ((r.rec->flags & SERVER_FLAG_CGROUP_LIMITS) != 0 && s->limits_held != LIMITS_ALL)
			need(&first, "%.*s: limits that need a cgroup may not be held: mcpgwctl status mcpgw",
			    SPAN_FMT(r.name));
	for (uint64_t i = 0; server_row_at(s, i, &r); i++)
		if (server_row_is_bad(&r))
			need_server(&first, &r);
	if (s->policy != NULL && snap_count(s->policy, SECTION_SERVER) == 0)
		need(&first, "no server is configured: mcpgwctl import FILE");
	if (s->tools_held > 0)
		need(&first, "%s%s: new or changed, and refused until somebody looks: mcpgwctl tool list --changed",
		    s->tool_first, s->tools_held > 1 ? " and others" : "");
	if (s->policy != NULL && wants_approvals(s->policy))
		need_approvals(ctl, &first);
	for (size_t i = 0; i < s->process_count; i++)
		if (s->processes[i].b.state == CTL_PROCESS_WAITING && s->processes[i].b.deaths > 1)
			need(&first, "%s %u: died %u times: mcpgwctl status %s",
			    role_program(s->processes[i].b.role), s->processes[i].b.slot,
			    s->processes[i].b.deaths, role_program(s->processes[i].b.role));
	if (s->policy != NULL && params_load(s->policy, &params) == 0 && params.tls_certificates.n > 0)
		certfiles_each(ctl, &params, need_certificate, &first);
	if (s->policy != NULL && snap_count(s->policy, SECTION_KEYSOURCE) > 0)
		(void)issuers_each(ctl, false, need_issuer, &first);
	if (s->policy != NULL && snap_count(s->policy, SECTION_BUCKET) > 0)
		(void)buckets_each(ctl, NULL, false, need_bucket, &first);
}

int
status_print(struct ctl *ctl, const struct status *s)
{
	print_head(s);
	print_servers(s);
	if (has_tenants(s))
		print_tenants(s);
	print_needs(ctl, s);
	return 0;
}

/* --- for programs --------------------------------------------------------------------------------- */

void
status_json_process(const struct status_process *p)
{
	out_json_begin();
	out_json_text("kind", SPAN_LIT("process"));
	out_json_text("program", span_of(role_program(p->b.role)));
	out_json_u64("slot", p->b.slot);
	out_json_u64("pid", p->b.pid);
	out_json_text("state", span_of(p->b.state < CTL_PROCESS_STATE_LIMIT ? process_state_name[p->b.state] : "?"));
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
	char	by[64];

	out_json_begin();
	out_json_text("kind", SPAN_LIT("gateway"));
	out_json_text("version", span_of(s->version));
	out_json_u64("pid", s->master.pid);
	out_json_u64("up_ms", s->master.up_ms);
	out_json_u64("generation", s->master.generation);
	out_json_u64("since_ms", s->master.since_ms);
	out_json_text("by", span_of(status_by(s, by, sizeof(by))));
	out_json_u64("workers", s->master.workers);
	out_json_u64("workers_ready", s->master.workers_ready);
	out_json_text("jail", span_of(status_jail_word(s->master.probe)));
	out_json_text("jail_line", span_of(s->probe_line));
	out_json_text("cgroup", span_of(s->cgroup));
	out_json_text("config_dir", span_of(s->config_dir));
	out_json_u64("requests", s->counters.requests);
	out_json_u64("calls", s->counters.calls);
	out_json_u64("denied", s->counters.denied);
	out_json_u64("in_flight", s->counters.in_flight);
	out_json_u64("audit_behind", s->counters.audit_behind);
	out_json_u64("window_ms", s->rates.window_ms);
	out_json_u64("window_requests", s->rates.requests);
	out_json_u64("window_calls", s->rates.calls);
	out_json_u64("window_denied", s->rates.denied);
	out_json_u64("p50_us", s->rates.p50_us);
	out_json_u64("p99_us", s->rates.p99_us);
	out_json_u64("cache_hits", s->cache.hits);
	out_json_u64("cache_misses", s->cache.misses);
	out_json_u64("cache_waits", s->cache.waits);
	out_json_u64("cache_bytes", s->cache.bytes);
	out_json_u64("tools_held", s->tools_held);
	out_json_bool("takes_calls", !s->master.holds);
	out_json_bool("enforce", is_enforced(s->policy));
	if (s->warning[0] != '\0')
		out_json_text("warning", span_of(s->warning));
	out_json_end();
}

int
status_print_json(const struct status *s)
{
	struct server_row	r;

	json_gateway(s);
	for (size_t i = 0; i < s->listener_count; i++) {
		out_json_begin();
		out_json_text("kind", SPAN_LIT("listener"));
		out_json_text("address", span_of(s->listeners[i].address));
		out_json_bool("tls", status_is_tls(&s->listeners[i]));
		out_json_end();
	}
	for (size_t i = 0; i < s->process_count; i++)
		status_json_process(&s->processes[i]);
	for (uint64_t i = 0; server_row_at(s, i, &r); i++)
		server_row_json(&r);
	return 0;
}
