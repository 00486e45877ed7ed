/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_status.c - is it well?
 *
 * Process: mcpgwctl.
 * Owns:    what the master answered, for the time of printing.
 * Trusts:  the policy for what is configured; what processes report only to be shown.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/ask.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "ctl/show/status.h"
#include "lib/log.h"

static void
keep(char *to, size_t room, struct span from)
{
	snprintf(to, room, "%.*s", SPAN_FMT(from));
}

static void *
list_more(void *items, size_t *count, size_t bytes)
{
	items = realloc(items, (*count + 1) * bytes);
	if (items == NULL)
		fatal(EX_OSERR, "out of memory");
	memset((char *)items + *count * bytes, 0, bytes);
	++*count;
	return items;
}

static void
take_master(struct status *s, const struct msg_CTL_MASTER *b)
{
	s->master = *b;
	keep(s->version, sizeof(s->version), b->version);
	keep(s->probe_line, sizeof(s->probe_line), b->probe_line);
	keep(s->warning, sizeof(s->warning), b->warning);
	keep(s->config_dir, sizeof(s->config_dir), b->config_dir);
}

static void
take_process(struct status *s, const struct msg_CTL_PROCESS *b)
{
	struct status_process	*p;

	s->processes = list_more(s->processes, &s->process_count, sizeof(*p));
	p = &s->processes[s->process_count - 1];
	p->b = *b;
	keep(p->tenant, sizeof(p->tenant), b->tenant);
}

static void
take_server(struct status *s, const struct msg_CTL_SERVER *b)
{
	struct status_server	*p;

	s->servers = list_more(s->servers, &s->server_count, sizeof(*p));
	p = &s->servers[s->server_count - 1];
	p->b = *b;
	keep(p->tenant, sizeof(p->tenant), b->tenant);
	keep(p->name, sizeof(p->name), b->name);
	keep(p->error, sizeof(p->error), b->error);
}

static void
take_listener(struct status *s, const struct msg_CTL_LISTENER *b)
{
	struct status_listener	*p;

	s->listeners = list_more(s->listeners, &s->listener_count, sizeof(*p));
	p = &s->listeners[s->listener_count - 1];
	p->kind = b->kind;
	keep(p->address, sizeof(p->address), b->address);
}

static void
take(uint16_t type, const union msg_any *body, int *fds, void *arg)
{
	struct status	*s = arg;

	switch (type) {
	case MSG_TYPE_CTL_MASTER:
		take_master(s, &body->CTL_MASTER);
		break;
	case MSG_TYPE_CTL_CONFINED:
		s->limits_held = body->CTL_CONFINED.held;
		keep(s->cgroup, sizeof(s->cgroup), body->CTL_CONFINED.cgroup);
		break;
	case MSG_TYPE_CTL_PINS:
		s->tools_held = body->CTL_PINS.held;
		keep(s->tool_first, sizeof(s->tool_first), body->CTL_PINS.first);
		break;
	case MSG_TYPE_CTL_PROCESS:
		take_process(s, &body->CTL_PROCESS);
		break;
	case MSG_TYPE_CTL_SERVER:
		take_server(s, &body->CTL_SERVER);
		break;
	case MSG_TYPE_CTL_LISTENER:
		take_listener(s, &body->CTL_LISTENER);
		break;
	case MSG_TYPE_CTL_COUNTERS:
		s->counters = body->CTL_COUNTERS;
		break;
	case MSG_TYPE_CTL_RATES:
		s->rates = body->CTL_RATES;
		break;
	case MSG_TYPE_CTL_SINCE:
		s->since = body->CTL_SINCE;
		break;
	case MSG_TYPE_CTL_CACHE:
		s->cache = body->CTL_CACHE;
		break;
	case MSG_TYPE_CTL_LOAD:
		s->loads = list_more(s->loads, &s->load_count, sizeof(*s->loads));
		s->loads[s->load_count - 1] = body->CTL_LOAD;
		break;
	case MSG_TYPE_CTL_SNAPSHOT:
		ask_take_snapshot(type, body, fds, &s->policy);
		break;
	default:
		break;
	}
}

const struct status_server *
status_server_heard(const struct status *s, struct span tenant, struct span name)
{
	for (size_t i = 0; i < s->server_count; i++)
		if (span_is(tenant, s->servers[i].tenant) && span_is(name, s->servers[i].name))
			return &s->servers[i];
	return NULL;
}

struct msg_CTL_LOAD
status_load(const struct status *s, uint64_t profile)
{
	for (size_t i = 0; i < s->load_count; i++)
		if (s->loads[i].profile == profile)
			return s->loads[i];
	return (struct msg_CTL_LOAD){ .profile = profile };
}

int
status_gather(struct ctl *ctl, bool say, struct status *s)
{
	struct ask	a;
	int		r;

	*s = (struct status){ .policy = NULL };
	if ((r = ask_open(ctl, &a, say)) != 0)
		return r;
	ask_command(&a, CTLCMD_status, NULL);
	r = ask_wait(&a, take, s);
	ask_close(&a);
	return r;
}

void
status_free(struct status *s)
{
	free(s->processes);
	free(s->servers);
	free(s->listeners);
	free(s->loads);
	snap_release(&s->policy);
	*s = (struct status){ .policy = NULL };
}

int
cmd_status(struct ctl *ctl, int argc, char **argv)
{
	const char		*tenant = NULL;
	const struct opt	 rows[] = { { "--tenant", &tenant, NULL }, { NULL, NULL, NULL } };
	struct status		 s;
	int			 r;

	argc = opts_take(rows, argc, argv, 0, 1);
	if ((r = status_gather(ctl, true, &s)) != 0)
		r = r == EX_UNAVAILABLE ? EXIT_NOT_RUNNING_STATUS : r;
	else if (argc > 0)
		r = status_print_one(ctl, &s, tenant, argv[0]);
	else if (tenant != NULL)
		r = status_print_one(ctl, &s, NULL, tenant);
	else if (ctl->json)
		r = status_print_json(&s);
	else
		r = status_print(ctl, &s);
	status_free(&s);
	return out_end(r);
}
