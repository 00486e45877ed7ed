/* SPDX-License-Identifier: Apache-2.0
 *
 * share.c - which instance a call joins, and how two that may not be at once take turns
 *
 * Process: mcpgw-runner.  Owns: nothing.
 * Trusts:  no capability of a worker but those a tool can be told of.
 *
 * A legacy tool is told at `initialize` what its client can do, so clients that can do other things
 * need another instance, though they share the isolation key and with it the state folder.  Of those
 * only one has a tool: an idle one leaves for the next, a busy one takes no new calls, finishes those
 * it has, and leaves.  Who waits longest is next; calls that come meanwhile wait behind it.  But one whose
 * calls all wait for their clients sleeps: the next one starts beside it, and then one works at a time.
 */
#include <stdlib.h>

#include "mcp/capability.h"
#include "sandbox/runner/instance_priv.h"
#include "sandbox/runner/tool.h"

/* What `initialize` may declare of these: never tasks or extensions, and no part without its whole. */
static uint32_t
declared(uint32_t capabilities)
{
	uint32_t	can = capabilities & MCP_CAN_BE_ASKED;

	if (can & MCP_CAN_SAMPLING)
		can |= capabilities & (MCP_CAN_SAMPLING_TOOLS | MCP_CAN_SAMPLING_CONTEXT);
	if (can & MCP_CAN_ROOTS)
		can |= capabilities & MCP_CAN_ROOTS_CHANGED;
	return can;
}

/* A modern tool hears with each request what the client can do.  Background work takes what is there,
 * also what is only finishing its calls: a list is not worth another tool. */
static bool
serves(const struct instance *i, uint32_t can, bool list)
{
	if (i->dead || (i->yields && !(list && (i->call_count > 0 || i->state != INSTANCE_UP))))
		return false;
	return list || i->capabilities == can || i->server->era == ERA_MODERN;
}

int
instance_get(struct server *s, uint64_t key, uint32_t capabilities, bool list, struct instance **out)
{
	uint32_t	  can = declared(capabilities);
	struct instance	**at, *i;

	for (at = &s->instances; (i = *at) != NULL; at = &i->next)
		if (i->key == key && serves(i, can, list))
			break;
	if (i == NULL) {
		if ((i = calloc(1, sizeof(*i))) == NULL) {
			*out = NULL;
			return E_NOMEM;
		}
		instance_init(i, s, key, can);
		for (struct instance *o = s->instances; o != NULL; o = o->next)
			if (o->key == key)
				o->twin = i->twin = true;
		/* At the end: who waits longest tries first. */
		*at = i;
	}
	*out = i;
	return 0;
}

bool
instance_sleeps(const struct instance *i)
{
	return !i->dead && i->state == INSTANCE_UP && i->lease.out > 0 && i->lease.out == i->lease.lent;
}

bool
instance_others_work(const struct instance *i)
{
	for (const struct instance *o = i->twin ? i->server->instances : NULL; o != NULL; o = o->next)
		if (o != i && o->key == i->key && !o->dead && o->lease.out > o->lease.lent)
			return true;
	return false;
}

void
instance_kick_others(const struct instance *i)
{
	for (struct instance *o = i->twin ? i->server->instances : NULL; o != NULL; o = o->next)
		if (o != i && o->key == i->key && !o->dead)
			lease_kick(o);
}

bool
instance_must_wait(const struct instance *i)
{
	for (const struct instance *o = i->server->instances; o != i; o = o->next)
		if (o->key == i->key && !o->dead && o->state == INSTANCE_WAITING && o->call_count > 0)
			return true;
	return false;
}

void
instance_make_room(struct instance *i)
{
	for (struct instance *o = i->server->instances; o != NULL; o = o->next) {
		if (o == i || o->key != i->key || o->dead || o->tool == NULL)
			continue;
		if (o->state == INSTANCE_UP && o->call_count == 0)
			instance_stop(o);
		else if (!instance_sleeps(o))
			o->yields = true;
	}
}

bool
instance_merge(struct instance *i)
{
	struct server	*s = i->server;
	struct instance	*twin;
	struct call	*c;

	if (s->era != ERA_MODERN)
		return false;
	for (twin = s->instances; twin != i; twin = twin->next)
		if (twin->key == i->key && !twin->dead && !twin->yields)
			break;
	if (twin == i)
		return false;
	while ((c = i->calls) != NULL && !twin->dead) {
		bool	whole = c->state == CALL_WHOLE;

		if (c->body_bytes > RUNNER_QUEUE - twin->queued_bytes) {
			call_end(c, LINK_END_BUSY, "too many calls wait for this tool");
			continue;
		}
		/* With its last call it ends, as every instance that waits. */
		instance_leave(i, c, false);
		instance_join(twin, c);
		if (whole && !twin->dead)
			instance_call_whole(twin, c);
	}
	return true;
}
