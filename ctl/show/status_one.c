/* SPDX-License-Identifier: Apache-2.0
 *
 * status_one.c - `status NAME`: one server, tenant or process
 *
 * Process: mcpgwctl.  Owns: nothing.  Trusts: nothing; all of it is only shown.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/ask.h"
#include "ctl/known.h"
#include "ctl/out.h"
#include "ctl/show/breakers.h"
#include "ctl/show/loginstate.h"
#include "ctl/show/status.h"
#include "lib/num.h"
#include "policy/policy.h"
#include "policy/tenants.h"

#define REFUSED_BYTES	8192
#define MASTER_NAME	"mcpgw"

/* --- what a server's jails refused ------------------------------------------------------------------ */

struct refused {
	char	lines[REFUSED_BYTES];
	size_t	bytes;
};

static void
take_refused(uint16_t type, const union msg_any *body, int *fds, void *arg)
{
	struct refused	*r = arg;

	(void)fds;
	if (type != MSG_TYPE_CTL_REFUSED)
		return;
	r->bytes = body->CTL_REFUSED.lines.n < sizeof(r->lines) ? body->CTL_REFUSED.lines.n : 0;
	if (r->bytes > 0)
		memcpy(r->lines, body->CTL_REFUSED.lines.p, r->bytes);
}

static void
ask_refused(struct ctl *ctl, const struct server_row *row, struct refused *out)
{
	struct msg_CTL	msg = { .command = CTLCMD_status, .a = row->name, .b = row->tenant };
	struct ask	a;

	out->bytes = 0;
	if (row->rec->kind == SERVER_HTTP || ask_open(ctl, &a, false) != 0)
		return;
	ask_send(&a, MSG_TYPE_CTL, &msg, NULL, 0);
	if (ask_wait(&a, take_refused, out) != 0)
		out->bytes = 0;
	ask_close(&a);
}

/* Up to the next byte of this kind, which goes too. */
static struct span
part_take(struct span *rest, char end)
{
	const char	*at = rest->n == 0 ? NULL : memchr(rest->p, end, rest->n);
	struct span	 one = span_part(*rest, 0, at == NULL ? rest->n : (size_t)(at - rest->p));

	*rest = span_part(*rest, one.n + 1, rest->n);
	return one;
}

struct refusal {
	struct span	family, request;
	uint64_t	count, first_ms, running;
};

/* As sandbox/runner/refusals.h has it. */
static bool
refusal_take(struct span *rest, struct refusal *out)
{
	struct span	line = part_take(rest, '\n');

	out->family = part_take(&line, ' ');
	if (out->family.n == 0 || num_u64(part_take(&line, ' '), &out->count) != 0 ||
	    num_u64(part_take(&line, ' '), &out->first_ms) != 0)
		return false;
	out->request = part_take(&line, ' ');
	return num_u64(line, &out->running) == 0;
}

static void
print_refused(const struct refused *all)
{
	const uint64_t	now = out_now_ms();
	struct span	rest = span_make(all->lines, all->bytes);
	struct refusal	one;
	char		span[OUT_TIME], id[32];

	while (rest.n > 0 && refusal_take(&rest, &one)) {
		printf("refused   socket(%.*s) %" PRIu64 " time%s in %s, first ", SPAN_FMT(one.family), one.count,
		    one.count == 1 ? "" : "s", out_span_ms(now > one.first_ms ? now - one.first_ms : 0, span));
		out_clean(one.request, id, sizeof(id));
		if (one.running == 0)
			printf("outside of calls\n");
		else if (one.running == 1)
			printf("in call %s\n", id);
		else
			printf("in one of %" PRIu64 " calls, the newest %s\n", one.running, id);
	}
}

static void
json_refused(const struct refused *all, const struct server_row *row)
{
	struct span	rest = span_make(all->lines, all->bytes);
	struct refusal	one;
	char		when[OUT_TIME];

	while (rest.n > 0 && refusal_take(&rest, &one)) {
		out_json_begin();
		out_json_text("kind", SPAN_LIT("refused"));
		out_json_text("server", row->name);
		out_json_text("family", one.family);
		out_json_u64("count", one.count);
		out_json_text("since", span_of(out_utc_ms(one.first_ms, when)));
		out_json_u64("calls_running", one.running);
		if (one.running > 0)
			out_json_text("request_id", one.request);
		out_json_end();
	}
}

/* --- one ------------------------------------------------------------------------------------------ */

static void
print_text(const char *name, struct span text)
{
	char	clean[1024];

	if (text.n > 0)
		printf("%-10s%s\n", name, out_clean(text, clean, sizeof(clean)));
}

/* What is as it should be needs no line, but where there are several. */
static void
print_breaker(const struct breaker_row *row, void *arg)
{
	char	line[256];

	(void)arg;
	if (row->endpoint[0] != '\0')
		printf("endpoint  %s: %s\n", row->endpoint, breakers_line(row, line, sizeof(line)));
	else if (strcmp(row->state, "closed") != 0)
		printf("breaker   %s\n", breakers_line(row, line, sizeof(line)));
}

static void
print_breakers(struct ctl *ctl, const struct server_row *r)
{
	char	tenant[64], name[128];

	snprintf(tenant, sizeof(tenant), "%.*s", SPAN_FMT(r->tenant));
	snprintf(name, sizeof(name), "%.*s", SPAN_FMT(r->name));
	(void)breakers_each(ctl, false, tenant, name, NULL, NULL, false, print_breaker, NULL);
}

static int
print_server(struct ctl *ctl, const struct status *s, const struct server_row *r)
{
	struct refused	refused;
	struct loginstate login;
	char		when[OUT_TIME], clean[1024];

	ask_refused(ctl, r, &refused);
	if (ctl->json) {
		server_row_json(r);
		json_refused(&refused, r);
		return server_row_is_bad(r) ? 1 : 0;
	}
	printf("%.*s: %s", SPAN_FMT(r->name), r->state);
	if (!span_is(r->tenant, TENANT_DEFAULT))
		printf(", of tenant %.*s", SPAN_FMT(r->tenant));
	printf("\n");
	print_text("runs", snap_text(s->policy, r->rec->shown));
	printf("from      %s:%u\n", out_clean(snap_text(s->policy, r->rec->file), clean, sizeof(clean)), r->rec->line);
	printf("jail      %s, net %s\n", r->tier, r->net);
	printf("calls     %" PRIu64 " in the last minute, %" PRIu64 " in flight\n", r->load.calls, r->load.in_flight);
	if (r->heard != NULL) {
		printf("instances %u\ntools     %u\n", r->heard->b.instances, r->heard->b.tools);
		if (r->heard->b.next_try_ms > 0)
			printf("next try  in %s\n", out_span_ms(r->heard->b.next_try_ms, when));
	}
	loginstate_ask(ctl, r->rec, r->name, r->tenant, &login);
	if (login.line[0] != '\0')
		printf("auth      %s\n", login.line);
	print_breakers(ctl, r);
	print_text("error", r->why);
	print_refused(&refused);
	return server_row_is_bad(r) ? 1 : 0;
}

static void
print_process(const struct status_process *p)
{
	static const char *const	states[] = {
		[CTL_PROCESS_WAITING] = "waiting", [CTL_PROCESS_STARTING] = "starting",
		[CTL_PROCESS_READY] = "ready", [CTL_PROCESS_LEAVING] = "leaving",
	};
	char				up[OUT_TIME];

	printf("%s %u: %s, pid %u, up %s, generation %" PRIu64 ", %u deaths%s%s\n", role_program(p->b.role), p->b.slot,
	    p->b.state < CTL_PROCESS_STATE_LIMIT ? states[p->b.state] : "?", p->b.pid, out_span_ms(p->b.up_ms, up),
	    p->b.generation, p->b.deaths, p->tenant[0] == '\0' ? "" : ", tenant ", p->tenant);
}

/* "mcpgw-worker", and "worker" too. */
static bool
is_program(enum role role, const char *name)
{
	const char	*program = role_program(role);
	const size_t	 n = sizeof("mcpgw-") - 1;

	return strcmp(program, name) == 0 || (strncmp(program, "mcpgw-", n) == 0 && strcmp(program + n, name) == 0);
}

/* The processes of this program or tenant. */
static bool
print_processes(const struct ctl *ctl, const struct status *s, const char *name)
{
	bool	found = false;

	for (size_t i = 0; i < s->process_count; i++) {
		const struct status_process	*p = &s->processes[i];

		if (!is_program(p->b.role, name) && strcmp(p->tenant, name) != 0)
			continue;
		found = true;
		if (ctl->json)
			status_json_process(p);
		else
			print_process(p);
	}
	return found;
}

/* The servers of a tenant; false: there is none of this name. */
static bool
print_tenant(const struct ctl *ctl, const struct status *s, const char *name)
{
	struct server_row	r;
	char			error[OUT_CELL], clean[OUT_CELL];
	bool			found = false;

	for (uint64_t i = 0; server_row_at(s, i, &r); i++) {
		if (!span_is(r.tenant, name))
			continue;
		found = true;
		if (ctl->json)
			server_row_json(&r);
		else
			printf("%.*s: %s, %" PRIu64 " calls in the last minute, %" PRIu64 " in flight%s%s\n",
			    SPAN_FMT(r.name), r.state, r.load.calls, r.load.in_flight, r.why.n > 0 ? ", error " : "",
			    r.why.n == 0 ? "" : out_clean(span_of(server_row_last_error(&r, error, sizeof(error))),
			    clean, sizeof(clean)));
	}
	if (found || policy_tenant_find(s->policy, span_of(name)) == NULL)
		return found;
	if (!ctl->json)
		printf("tenant %s: it has no servers; see mcpgwctl tenant show %s\n", name, name);
	return true;
}

/* What the two lines of `status` have no place for. */
static int
print_master(const struct status *s)
{
	char	up[OUT_TIME], by[64];

	printf("mcpgw: pid %u, up %s, version %s\n", s->master.pid, out_span_ms(s->master.up_ms, up), s->version);
	printf("config    %s, generation %" PRIu64 " by %s\n", s->config_dir, s->master.generation,
	    status_by(s, by, sizeof(by)));
	for (size_t i = 0; i < s->listener_count; i++)
		printf("listens   %s%s\n", s->listeners[i].address, status_is_tls(&s->listeners[i]) ? " tls" : "");
	if (s->master.holds)
		printf("drained   takes no calls: mcpgwctl drain --undo\n");
	printf("jail      %s\n", s->probe_line);
	printf("cgroup    %s\n", s->cgroup);
	printf("requests  %" PRIu64 ", calls %" PRIu64 ", denied %" PRIu64 ", in flight %" PRIu64 "\n",
	    s->counters.requests, s->counters.calls, s->counters.denied, s->counters.in_flight);
	if (s->cache.hits + s->cache.misses + s->cache.waits > 0)
		printf("kept      answers of %" PRIu64 " of %" PRIu64 " calls whose answers may be kept, %" PRIu64
		    " waited for an equal one; %" PRIu64 " KiB now\n", s->cache.hits,
		    s->cache.hits + s->cache.misses + s->cache.waits, s->cache.waits, s->cache.bytes / 1024);
	return 0;
}

/* Each server of this name; -1: there is none. */
static int
print_servers(struct ctl *ctl, const struct status *s, const char *tenant, const char *name)
{
	struct server_row	r;
	int			code = -1, one;

	for (uint64_t i = 0; server_row_at(s, i, &r); i++) {
		if (!span_is(r.name, name) || (tenant != NULL && !span_is(r.tenant, tenant)))
			continue;
		if (code != -1 && !ctl->json)
			printf("\n");
		one = print_server(ctl, s, &r);
		code = code > one ? code : one;
	}
	return code;
}

static int
say_none(const struct status *s, const char *tenant, const char *name)
{
	const struct span	of = span_of(tenant == NULL ? TENANT_DEFAULT : tenant);
	char			hint[KNOWN_HINT], tenant_hint[KNOWN_HINT];

	if (tenant != NULL && policy_tenant_find(s->policy, of) == NULL)
		out_error("no tenant \"%s\"%s", tenant, known_hint(s->policy, KNOWN_TENANT, SPAN_NONE, tenant,
		    "; see mcpgwctl tenant list", hint));
	else if (tenant != NULL)
		out_error("tenant %s has no server \"%s\"%s", tenant, name, known_hint(s->policy, KNOWN_SERVER, of,
		    name, "; see mcpgwctl server list", hint));
	else
		out_error("no server, tenant or process \"%s\"%s", name, known_hint(s->policy, KNOWN_SERVER, of, name,
		    known_hint(s->policy, KNOWN_TENANT, SPAN_NONE, name, "; see mcpgwctl status", tenant_hint), hint));
	return EX_DATAERR;
}

int
status_print_one(struct ctl *ctl, const struct status *s, const char *tenant, const char *name)
{
	int	r = print_servers(ctl, s, tenant, name);
	bool	found;

	if (r != -1)
		return r;
	if (tenant != NULL)
		return say_none(s, tenant, name);
	if (strcmp(name, MASTER_NAME) == 0)
		return ctl->json ? status_print_json(s) : print_master(s);
	found = print_processes(ctl, s, name);
	return print_tenant(ctl, s, name) || found ? 0 : say_none(s, tenant, name);
}
