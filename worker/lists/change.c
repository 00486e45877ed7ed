/* SPDX-License-Identifier: Apache-2.0
 *
 * change.c - what the operator changes of servers' tools
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  the policy.  What a call becomes is looked up in the one it is decided by, never in a list.
 */
#include "worker/lists/change.h"

#define ARGUMENTS_MAX	64	/* of one tool, as the compiler has it */

/* Good until the next one is taken. */
static void
take(const struct snap *policy, const struct rec_change *rec, struct mcp_change *out)
{
	static struct mcp_argument	 to[ARGUMENTS_MAX];
	const struct rec_argument	*a;

	*out = (struct mcp_change){ .name = snap_text(policy, rec->name),
	    .description = snap_text(policy, rec->description), .annotations = snap_text(policy, rec->annotations),
	    .arguments = to };
	while (out->count < rec->argument_count && out->count < ARGUMENTS_MAX &&
	    (a = SNAP_AT(policy, ARGUMENT, (uint64_t)rec->argument_first + out->count)) != NULL)
		to[out->count++] = (struct mcp_argument){ snap_text(policy, a->name), snap_text(policy, a->value),
		    a->set != 0 };
}

static bool
change_of(struct span tool, struct mcp_change *out, void *arg)
{
	struct change_source	*from = arg;
	const struct rec_change	*rec = policy_change_find(from->policy, from->server, tool);
	bool			 taken = false;

	*out = (struct mcp_change){ 0 };
	if (rec != NULL && (rec->flags & CHANGE_FLAG_SHOWN) != 0)
		take(from->policy, rec, out);
	/* The name of a tool that keeps its own may be another's now. */
	if (out->name.n == 0)
		taken = policy_change_named(from->policy, from->server, tool) != NULL;
	out->taken = taken;
	return taken || (rec != NULL && (rec->flags & CHANGE_FLAG_SHOWN) != 0);
}

void
change_list(struct catalogue *list, struct change_source *from, const struct snap *policy,
    const struct rec_server *server)
{
	from->policy = policy;
	from->server = server;
	if (server->changes != 0)
		catalogue_changes(list, change_of, from);
}

int
change_arguments(struct request *rq, struct call_ask *ask)
{
	const struct snap	*policy = rq->config->policy;
	const struct rec_change	*rec = policy_change_find(policy, ask->server, ask->tool);
	struct mcp_change	 change;

	if (rec == NULL || rec->argument_count == 0)
		return 0;
	take(policy, rec, &change);
	return mcp_change_arguments(&change, ask->arguments, &rq->x->arena, &ask->arguments);
}
