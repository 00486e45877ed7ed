/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_show.c - server list and server show: what is configured, and in force
 *
 * Process: mcpgwctl.
 * Owns:    mapped copies of the policy, and for the owner of the profiles.
 * Trusts:  the snapshots, as far as snap_at() vouches for them.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>

#include "ctl/ask.h"
#include "ctl/known.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "ctl/show/breakers.h"
#include "ctl/show/loginstate.h"
#include "ctl/show/status.h"
#include "policy/policy.h"
#include "policy/reach.h"
#include "policy/tenants.h"

#define LINE_BYTES	1024

static const char *const isolation_name[] = {
	[ISOLATION_PRINCIPAL] = "principal", [ISOLATION_TENANT] = "tenant", [ISOLATION_SESSION] = "session",
	[ISOLATION_CALL] = "call",
};

/* Where it comes from: what the file says, or a package that import brought. */
static const char *
package_of(struct span shown, char *to, size_t room)
{
	static const char	folder[] = "/pkgs/";
	const char		*at = memmem(shown.p, shown.n, folder, sizeof(folder) - 1), *end;
	size_t			 left;

	to[0] = '\0';
	if (at == NULL)
		return to;
	at += sizeof(folder) - 1;
	left = shown.n - (size_t)(at - shown.p);
	end = memchr(at, '/', left);
	snprintf(to, room, "%.*s", (int)(end == NULL ? left : (size_t)(end - at)), at);
	return to;
}

/* --- list ----------------------------------------------------------------------------------------- */

int
cmd_server_list(struct ctl *ctl, int argc, char **argv)
{
	static const struct out_column	columns[] = {
		{ "SERVER", false, true }, { "TENANT", false, true }, { "STATE", false, true }, { "JAIL", false, true },
		{ "NET", false, true }, { "TOOLS", true, true }, { "RUNS", false, false },
	};
	static const struct opt		none[] = { { NULL, NULL, NULL } };
	struct out_table		*t = NULL;
	struct server_row		r;
	struct status			s;
	int				e;

	(void)opts_take(none, argc, argv, 0, 0);
	e = status_gather(ctl, true, &s);
	if (e == 0 && !ctl->json)
		t = out_table_new(columns, 7);
	for (uint64_t i = 0; e == 0 && server_row_at(&s, i, &r); i++) {
		if (ctl->json) {
			server_row_json(&r);
			continue;
		}
		out_cell_span(t, r.name);
		out_cell_span(t, r.tenant);
		out_cell(t, "%s", r.state);
		out_cell(t, "%s", r.tier);
		out_cell(t, "%s", r.net);
		if (r.heard == NULL || r.heard->b.tools == SERVER_TOOLS_UNKNOWN)
			out_cell(t, "-");
		else
			out_cell(t, "%u", r.heard->b.tools);
		out_cell_span(t, snap_text(s.policy, r.rec->shown));
	}
	if (t != NULL)
		out_table_end(&t);
	status_free(&s);
	return out_end(e);
}

/* --- show ----------------------------------------------------------------------------------------- */

struct show {
	struct ctl			*ctl;
	const struct status		*s;
	struct server_row		 row;
	struct snap			*profiles;	/* NULL: not ours to see */
	const struct rec_profile	*profile;	/* or NULL */
};

/* A line for people; the same member for programs. */
static void
say(const struct show *w, const char *name, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void
say(const struct show *w, const char *name, const char *fmt, ...)
{
	char	line[LINE_BYTES];
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (w->ctl->json)
		out_json_text(name, span_of(line));
	else
		printf("%-11s%s\n", name, out_clean(span_of(line), line, sizeof(line)));
}

static void
show_reach(const struct show *w)
{
	const struct rec_reach	*e;
	char			 line[LINE_BYTES], address[INET6_ADDRSTRLEN];
	size_t			 n = 0;

	line[0] = '\0';
	for (uint32_t i = 0; i < w->row.rec->reach_count && n < sizeof(line); i++) {
		int	more;

		if ((e = SNAP_AT(w->s->policy, REACH, (uint64_t)w->row.rec->reach_first + i)) == NULL)
			break;
		address[0] = '\0';
		if (e->kind == REACH_ADDRESS)
			(void)inet_ntop(e->family, e->bytes, address, sizeof(address));
		more = snprintf(line + n, sizeof(line) - n, "%s%s%.*s%s:%u", i == 0 ? "" : " ",
		    e->kind == REACH_BELOW ? "*." : "", SPAN_FMT(snap_text(w->s->policy, e->host)), address, e->port);
		n += more < 0 ? 0 : (size_t)more;
	}
	if (n > 0)
		say(w, "hosts", "%s", line);
}

/* What the jail sees at the same place as the host, whole paths. */
static void
show_view(const struct show *w)
{
	const struct rec_seen	*e;
	const struct rec_bind	*b;
	char			 line[LINE_BYTES];
	size_t			 n = 0;
	int			 more;

	line[0] = '\0';
	for (uint32_t i = 0; w->profile == NULL && i < w->row.rec->seen_count && n < sizeof(line); i++) {
		if ((e = SNAP_AT(w->s->policy, SEEN, (uint64_t)w->row.rec->seen_first + i)) == NULL)
			break;
		more = snprintf(line + n, sizeof(line) - n, "%s%.*s", n == 0 ? "" : " ",
		    SPAN_FMT(snap_text(w->s->policy, e->path)));
		n += more < 0 ? 0 : (size_t)more;
	}
	for (uint32_t i = 0; w->profile != NULL && i < w->profile->bind_count && n < sizeof(line); i++) {
		if ((b = SNAP_AT(w->profiles, BIND, (uint64_t)w->profile->bind_first + i)) == NULL)
			break;
		if ((b->flags & BIND_STATE) != 0)
			continue;
		more = snprintf(line + n, sizeof(line) - n, "%s%.*s%s", n == 0 ? "" : " ",
		    SPAN_FMT(snap_text(w->profiles, b->source)), (b->flags & BIND_WRITABLE) != 0 ? " (may write)" : "");
		n += more < 0 ? 0 : (size_t)more;
	}
	say(w, "view", "%s", n == 0 ? "its own folder alone" : line);
}

static void
put_bytes(char *line, size_t room, const char *name, uint64_t bytes)
{
	const size_t	n = strlen(line);

	if (bytes >= UINT64_C(1) << 20)
		snprintf(line + n, room - n, "%s%s %" PRIu64 " MiB", n == 0 ? "" : ", ", name, bytes >> 20);
	else
		snprintf(line + n, room - n, "%s%s %" PRIu64 " KiB", n == 0 ? "" : ", ", name, bytes >> 10);
}

static void
put_count(char *line, size_t room, const char *name, uint64_t count)
{
	const size_t	n = strlen(line);

	snprintf(line + n, room - n, "%s%s %" PRIu64, n == 0 ? "" : ", ", name, count);
}

static void
show_auth(const struct show *w)
{
	struct loginstate	state;

	loginstate_ask(w->ctl, w->row.rec, w->row.name, w->row.tenant, &state);
	if (state.json[0] != '\0' && w->ctl->json)
		out_json_raw("auth", span_of(state.json));
	else if (state.json[0] != '\0')
		say(w, "auth", "%s", state.line);
}

static void
show_limits(const struct show *w)
{
	static const struct { uint32_t resource; const char *name; bool bytes; } names[] = {
		{ RLIMIT_AS, "address space", true }, { RLIMIT_FSIZE, "file", true },
		{ RLIMIT_NOFILE, "open files", false }, { RLIMIT_NPROC, "processes", false },
		{ RLIMIT_CPU, "cpu seconds", false },
	};
	const struct rec_profile	*p = w->profile;
	const struct rec_rlimit		*l;
	char				 line[LINE_BYTES] = "";

	if (w->row.rec->kind == SERVER_HTTP)
		return;
	if (p == NULL) {
		say(w, "limits", "shown to root and the gateway's owner alone");
		return;
	}
	if (p->memory_bytes > 0)
		put_bytes(line, sizeof(line), "memory", p->memory_bytes);
	if (p->pids > 0)
		put_count(line, sizeof(line), "pids", p->pids);
	if (p->cpu_milli > 0)
		put_count(line, sizeof(line), "thousandths of a processor", p->cpu_milli);
	if (p->state_bytes > 0)
		put_bytes(line, sizeof(line), "state", p->state_bytes);
	for (uint32_t i = 0; i < p->rlimit_count; i++) {
		if ((l = SNAP_AT(w->profiles, RLIMIT, (uint64_t)p->rlimit_first + i)) == NULL)
			break;
		for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
			if (names[k].resource != l->resource || l->value == RLIM_INFINITY)
				continue;
			if (names[k].bytes)
				put_bytes(line, sizeof(line), names[k].name, l->value);
			else
				put_count(line, sizeof(line), names[k].name, l->value);
		}
	}
	say(w, "limits", "%s", line[0] == '\0' ? "none of its own" : line);
	say(w, "instances", "%u at most, leave after %u s without a call", p->max_instances == 0 ? 1 : p->max_instances,
	    p->idle_ms / 1000);
}

static void
show_json_rule(const struct show *w, const struct rec_rule *rule, const struct rec_agent *agent)
{
	const struct snap	*s = w->s->policy;

	out_json_begin();
	out_json_text("kind", SPAN_LIT("rule"));
	out_json_text((rule->agent & ROLE_OWNER) == 0 ? "agent" : "role", snap_text(s, agent->name));
	out_json_text("rule", snap_text(s, rule->path));
	out_json_text("pattern", snap_text(s, rule->pattern));
	out_json_bool("deny", rule->deny != 0);
	out_json_text("file", snap_text(s, rule->file));
	out_json_u64("line", rule->line);
	out_json_end();
}

/* Every rule that names it, or all servers. */
static void
show_rules(const struct show *w)
{
	const struct snap	*s = w->s->policy;
	const struct rec_rule	*rule;
	const struct rec_agent	*agent;
	struct span		 server;
	char			 line[LINE_BYTES];
	size_t			 count = 0;

	for (uint64_t i = 0; (rule = SNAP_AT(s, RULE, i)) != NULL; i++) {
		server = snap_text(s, rule->server);
		agent = policy_rule_owner(s, rule);
		if (rule->about == RULE_ABOUT_LIST || (!span_eq(server, w->row.name) && !span_is(server, "*")) ||
		    agent == NULL || agent->tenant != w->row.rec->tenant)
			continue;
		count++;
		if (w->ctl->json) {
			show_json_rule(w, rule, agent);
			continue;
		}
		snprintf(line, sizeof(line), "%.*s:%u  %.*s \"%.*s\"", SPAN_FMT(snap_text(s, rule->file)), rule->line,
		    SPAN_FMT(snap_text(s, rule->path)), SPAN_FMT(snap_text(s, rule->pattern)));
		printf("%-11s%s\n", count == 1 ? "rules" : "", out_clean(span_of(line), line, sizeof(line)));
	}
	if (count == 0 && !w->ctl->json)
		printf("%-11snone speaks of it: nobody may call it\n", "rules");
}

/* Of one that nothing is known of there is no line. */
static void
show_breaker(const struct breaker_row *row, void *arg)
{
	char	line[256];

	(void)arg;
	if (row->endpoint[0] != '\0')
		printf("%-11s%s: %s\n", "endpoint", row->endpoint, breakers_line(row, line, sizeof(line)));
	else if (strcmp(row->state, "closed") != 0 || row->failures > 0 || row->calls > 0)
		printf("%-11s%s\n", "breaker", breakers_line(row, line, sizeof(line)));
}

static void
show_json_breaker(const struct breaker_row *row, void *arg)
{
	(void)arg;
	breakers_json(row);
}

/* A line for each endpoint; with JSON they are objects of their own, as rules are. */
static void
show_breakers(const struct show *w, breakers_fn *fn)
{
	char	tenant[64], name[128];

	snprintf(tenant, sizeof(tenant), "%.*s", SPAN_FMT(w->row.tenant));
	snprintf(name, sizeof(name), "%.*s", SPAN_FMT(w->row.name));
	(void)breakers_each(w->ctl, false, tenant, name, NULL, NULL, false, fn, NULL);
}

static void
show(const struct show *w)
{
	const struct snap		*s = w->s->policy;
	const struct rec_server		*rec = w->row.rec;
	static const char *const	eras[] = { "auto", "2025-11-25 and before", "2026-07-28" };
	char				package[256];

	if (w->ctl->json)
		out_json_begin();
	say(w, "name", "%.*s", SPAN_FMT(w->row.name));
	say(w, "tenant", "%.*s", SPAN_FMT(w->row.tenant));
	say(w, "state", "%s%s%.*s", w->row.state, w->row.why.n > 0 ? ": " : "", SPAN_FMT(w->row.why));
	say(w, "runs", "%.*s", SPAN_FMT(snap_text(s, rec->shown)));
	if (package_of(snap_text(s, rec->shown), package, sizeof(package))[0] != '\0')
		say(w, "package", "%s", package);
	say(w, "from", "%.*s:%u", SPAN_FMT(snap_text(s, rec->file)), rec->line);
	say(w, "jail", "%s", w->row.tier);
	say(w, "net", "%s", w->row.net);
	show_reach(w);
	if (rec->kind == SERVER_STDIO) {
		show_view(w);
		say(w, "isolation", "%s", rec->isolation < 4 ? isolation_name[rec->isolation] : "?");
	}
	show_auth(w);
	show_limits(w);
	if (!w->ctl->json)
		show_breakers(w, show_breaker);
	say(w, "revision", "%s", rec->era < 3 ? eras[rec->era] : "?");
	if (rec->timeout_ms > 0)
		say(w, "timeout", "%u ms", rec->timeout_ms);
	if (w->row.heard == NULL || w->row.heard->b.tools == SERVER_TOOLS_UNKNOWN)
		say(w, "tools", "not asked for yet");
	else
		say(w, "tools", "%u", w->row.heard->b.tools);
	say(w, "calls", "%" PRIu64 " in the last minute, %" PRIu64 " in flight", w->row.load.calls,
	    w->row.load.in_flight);
	if (w->ctl->json) {
		out_json_end();
		show_breakers(w, show_json_breaker);
	}
	show_rules(w);
}

/* The profiles, when they are ours to see. */
static void
ask_profiles(struct show *w)
{
	struct msg_CTL	msg = { .command = CTLCMD_server_show, .a = w->row.tenant };
	struct ask	a;

	if (ask_open(w->ctl, &a, false) != 0)
		return;
	ask_send(&a, MSG_TYPE_CTL, &msg, NULL, 0);
	if (ask_wait(&a, ask_take_snapshot, &w->profiles) == 0 && w->profiles != NULL)
		w->profile = policy_profile_find(w->profiles, w->row.rec->profile);
	ask_close(&a);
}

/* That of tenant "default" before others, of which there must be one.  0, or the exit code, said. */
static int
find_row(const struct status *s, const char *tenant, const char *name, struct server_row *row)
{
	struct server_row	other;
	unsigned		count = 0;
	char			hint[KNOWN_HINT], tenants[256] = "";

	if (server_row_find(s, tenant == NULL ? TENANT_DEFAULT : tenant, name, row))
		return 0;
	for (uint64_t i = 0; tenant == NULL && server_row_at(s, i, &other); i++) {
		if (!span_is(other.name, name))
			continue;
		*row = other;
		snprintf(tenants + strlen(tenants), sizeof(tenants) - strlen(tenants), "%s%.*s",
		    count++ == 0 ? "" : ", ", SPAN_FMT(other.tenant));
	}
	if (count == 1)
		return 0;
	if (tenant != NULL && policy_tenant_find(s->policy, span_of(tenant)) == NULL)
		out_error("no tenant \"%s\"%s", tenant, known_hint(s->policy, KNOWN_TENANT, SPAN_NONE, tenant,
		    "; see mcpgwctl tenant list", hint));
	else if (count > 1)
		out_error("%s: several tenants have one: %s; say which by --tenant", name, tenants);
	else
		out_error("no server \"%s\"%s%s%s", name, tenant == NULL ? "" : " of tenant ",
		    tenant == NULL ? "" : tenant,
		    known_hint(s->policy, KNOWN_SERVER, span_of(tenant == NULL ? TENANT_DEFAULT : tenant), name,
		    "; see mcpgwctl server list", hint));
	return EX_DATAERR;
}

int
cmd_server_show(struct ctl *ctl, int argc, char **argv)
{
	const char		*tenant = NULL;
	const struct opt	 rows[] = { { "--tenant", &tenant, NULL }, { NULL, NULL, NULL } };
	struct status		 s;
	struct show		 w = { .ctl = ctl, .s = &s };
	int			 r;

	(void)opts_take(rows, argc, argv, 1, 1);
	if ((r = status_gather(ctl, true, &s)) == 0)
		r = find_row(&s, tenant, argv[0], &w.row);
	if (r == 0) {
		ask_profiles(&w);
		show(&w);
		snap_release(&w.profiles);
	}
	status_free(&s);
	return out_end(r);
}
