/* SPDX-License-Identifier: Apache-2.0
 *
 * breakers.c - the breakers of servers: asked for, and said
 *
 * Process: mcpgwctl.  Owns: nothing.  Trusts: nothing; all of it is only shown.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/lines.h"
#include "ctl/out.h"
#include "ctl/show/breakers.h"

struct asked {
	breakers_fn	*fn;
	void		*arg;
};

static void
take(struct json_value object, void *arg)
{
	const struct asked	*q = arg;
	struct breaker_row	 row;

	(void)lines_text(object, "tenant", row.tenant, sizeof(row.tenant));
	(void)lines_text(object, "server", row.server, sizeof(row.server));
	(void)lines_text(object, "endpoint", row.endpoint, sizeof(row.endpoint));
	(void)lines_text(object, "tool", row.tool, sizeof(row.tool));
	(void)lines_text(object, "state", row.state, sizeof(row.state));
	row.failures = lines_u64(object, "failures");
	row.calls = lines_u64(object, "calls");
	row.bad = lines_u64(object, "bad");
	row.retry_ms = lines_u64(object, "retry_ms");
	row.sick = lines_u64(object, "sick") != 0;
	q->fn(&row, q->arg);
}

int
breakers_each(struct ctl *ctl, bool reset, const char *tenant, const char *server, const char *endpoint,
    const char *tool, bool say, breakers_fn *fn, void *arg)
{
	struct asked	q = { fn, arg };
	char		what[1024];

	snprintf(what, sizeof(what), "%s\t%s\t%s\t%s", tenant == NULL ? "" : tenant, server == NULL ? "" : server,
	    endpoint == NULL ? "" : endpoint, tool == NULL ? "" : tool);
	return lines_each(ctl, reset ? CTLCMD_server_breaker_reset : CTLCMD_server_breakers, what, say, take, &q);
}

const char *
breakers_state(const struct breaker_row *row, char *to, size_t room)
{
	char	when[OUT_TIME];

	if (strcmp(row->state, "open") == 0)
		snprintf(to, room, "open for %s more", out_span_ms(row->retry_ms, when));
	else
		snprintf(to, room, "%s", row->state);
	return to;
}

const char *
breakers_line(const struct breaker_row *row, char *to, size_t room)
{
	int	n = (int)strlen(breakers_state(row, to, room));

	if (row->failures > 0 && strcmp(row->state, "closed") == 0)
		n += snprintf(to + n, room - (size_t)n, ", %" PRIu64 " failed in a row", row->failures);
	if (row->calls > 0 && (size_t)n < room)
		n += snprintf(to + n, room - (size_t)n, ", %" PRIu64 " of the last %" PRIu64 " calls bad", row->bad,
		    row->calls);
	if (row->sick && (size_t)n < room)
		snprintf(to + n, room - (size_t)n, ", out of order by its visits");
	return to;
}

void
breakers_json(const struct breaker_row *row)
{
	out_json_begin();
	out_json_text("kind", SPAN_LIT("breaker"));
	out_json_text("tenant", span_of(row->tenant));
	out_json_text("server", span_of(row->server));
	if (row->endpoint[0] != '\0')
		out_json_text("endpoint", span_of(row->endpoint));
	if (row->tool[0] != '\0')
		out_json_text("tool", span_of(row->tool));
	out_json_text("state", span_of(row->state));
	out_json_u64("failures", row->failures);
	out_json_u64("window_calls", row->calls);
	out_json_u64("window_bad", row->bad);
	out_json_u64("retry_after_ms", row->retry_ms);
	out_json_bool("visits_fail", row->sick);
	out_json_end();
}
