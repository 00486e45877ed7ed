/* SPDX-License-Identifier: Apache-2.0
 *
 * s2_kills.c - kill -9 of each process under load
 *
 * Only what was in flight in it fails, it is replaced within a second, and every executed call has
 * its record.  Killed master: nothing is left.
 */
#include <signal.h>

#include "tests/integration/load.h"

/* Adds notes with texts of their own, so that what was executed can be counted at the tool. */
static void
add_note(struct load *l, struct mcp *m, unsigned thread, unsigned round)
{
	struct answer	a;
	char		arguments[64];

	snprintf(arguments, sizeof(arguments), "{\"text\":\"t%u-%u\"}", thread, round);
	atomic_fetch_add(&l->sent, 1);
	mcp_call(m, "add_note", arguments, &a);
	if (a.status == 0)
		atomic_fetch_add(&l->reset, 1);
	else if (json_at(a.json, "result") != NULL && !json_object_get_boolean(json_at(a.json, "result.isError")))
		atomic_fetch_add(&l->well, 1);
	else
		atomic_fetch_add(&l->failed, 1);
	answer_fini(&a);
}

struct wanted {
	const struct gateway	*g;
	const char		*name;
	size_t			 count;
	pid_t			 not_this;
};

static bool
is_replaced(void *arg)
{
	const struct wanted	*w = arg;
	struct procs		*p = malloc(sizeof(*p));
	bool			 yes;

	gateway_procs(w->g, p);
	yes = procs_count(p, w->name) >= w->count;
	for (size_t i = 0; procs_find(p, w->name, i) != NULL; i++)
		yes &= procs_find(p, w->name, i)->pid != w->not_this;
	free(p);
	return yes;
}

struct progress {
	struct load	*l;
	unsigned	 from;
};

static bool
has_moved(void *arg)
{
	struct progress	*p = arg;

	return atomic_load(&p->l->well) >= p->from + 20;
}

static size_t
notes_kept(const struct gateway *g, const char *key)
{
	struct mcp	 m;
	struct answer	 a;
	const char	*p;
	size_t		 n = 0;

	mcp_init(&m, g->mcp, "/servers/notes/mcp", key);
	mcp_call(&m, "list_notes", "{}", &a);
	cr_expect(a.body != NULL && json_at(a.json, "result") != NULL, "%s", a.body);
	for (p = json_text_at(a.json, "result.content[0].text"); (p = strstr(p, "t")) != NULL; p++)
		n += p[1] >= '0' && p[1] < '0' + LOAD_THREADS && p[2] == '-';
	answer_fini(&a);
	mcp_fini(&m);
	return n;
}

#define OF_THE_MASTER 6		/* the first victims: the master starts them at once */

Test(kills, each_process_is_replaced_and_no_executed_call_lacks_its_record, .timeout = 240)
{
	static const char *const victims[] = {
		"mcpgw-worker", "mcpgw-audit", "mcpgw-store", "mcpgw-admin", "mcpgw-worker", "mcpgw-audit",
		"mcpgw-runner", "mcpgw-spawn", "mcpgw-demo-notes",
	};
	struct gateway	 g;
	struct load	 l = { .fn = add_note, .pause_ms = 5 };
	struct procs	*procs = malloc(sizeof(*procs));
	json_object	*records;
	size_t		 kept, recorded;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = DEMO_RULES });
	snprintf(l.address, sizeof(l.address), "%s", g.mcp);
	snprintf(l.path, sizeof(l.path), "/servers/notes/mcp");
	snprintf(l.key, sizeof(l.key), "%s", gateway_key(&g, "writer"));
	load_start(&l);
	for (size_t i = 0; i < sizeof(victims) / sizeof(victims[0]); i++) {
		struct progress p = { &l, atomic_load(&l.well) };
		struct wanted w = { .g = &g, .name = victims[i] };
		const struct proc *victim;
		unsigned lost;

		cr_assert(wait_until(has_moved, &p, 15000), "no progress before %s, %zu", victims[i], i);
		gateway_procs(&g, procs);
		victim = procs_find(procs, victims[i], 0);
		cr_assert(victim != NULL, "there is no %s", victims[i]);
		w.count = procs_count(procs, victims[i]);
		w.not_this = victim->pid;
		lost = atomic_load(&l.reset) + atomic_load(&l.failed);
		cr_assert(kill(victim->pid, SIGKILL) == 0);
		/* The runner comes with the next call, a tool after its back-off. */
		cr_expect(wait_until(is_replaced, &w, patience(&g, i < OF_THE_MASTER ? 1000 : 5000)),
		    "%s is not replaced in time", victims[i]);
		p.from = atomic_load(&l.well);
		cr_expect(wait_until(has_moved, &p, 10000), "no progress after %s", victims[i]);
		lost = atomic_load(&l.reset) + atomic_load(&l.failed) - lost;
		cr_log_info("%s: %u requests lost", victims[i], lost);
		if (i < OF_THE_MASTER)
			cr_expect(lost <= LOAD_THREADS, "%s: %u requests lost", victims[i], lost);
	}
	load_end(&l);
	kept = notes_kept(&g, l.key);
	records = gateway_audit(&g);
	recorded = audit_count(records, "object", "add_note");
	cr_log_info("%u sent, %u well, %u failed, %u reset; %zu notes, %zu records", l.sent, l.well, l.failed,
	    l.reset, kept, recorded);
	cr_expect(kept >= l.well, "%zu notes, but %u were acknowledged", kept, l.well);
	cr_expect(recorded >= kept, "%zu executed, %zu recorded", kept, recorded);
	cr_expect(recorded <= l.sent, "%zu recorded, %u asked: one came twice", recorded, l.sent);
	json_object_put(records);
	free(procs);
	gateway_stop(&g);
}

Test(kills, of_the_master_leaves_no_process, .timeout = 60)
{
	struct gateway	 g;
	struct procs	*procs = malloc(sizeof(*procs));
	struct mcp	 m;
	struct answer	 a;
	struct client	 c;
	json_object	*records;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = DEMO_RULES });
	mcp_init(&m, g.mcp, "/servers/notes/mcp", gateway_key(&g, "writer"));
	mcp_call(&m, "add_note", "{\"text\":\"t0-0\"}", &a);
	EXPECT_STATUS(a, 200, "before");
	answer_fini(&a);
	gateway_procs(&g, procs);
	cr_expect(procs_count(procs, NULL) >= 7, "%zu processes", procs->count);
	cr_assert(kill(g.pid, SIGKILL) == 0);
	cr_expect(procs_wait_gone(procs, 3000) || procs_alive(procs) <= 1, "%zu processes are left",
	    procs_alive(procs));
	cr_expect(!client_open(&c, g.mcp), "somebody still listens");
	client_close(&c);

	gateway_start_again(&g);		/* over what the killed one left */
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "object", "add_note") == 1, "the record is lost, or doubled");
	json_object_put(records);
	cr_expect(notes_kept(&g, m.key) == 1);
	mcp_fini(&m);
	free(procs);
	gateway_stop(&g);
}
