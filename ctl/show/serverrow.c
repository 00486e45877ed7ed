/* SPDX-License-Identifier: Apache-2.0
 *
 * serverrow.c - one configured server, with what was heard of it
 *
 * Process: mcpgwctl.  Owns: nothing.  Trusts: nothing; all of it is only shown.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "ctl/out.h"
#include "ctl/show/status.h"
#include "policy/policy.h"

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

#define NAME_OF(table, i) ((i) < sizeof(table) / sizeof((table)[0]) ? (table)[i] : "?")

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

bool
server_row_at(const struct status *s, uint64_t i, struct server_row *r)
{
	if (s->policy == NULL || (r->rec = SNAP_AT(s->policy, SERVER, i)) == NULL)
		return false;
	r->tenant = policy_tenant_name(s->policy, r->rec->tenant);
	r->name = snap_text(s->policy, r->rec->name);
	r->heard = status_server_heard(s, r->tenant, r->name);
	r->load = status_load(s, r->rec->profile);
	r->state = NAME_OF(state_name, r->heard == NULL ? SERVER_STATE_IDLE : r->heard->b.state);
	r->why = r->heard == NULL ? SPAN_NONE : span_of(r->heard->error);
	if ((r->rec->flags & SERVER_FLAG_DISABLED) != 0) {
		r->state = (r->rec->flags & SERVER_FLAG_DOWN) != 0 ? "down" : state_name[SERVER_STATE_DISABLED];
		r->why = snap_text(s->policy, r->rec->why);
	}
	r->tier = r->rec->kind == SERVER_HTTP ? "remote" : NAME_OF(tier_name, r->rec->tier);
	r->net = net_words(r->rec, r->net_text, sizeof(r->net_text));
	return true;
}

bool
server_row_find(const struct status *s, const char *tenant, const char *name, struct server_row *r)
{
	for (uint64_t i = 0; server_row_at(s, i, r); i++)
		if (span_is(r->name, name) && (tenant == NULL || span_is(r->tenant, tenant)))
			return true;
	return false;
}

bool
server_row_is_bad(const struct server_row *r)
{
	if ((r->rec->flags & SERVER_FLAG_DOWN) != 0)
		return true;
	return r->heard != NULL && (r->rec->flags & SERVER_FLAG_DISABLED) == 0 &&
	    (r->heard->b.state == SERVER_STATE_BROKEN || r->heard->b.state == SERVER_STATE_NO_JAIL);
}

/* "exit 1 after 0.2 s: its last line x3" has no place in a table; how often stands at its end.  That a server is
 * "switched off" its state says. */
static int
short_words(struct span why, char *to, size_t room)
{
	const struct span off = SPAN_LIT("switched off ");
	struct span	head = why, times = SPAN_NONE;
	size_t		digits = 0;
	const char	*at;

	if (span_starts(why, off))
		head = why = span_part(why, off.n, why.n);	/* the state says it */
	while (digits < why.n && isdigit((unsigned char)why.p[why.n - 1 - digits]))
		digits++;
	if (digits > 0 && digits + 2 < why.n && memcmp(why.p + why.n - digits - 2, " x", 2) == 0)
		times = span_part(why, why.n - digits - 2, why.n);
	if (span_starts(why, SPAN_LIT("exit ")) && (at = memmem(why.p, why.n, " after ", 7)) != NULL)
		head = span_part(why, 0, (size_t)(at - why.p));
	else
		times = SPAN_NONE;
	return snprintf(to, room, "%.*s%.*s", SPAN_FMT(head), SPAN_FMT(times));
}

const char *
server_row_last_error(const struct server_row *r, char *to, size_t room)
{
	char	when[OUT_TIME];
	int	n;

	if (r->why.n == 0) {
		snprintf(to, room, "-");
		return to;
	}
	n = short_words(r->why, to, room);
	if (r->heard != NULL && r->heard->b.next_try_ms > 0 && n > 0 && (size_t)n < room)
		snprintf(to + n, room - (size_t)n, ", next try %s", out_span_ms(r->heard->b.next_try_ms, when));
	return to;
}

void
server_row_json(const struct server_row *r)
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
	out_json_u64("in_flight", r->load.in_flight);
	out_json_u64("calls_last_minute", r->load.calls);
	if (r->why.n > 0)
		out_json_text("error", r->why);
	if (r->heard != NULL && r->heard->b.next_try_ms > 0)
		out_json_u64("next_try_ms", r->heard->b.next_try_ms);
	out_json_end();
}
