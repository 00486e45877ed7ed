/* SPDX-License-Identifier: Apache-2.0
 *
 * probe.c - can jails be built here?
 *
 * Process: master.  Owns: nothing.
 * Trusts:  the spawner's word for a line in the log and in status; jails are not decided here.
 *
 * Runs beside the start, not in its way: a gateway without jails still serves HTTP upstreams.
 */
#include <stdio.h>

#include "lib/log.h"
#include "master/master.h"
#include "master/probe.h"
#include "sandbox/jail.h"

void
probe_start(struct master *m)
{
	static char		 flag[] = "--probe", landlock[32];
	static char *const	 args[] = { flag, landlock, NULL };

	snprintf(landlock, sizeof(landlock), "--landlock=%d",
	    params_landlock_max(m->params.landlock_abi_max));
	m->prober.more_args = args;
	child_start(&m->prober);
}

void
probe_on_result(struct master *m, unsigned result, struct span line)
{
	struct status	*s = &m->status;

	if (result >= PROBE_LIMIT || (s->probe == result && span_is(line, s->probe_line)))
		return;			/* each tenant's spawner tells again */
	s->probe = result;
	snprintf(s->probe_line, sizeof(s->probe_line), "%.*s", SPAN_FMT(line));
	if (probe_may_run((enum probe_result)result))
		log_info(LOG_SUBJECT("jail", ""), "%s", s->probe_line);
	else
		log_err(LOG_SUBJECT("jail", ""), "%s", s->probe_line);
}

void
probe_on_death(struct master *m)
{
	if (m->status.probe != PROBE_UNKNOWN || m->stopping)
		return;
	snprintf(m->status.probe_line, sizeof(m->status.probe_line),
	    "not known: mcpgw-spawn --probe ended without an answer");
	log_warn(LOG_SUBJECT("jail", ""), "%s", m->status.probe_line);
}
