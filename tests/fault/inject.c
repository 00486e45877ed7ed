/* SPDX-License-Identifier: Apache-2.0
 *
 * inject.c - the faults of faults.def that are driven at random times
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fault/inject.h"
#include "tests/harness/mcp.h"

#define LAG_US	3000000		/* a worker that found a server away asks again by itself, later than others do */

/* --- whom -------------------------------------------------------------------------------------- */

/* Those of a tenant's servers over stdio; of both when users do not tell. */
static unsigned
places_of(pid_t pid)
{
	const unsigned	tenant = world_tenant_of(pid);
	unsigned	bits = 0;

	for (unsigned i = 0; i < PLACE_LIMIT; i++)
		if (places[i].stdio && (geteuid() != 0 || tenant == (strcmp(places[i].tenant, "acme") == 0)))
			bits |= 1u << i;
	return bits;
}

static const struct proc *
find_parent(const struct world *w, const struct proc *of)
{
	for (size_t i = 0; i < w->now->count; i++)
		if (w->now->all[i].pid == of->parent)
			return &w->now->all[i];
	return NULL;
}

/* The first process of a jail is a spawner's child, and its program still. */
static bool
is_init(const struct world *w, const struct proc *p)
{
	const struct proc	*parent = find_parent(w, p);

	return strcmp(p->name, "mcpgw-spawn") == 0 && parent != NULL && strcmp(parent->name, "mcpgw-spawn") == 0;
}

static const struct proc *
pick(struct world *w, const char *program, bool inits)
{
	const struct proc	*found[256];
	unsigned		 n = 0;

	world_look(w);
	for (size_t i = 0; i < w->now->count && n < 256; i++)
		if (strcmp(w->now->all[i].name, program) == 0 && is_init(w, &w->now->all[i]) == inits)
			found[n++] = &w->now->all[i];
	return n == 0 ? NULL : found[fault_random(&w->random, n)];
}

static bool
strike(struct world *w, struct injection *in, const char *program, bool inits, int with)
{
	const struct proc	*p = pick(w, program, inits);

	if (p == NULL)
		return false;
	in->hit = p->pid;
	in->count = procs_count(w->now, program);
	in->window.places = in->window.fault->where == WHERE_ALL ? PLACES_ALL : places_of(p->pid);
	in->window.begun = fault_now_us();
	if (kill(p->pid, with) != 0)
		return false;
	in->window.done = fault_now_us();
	if (with == SIGSTOP)
		in->stopped = p->pid;
	return true;
}

/* --- one for each row -------------------------------------------------------------------------- */

static bool
fault_kill_worker(struct world *w, struct injection *in)
{
	in->program = "mcpgw-worker";
	return strike(w, in, in->program, false, SIGKILL);
}

static bool
fault_kill_tool(struct world *w, struct injection *in)
{
	return strike(w, in, "witness-server", false, SIGKILL);
}

static bool
fault_kill_init(struct world *w, struct injection *in)
{
	return strike(w, in, "mcpgw-spawn", true, SIGKILL);
}

static bool
fault_kill_runner(struct world *w, struct injection *in)
{
	return strike(w, in, "mcpgw-runner", false, SIGKILL);
}

static bool
fault_kill_auditor(struct world *w, struct injection *in)
{
	in->program = "mcpgw-audit";
	return strike(w, in, in->program, false, SIGKILL);
}

static bool
fault_kill_spawner(struct world *w, struct injection *in)
{
	return strike(w, in, "mcpgw-spawn", false, SIGKILL);
}

static bool
fault_kill_egress(struct world *w, struct injection *in)
{
	return strike(w, in, "mcpgw-egress", false, SIGKILL);
}

static bool
fault_stop_worker(struct world *w, struct injection *in)
{
	in->program = "mcpgw-worker";
	return strike(w, in, in->program, false, SIGSTOP);
}

static bool
fault_stop_runner(struct world *w, struct injection *in)
{
	return strike(w, in, "mcpgw-runner", false, SIGSTOP);
}

static bool
fault_stop_auditor(struct world *w, struct injection *in)
{
	in->program = "mcpgw-audit";
	return strike(w, in, in->program, false, SIGSTOP);
}

/* As a supervisor does it: it is started again once nothing of it is left. */
static bool
fault_kill_master(struct world *w, struct injection *in)
{
	struct procs	*left = malloc(sizeof(*left));

	world_look(w);
	*left = *w->now;
	in->window.places = PLACES_ALL;
	in->window.begun = fault_now_us();
	cr_assert(kill(w->g.pid, SIGKILL) == 0 && waitpid(w->g.pid, NULL, 0) == w->g.pid);
	in->window.done = fault_now_us();
	cr_expect(procs_wait_gone(left, patience(&w->g, 3000)), "%zu processes outlive their master", procs_alive(left));
	free(left);
	gateway_start_again(&w->g);
	world_note_policy(w);
	return true;
}

static bool
fault_reload(struct world *w, struct injection *in)
{
	in->window.places = PLACES_ALL;
	in->window.begun = in->window.done = fault_now_us();
	cr_expect(world_reload(w, !w->which), "a reload was refused");
	return true;
}

static bool
fault_signals(struct world *w, struct injection *in)
{
	static const int	signals[] = { SIGHUP, SIGUSR1, SIGCHLD, SIGPIPE, SIGHUP };

	in->window.places = PLACES_ALL;
	in->window.begun = in->window.done = fault_now_us();
	for (int i = 0; i < 40; i++)
		cr_assert(kill(w->g.pid, signals[fault_random(&w->random, 5)]) == 0);
	return true;
}

/* --- the table --------------------------------------------------------------------------------- */

const struct fault_row fault_rows[] = {
#define FAULT(number, name, fn, may, where, back, doc) { { number, #name, doc, may, where, back }, fn },
#include "tests/fault/faults.def"
#undef FAULT
};
const size_t fault_row_count = sizeof(fault_rows) / sizeof(fault_rows[0]);

const struct fault *
fault_named(const char *name)
{
	size_t	i = 0;

	while (i < fault_row_count && strcmp(fault_rows[i].is.name, name) != 0)
		i++;
	cr_assert(i < fault_row_count, "no row of faults.def is called %s", name);
	return &fault_rows[i].is;
}

struct awaiting {
	struct world		*w;
	struct injection	*in;
};

/* The program runs as often as before, and every server that may have been hit has answered a call that began later. */
static bool
is_back(void *arg)
{
	struct awaiting		*a = arg;
	struct injection	*in = a->in;

	for (unsigned i = 0; i < PLACE_LIMIT; i++)
		if ((in->window.places & 1u << i) != 0 && a->w->load.well_us[i] <= in->window.done)
			return false;
	if (in->program == NULL && in->stopped == 0)
		return true;
	world_look(a->w);
	for (size_t i = 0; i < a->w->now->count; i++)
		if (a->w->now->all[i].pid == in->hit)
			return false;
	return in->program == NULL || procs_count(a->w->now, in->program) >= in->count;
}

long
inject_await(struct world *w, struct injection *in)
{
	struct awaiting	a = { w, in };
	bool		back = wait_until(is_back, &a, patience(&w->g, (int)in->window.fault->back_ms));

	in->window.over = fault_now_us() + ((in->window.fault->may & MAY_ERROR) != 0 ? LAG_US : 0);
	return back ? (long)((fault_now_us() - in->window.done) / 1000) : -1;
}
