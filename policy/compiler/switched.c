/* SPDX-License-Identifier: Apache-2.0
 *
 * switched.c - servers that are switched off: "enabled", "disabled", and why and until when
 *
 * Process: mcpgw-compile.  Owns: nothing.
 * Trusts:  nobody to have written what the manual page says; the clock for what is over.
 *
 * A time that is over switches the server on again by itself: the master has the files read anew then.
 */
#include <time.h>

#include "policy/compiler/server.h"
#include "policy/compiler/typed.h"
#include "policy/compiler/values.h"

#define REASON_MAX	200

static uint64_t
now_ms(void)
{
	struct timespec	ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static struct span
read_reason(struct server *sv)
{
	const struct conf_node	*n = NULL;

	if (!typed_string(sv->job, sv->source, sv->node, "disabled_reason", &n))
		return SPAN_NONE;
	if (n->text.n <= REASON_MAX)
		return n->text;
	job_error(sv->job, sv->source, n, "longer than %d bytes", REASON_MAX);
	return SPAN_NONE;
}

/* 0: until somebody switches it on. */
static uint64_t
read_until(struct server *sv, const struct conf_node **n)
{
	uint64_t	until;

	if (!typed_string(sv->job, sv->source, sv->node, "disabled_until", n))
		return 0;
	if ((until = value_time((*n)->text)) == 0)
		job_error(sv->job, sv->source, *n, "\"%.*s\": want a time in UTC such as 2026-11-20T10:31:07Z",
		    SHOWN((*n)->text));
	return until;
}

/* The reason first: it is what people look for. */
static void
put_why(struct server *sv, struct span reason, struct span until)
{
	const char	*off = "switched off in the configuration";

	if (until.n > 0)
		off = job_fmt(sv->job, "switched off until %.*s", SPAN_FMT(until));
	if (reason.n > 0)
		off = job_fmt(sv->job, "%.*s (%s)", SPAN_FMT(reason), off);
	sv->rec.why = put_text(sv->job->policy, span_of(off));
}

void
switched_read(struct server *sv)
{
	const struct conf_node	*n = NULL;
	struct span		 reason = read_reason(sv);
	const uint64_t		 until = read_until(sv, &n);
	bool			 disabled = false;

	sv->enabled = true;
	(void)typed_flag(sv->job, sv->source, sv->node, "enabled", &sv->enabled);
	if (typed_flag(sv->job, sv->source, sv->node, "disabled", &disabled) && disabled)
		sv->enabled = false;
	if (sv->enabled)
		return;
	if (until != 0 && until <= now_ms()) {
		job_warn(sv->job, sv->source, n, "is over, and the server is on; what is left of it goes with: "
		    "mcpgwctl server enable %.*s", SHOWN(sv->name));
		sv->enabled = true;
		return;
	}
	sv->rec.flags |= SERVER_FLAG_DISABLED;
	sv->rec.disabled_until_ms = until;
	put_why(sv, reason, until == 0 ? SPAN_NONE : n->text);
}
