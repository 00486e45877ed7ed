/* SPDX-License-Identifier: Apache-2.0
 *
 * instance.c - one (server, isolation key, capabilities): from its first call to its end
 *
 * Process: mcpgw-runner.  Owns: the instances of a server, their ids, which calls they have.
 * Trusts:  nothing a tool wrote; what it wrote is read in incoming.c.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sandbox/runner/ask.h"
#include "sandbox/runner/instance_priv.h"
#include "sandbox/runner/note.h"
#include "sandbox/runner/place.h"
#include "sandbox/runner/subscribe.h"
#include "sandbox/runner/tool.h"

static void instance_on_timer(struct loop_timer *t, void *arg);

void
instance_init(struct instance *i, struct server *s, uint64_t key, uint32_t capabilities)
{
	i->server = s;
	i->key = key;
	i->capabilities = capabilities;
	i->next_id = 1;
	i->last = &i->calls;
	loop_timer_init(s->r->loop, &i->timer, instance_on_timer, i);
	lease_init(i);
}

/* --- beginning ----------------------------------------------------------------------------------- */

static void
instance_begin(struct instance *i)
{
	struct server	*s = i->server;
	bool		 probe = s->era == ERA_UNKNOWN;

	i->wants_place = false;
	loop_timer_disarm(&i->timer);
	if (tool_start(s, i, i->key) != 0) {
		instance_fail(i, LINK_END_UNAVAILABLE, "the tenant's spawner does not answer", false, 0);
		return;
	}
	i->state = probe ? INSTANCE_PROBING : INSTANCE_STARTING;
	if (probe)
		s->probing = i;
	loop_timer_arm(&i->timer, s->start_timeout_ms);
}

void
instance_try(struct instance *i)
{
	struct server	*s = i->server;
	struct runner	*r = s->r;
	struct instance	*idle;
	char		 text[RUNNER_TEXT];

	if (i->dead || i->state != INSTANCE_WAITING)
		return;
	if (i->call_count == 0) {
		instance_stop(i);
		return;
	}
	if (instance_merge(i) || instance_must_wait(i))
		return;
	if (server_may_start(s, text, sizeof(text)) != 0) {
		instance_refuse(i, LINK_END_UNAVAILABLE, text);
		return;
	}
	if (s->era == ERA_UNKNOWN && s->probing != NULL && s->probing != i)
		return;
	switch (place_find(s, i->key, text, sizeof(text))) {
	case PLACE_FREE:
		instance_begin(i);
		break;
	case PLACE_TAKEN:
		instance_refuse(i, LINK_END_UNAVAILABLE, text);
		break;
	case PLACE_WAIT_FOLDER:
		instance_make_room(i);
		break;
	case PLACE_WAIT_SLOT:
		if (!i->wants_place)
			loop_timer_arm(&i->timer, RUNNER_QUEUE_WAIT_MS);
		i->wants_place = true;
		/* One leaves at a time: who is on the way out makes room already. */
		if (!tools_any_leaving(r) && (idle = instances_idlest(r)) != NULL)
			instance_stop(idle);
		break;
	}
}

static void
instance_rest(struct instance *i)
{
	uint64_t	unused = loop_now_ms(i->server->r->loop) - i->last_use_ms;

	if (i->dead || i->call_count > 0)
		return;
	if (i->state == INSTANCE_UP && (i->server->retired || i->yields))
		instance_stop(i);
	else if (i->state == INSTANCE_UP)
		loop_timer_arm(&i->timer, unused < i->server->idle_ms ? i->server->idle_ms - unused : 1);
	else if (i->state == INSTANCE_WAITING)
		instance_stop(i);
}

void
instance_came_up(struct instance *i)
{
	struct call	*c, *next;

	loop_timer_disarm(&i->timer);
	i->state = INSTANCE_UP;
	i->up_since_ms = loop_now_ms(i->server->r->loop);
	server_came_up(i->server);
	log_info(SERVER_SUBJECT(i->server), "tool is up, pid=%u revision=%s", i->tool->pid,
	    i->modern ? "modern" : "legacy");
	if (i->modern)
		listen_open(i);
	else
		subs_restore(i);
	for (c = i->calls; c != NULL && !i->dead; c = next) {
		next = c->next;
		if (c->state == CALL_WHOLE)
			instance_call_whole(i, c);
	}
	instance_rest(i);
}

static void
instance_on_timer(struct loop_timer *t, void *arg)
{
	struct instance	*i = arg;
	struct server	*s = i->server;
	char		 text[RUNNER_TEXT];

	(void)t;
	switch (i->state) {
	case INSTANCE_WAITING:
		snprintf(text, sizeof(text), "%s: all %u places for tools are in use", s->name,
		    s->max_instances);
		instance_refuse(i, LINK_END_BUSY, text);
		return;
	case INSTANCE_PROBING:
		if (i->tool->state != TOOL_SPAWNING) {
			instance_probed(i, ERA_LEGACY, true);
			return;
		}
		/* FALLTHROUGH */
	case INSTANCE_STARTING:
	case INSTANCE_GREETING:
		snprintf(text, sizeof(text), "%s within %.1f s", i->state == INSTANCE_GREETING ?
		    "did not answer initialize" : "could not be started",
		    (double)s->start_timeout_ms / 1000);
		instance_doubt_era(i);
		instance_fail(i, LINK_END_UNAVAILABLE, text, true, 0);
		return;
	case INSTANCE_UP:
		log_info(SERVER_SUBJECT(s), "tool was not used for %u s and is stopped", s->idle_ms / 1000);
		instance_stop(i);
		return;
	}
}

/* --- calls --------------------------------------------------------------------------------------- */

void
instance_join(struct instance *i, struct call *c)
{
	c->instance = i;
	c->next = NULL;
	c->prev = i->last;
	*i->last = c;
	i->last = &c->next;
	i->call_count++;
	i->queued_bytes += c->body_bytes;
	if (!c->list || i->last_use_ms == 0)
		i->last_use_ms = loop_now_ms(i->server->r->loop);
	if (i->queued_bytes > RUNNER_QUEUE) {
		call_end(c, LINK_END_BUSY, "too many calls wait for this tool");
		return;
	}
	if (i->state == INSTANCE_UP)
		loop_timer_disarm(&i->timer);
	instance_try(i);
}

void
instance_put(struct instance *i, struct call *c)
{
	size_t	 bytes;
	char	*line;

	if (c->about && !i->modern) {
		instance_answer_about(i, c);
		return;
	}
	note_level(i, c);
	instance_id_add(i, c);
	if (call_take_line(c, i->modern, &line, &bytes) != 0) {
		call_end(c, LINK_END_BUSY, "out of memory");
		return;
	}
	c->state = CALL_QUEUED;
	switch (tool_put(i->tool, &line, bytes, c)) {
	case 0:
		return;
	case E_NOMEM:
		call_end(c, LINK_END_BUSY, "out of memory");
		return;
	default:
		/* Why it closed its input is told when it is gone.  Nothing of this call reached it, so the
		 * worker may ask again: the next tool starts in a moment. */
		call_end(c, LINK_END_STALE, "the tool is ending");
	}
}

void
instance_call_whole(struct instance *i, struct call *c)
{
	if (i->state == INSTANCE_UP && lease_take(i, c))
		instance_put(i, c);
}

void
instance_unqueue(struct instance *i, struct call *c)
{
	i->queued_bytes -= c->body_bytes;
	lease_sent(i, c);
}

void
instance_hold(struct instance *i, size_t n)
{
	i->held_bytes += n;
}

bool
instance_leave(struct instance *i, struct call *c, bool cancel)
{
	bool	sent = c->state >= CALL_SENT;

	if (c->state == CALL_QUEUED && i->tool != NULL) {
		sent = feed_begun(&i->tool->feed, c);
		feed_drop(&i->tool->feed, c);
	}
	ask_abandon(i, c);
	if (sent && cancel && c->state != CALL_ANSWERING && i->tool != NULL) {
		instance_say_cancelled(i, c->id);
		i->given_up++;
		lease_given_up(i, c);
	}
	if (c->state <= CALL_QUEUED)
		i->queued_bytes -= c->body_bytes;
	instance_answered(i, c);
	i->held_bytes -= c->answer_bytes;
	if ((*c->prev = c->next) != NULL)
		c->next->prev = c->prev;
	else
		i->last = c->prev;
	c->instance = NULL;
	i->call_count--;
	if (!c->list)
		i->last_use_ms = loop_now_ms(i->server->r->loop);
	instance_rest(i);
	return sent;
}

void
instance_describe_wait(const struct instance *i, const struct call *c, char *text, size_t text_bytes)
{
	const char	*what = "no answer";

	if (c->state == CALL_COLLECTING)
		what = "the request did not arrive";
	else if (c->state == CALL_ANSWERING)
		what = "the answer was not taken";
	else if (i->state == INSTANCE_WAITING)
		what = "it waits for another instance to leave";
	else if (i->state != INSTANCE_UP)
		what = "it is still starting";
	else if (c->ask_count > 0)
		what = "its client did not answer what the tool asked";
	else if (c->waits)
		what = "it waits for a call that may ask its client";
	else if (c->state == CALL_QUEUED)
		what = "it does not read its input";
	snprintf(text, text_bytes, "%s: %s after %.1f s", i->server->name, what,
	    (double)(loop_now_ms(i->server->r->loop) - c->arrived_ms) / 1000);
}

void
instance_call_late(struct instance *i, struct call *c, const char *text)
{
	/* A call that found the pipe full says little; one that saw it full for half its time does. */
	bool	stuck = c->state == CALL_QUEUED && i->tool != NULL &&
		    loop_now_ms(i->server->r->loop) - i->tool->feed.moved_ms >= c->deadline_ms / 2;

	call_end(c, LINK_END_DEADLINE, text);
	if (stuck)
		instance_fail(i, LINK_END_DIED, "does not read its input", true, 0);
}

/* --- the end ------------------------------------------------------------------------------------- */

/* Ends the calls.  Answers that are complete go on to their workers without us. */
static void
instance_end_calls(struct instance *i, enum link_end why, const char *text)
{
	struct call	*c, *next;

	for (c = i->calls; c != NULL; c = next) {
		next = c->next;
		if (c->state != CALL_ANSWERING)
			call_end(c, why, text);
		else
			instance_leave(i, c, false);
	}
}

static void
instance_end(struct instance *i, uint64_t grace_ms)
{
	struct server	*s = i->server;

	loop_timer_disarm(&i->timer);
	if (s->probing == i)
		s->probing = NULL;
	if (i->tool != NULL)
		tool_stop(i->tool, grace_ms);
	s->touched = true;
	s->r->kick = true;
	runner_wrote(s->r);
}

void
instance_refuse(struct instance *i, enum link_end why, const char *text)
{
	if (i->dead)
		return;
	i->dead = true;
	instance_end_calls(i, why, text);
	instance_end(i, 0);
}

void
instance_fail(struct instance *i, enum link_end why, const char *text, bool failed, uint64_t grace_ms)
{
	struct server	*s = i->server;
	uint64_t	 up_ms = i->state == INSTANCE_UP ? loop_now_ms(s->r->loop) - i->up_since_ms : 0;
	const char	*tail = i->tool == NULL ? "" : ring_tail_line(&i->tool->tail);
	char		 whole[RUNNER_TEXT], named[RUNNER_TEXT];

	if (i->dead)
		return;
	i->dead = true;
	snprintf(whole, sizeof(whole), "%.300s%s%s", text, tail[0] == '\0' ? "" : "; last stderr line: ", tail);
	snprintf(named, sizeof(named), "%.200s: %.300s", s->name, whole);
	if (failed) {
		log_warn(SERVER_SUBJECT(s), "%s", text);
		server_failed(s, up_ms, whole);
		s->no_jail = why == LINK_END_NO_JAIL;
	}
	instance_end_calls(i, why, named);
	instance_end(i, grace_ms);
}

void
instance_stop(struct instance *i)
{
	if (i->dead)
		return;
	i->dead = true;
	if (i->state == INSTANCE_UP)
		server_ended_well(i->server, loop_now_ms(i->server->r->loop) - i->up_since_ms);
	instance_end(i, i->server->stop_ms);
}

void
instance_tool_gone(struct instance *i, enum link_end why, const char *text, bool clean)
{
	struct server	*s = i->server;
	uint64_t	 up_ms = loop_now_ms(s->r->loop) - i->up_since_ms;
	bool		 idle = true;

	if (i->state == INSTANCE_PROBING && why == LINK_END_DIED) {
		instance_probed(i, ERA_LEGACY, true);
		return;
	}
	if (i->state != INSTANCE_UP) {
		instance_doubt_era(i);
		/* STALE: the spawner has another profile than we; soon both have the same. */
		instance_fail(i, why == LINK_END_DIED ? LINK_END_UNAVAILABLE : why, text,
		    why != LINK_END_STALE, 0);
		return;
	}
	for (const struct call *c = i->calls; c != NULL; c = c->next)
		if (c->state == CALL_QUEUED || c->state == CALL_SENT)
			idle = false;
	instance_fail(i, why, text, !(clean && idle && up_ms >= 1000), 0);
}

/* --- all of them --------------------------------------------------------------------------------- */

size_t
instances_up(const struct server *s)
{
	size_t	n = 0;

	for (const struct instance *i = s->instances; i != NULL; i = i->next)
		n += i->state == INSTANCE_UP && !i->dead;
	return n;
}

void
instances_retire(struct server *s)
{
	for (struct instance *i = s->instances; i != NULL; i = i->next) {
		if (i->state != INSTANCE_UP)
			instance_refuse(i, LINK_END_STALE, "another configuration is in force");
		else
			instance_rest(i);
	}
}

void
instances_yield(struct server *s, uint32_t *stopped, uint32_t *finishing)
{
	for (struct instance *i = s->instances; i != NULL; i = i->next) {
		if (i->dead || i->state != INSTANCE_UP)
			continue;
		if (i->call_count > 0)
			++*finishing;
		else
			++*stopped;
		i->yields = true;
		instance_rest(i);
	}
}

void
instances_kick(struct runner *r)
{
	for (int rounds = 0; r->kick && rounds < 8; rounds++) {
		r->kick = false;
		for (struct server *s = r->servers; s != NULL; s = s->next)
			for (struct instance *i = s->instances; i != NULL; i = i->next) {
				instance_try(i);
				lease_pump(i);
			}
	}
}

void
instances_reap(struct runner *r)
{
	for (struct server *s = r->servers; s != NULL; s = s->next) {
		struct instance	**at = &s->instances, *i;

		while ((i = *at) != NULL) {
			if (!i->dead) {
				at = &i->next;
				continue;
			}
			*at = i->next;
			loop_timer_disarm(&i->timer);
			lease_fini(i);
			instance_drop_about(i);
			free(i);
		}
	}
}

void
instances_free(struct runner *r)
{
	for (struct server *s = r->servers; s != NULL; s = s->next)
		for (struct instance *i = s->instances; i != NULL; i = i->next)
			i->dead = true;
	instances_reap(r);
}

struct instance *
instances_idlest(const struct runner *r)
{
	struct instance	*best = NULL;

	for (struct server *s = r->servers; s != NULL; s = s->next)
		for (struct instance *i = s->instances; i != NULL; i = i->next)
			if (!i->dead && i->state == INSTANCE_UP && i->call_count == 0 &&
			    (best == NULL || i->last_use_ms < best->last_use_ms))
				best = i;
	return best;
}
