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
#include <sysexits.h>

#include "lib/log.h"
#include "master/master.h"
#include "master/probe.h"
#include "sandbox/jail.h"

#define NOBODY 65534

/* Why tools may not run in reduced jails, or NULL: their user is all that keeps them from the rest of us. */
static const char *
fallback_fault(const struct master *m)
{
	const struct spawn_user	*tools = &m->user[ROLE_SPAWNER];

	if (m->personal || !tools->change)
		return "the gateway does not run as root";
	if (tools->uid == 0)
		return "tenant_user is root";
	if (tools->uid == NOBODY)
		return "tenant_user is nobody, whom others run as too (a user of that name may be missing)";
	for (int role = 0; role < ROLE_LIMIT; role++)
		if (role != ROLE_SPAWNER && role != ROLE_RUNNER && m->user[role].change &&
		    m->user[role].uid == tools->uid)
			return "another process of the gateway runs as tenant_user";
	return NULL;
}

int
probe_settle(struct master *m)
{
	const char	*fault = fallback_fault(m);

	m->fallback = fault == NULL ? JAIL_FALLBACK_MAY : JAIL_FALLBACK_NO;
	if (m->params.jail_fallback != JAIL_FALLBACK_WORD_LANDLOCK)
		return 0;
	if (fault != NULL) {
		log_err(NULL, "jail_fallback = landlock needs a user of its own for tools: %s; set tenant_user to one",
		    fault);
		return EX_CONFIG;
	}
	m->fallback = JAIL_FALLBACK_YES;
	return 0;
}

void
probe_start(struct master *m)
{
	static char		 flag[] = "--probe", landlock[32], fallback[24];
	static char *const	 args[] = { flag, landlock, fallback, NULL };
	static const char *const words[] = { [JAIL_FALLBACK_NO] = "no", [JAIL_FALLBACK_MAY] = "may",
				    [JAIL_FALLBACK_YES] = "yes" };

	snprintf(fallback, sizeof(fallback), "--fallback=%s", words[m->fallback]);
	snprintf(landlock, sizeof(landlock), "--landlock=%d",
	    params_landlock_max(m->params.landlock_abi_max));
	m->prober.more_args = args;
	child_start(&m->prober);
}

/* Workers write into each record what jails there are; those to come hear it at birth. */
void
probe_tell(struct child *worker)
{
	struct msg_JAIL_MODE	mode = { .reduced = worker->m->status.probe == PROBE_REDUCED };

	if (worker->m->fallback == JAIL_FALLBACK_YES && worker->state == CHILD_READY)
		(void)child_send(worker, MSG_TYPE_JAIL_MODE, 0, &mode, NULL, 0);
}

void
probe_on_result(struct master *m, unsigned result, struct span line)
{
	struct status	*s = &m->status;
	bool		 changed;

	if (result >= PROBE_LIMIT || (s->probe == result && span_is(line, s->probe_line)))
		return;			/* each tenant's spawner tells again */
	changed = (s->probe == PROBE_REDUCED) != (result == PROBE_REDUCED);
	s->probe = result;
	for (uint32_t i = 0; changed && i < MASTER_WORKERS_MAX; i++)
		probe_tell(&m->workers[i]);
	snprintf(s->probe_line, sizeof(s->probe_line), "%.*s", SPAN_FMT(line));
	if (result == PROBE_REDUCED)
		log_warn(LOG_SUBJECT("jail", ""), "%s", s->probe_line);
	else if (probe_may_run((enum probe_result)result))
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
