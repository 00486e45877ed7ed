/* SPDX-License-Identifier: Apache-2.0
 *
 * native.c - calls of programs that speak no MCP: what is asked, and who may begin
 *
 * Process: mcpgw-runner.
 * Owns:    the list of such calls and of their programs.
 * Trusts:  the profile; of a call's body that it is one JSON object, which call.c proved.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/bug.h"
#include "lib/fd.h"
#include "mcp/method.h"
#include "policy/policy.h"
#include "sandbox/runner/instance.h"
#include "sandbox/runner/native_priv.h"
#include "sandbox/runner/place.h"
#include "sandbox/runner/tool.h"

#define INPUT_MAX	(4 * 1024 * 1024)	/* of what stdin gets */
#define DECODED_MAX	(2 * LINK_LINE_MAX)	/* of one call's arguments: no more than a body has */

static void native_on_place(struct loop_timer *t, void *arg);

int
native_open(struct server *s, struct call *c)
{
	struct runner	*r = s->r;
	struct native	*n;

	if ((n = calloc(1, sizeof(*n))) == NULL)
		return E_NOMEM;
	n->magic = NATIVE_MAGIC;
	n->r = r;
	n->server = s;
	n->call = c;
	n->feed.fd = n->out = n->err = n->life = n->pidfd = n->listener = -1;
	buf_init(&n->wire, SLOTS_WIRE_MAX);
	buf_init(&n->input, INPUT_MAX);
	loop_timer_init(r->loop, &n->timer, native_on_place, n);
	native_noise_init(n);
	n->prev = r->natives_last;
	*r->natives_last = n;
	r->natives_last = &n->next;
	s->native_count++;
	c->native = n;
	return 0;
}

void
native_free(struct native *n)
{
	struct runner	*r = n->r;

	BUG_ON(n->call != NULL);
	if ((*n->prev = n->next) != NULL)
		n->next->prev = n->prev;
	else
		r->natives_last = n->prev;
	n->server->native_count--;
	n->server->touched = true;
	r->kick = true;
	r->held_bytes -= n->counted;
	if (n->starved)
		r->natives_starved--;
	loop_timer_disarm(&n->timer);
	noise_fini(&n->noise);
	feed_fini(&n->feed);
	loop_io_fini(&n->out_io);
	loop_io_fini(&n->err_io);
	loop_io_fini(&n->pidfd_io);
	loop_io_fini(&n->listener_io);
	fd_close(&n->out);
	fd_close(&n->err);
	fd_close(&n->life);
	fd_close(&n->pidfd);
	fd_close(&n->listener);
	buf_fini(&n->wire);
	buf_fini(&n->input);
	buf_fini(&n->output);
	n->magic = 0;
	free(n);
	runner_wrote(r);
}

bool
native_leave(struct call *c)
{
	struct native	*n = c->native;
	bool		 begun = n->state >= NATIVE_SPAWNING;

	c->native = NULL;
	n->call = NULL;
	if (!begun)
		native_free(n);
	else if (n->state == NATIVE_RUNNING)
		native_kill(n);
	return begun;
}

/* --- a place ---------------------------------------------------------------------------------- */

static void
refuse(struct native *n, enum link_end why, const char *text)
{
	call_end(n->call, why, text);
}

/* No fault of the server, however long it took. */
static void
refuse_waiting(struct native *n, uint64_t waited_ms)
{
	char	text[RUNNER_TEXT];
	double	seconds = (double)waited_ms / 1000;

	switch (place_find_native(n->server, text, sizeof(text))) {
	case PLACE_WAIT_FOLDER:
		snprintf(text, sizeof(text), "%s: another tool writes to its folder, %.1f s by now", n->server->name,
		    seconds);
		break;
	case PLACE_WAIT_SLOT:
		snprintf(text, sizeof(text), "%s: it waits for a place: all %u for tools are in use, %.1f s by now",
		    n->server->name, n->server->max_instances, seconds);
		break;
	case PLACE_TAKEN:
		break;
	case PLACE_FREE:
		snprintf(text, sizeof(text), "%s: the tenant's spawner has more to do than it can, %.1f s by now",
		    n->server->name, seconds);
		break;
	}
	refuse(n, LINK_END_BUSY, text);
}

static void
native_on_place(struct loop_timer *t, void *arg)
{
	struct native	*n = arg;

	(void)t;
	MAGIC_CHECK(n, NATIVE_MAGIC);
	refuse_waiting(n, RUNNER_QUEUE_WAIT_MS);
}

static void
wait_for_place(struct native *n, bool slot)
{
	if (!n->waits)
		loop_timer_arm(&n->timer, RUNNER_QUEUE_WAIT_MS);
	n->waits = true;
	n->wants_place = slot;
}

static void
begin(struct native *n)
{
	int	r = native_start(n);

	/* The spawner has many to do; each that ends is a new chance. */
	if (r == E_FULL)
		wait_for_place(n, true);
	else if (r != 0)
		refuse(n, LINK_END_UNAVAILABLE, "the tenant's spawner does not answer");
}

static void
native_try(struct native *n)
{
	struct runner	*r = n->r;
	struct instance	*idle;
	char		 text[RUNNER_TEXT];

	if (server_may_start(n->server, text, sizeof(text)) != 0) {
		refuse(n, LINK_END_UNAVAILABLE, text);
		return;
	}
	switch (place_find_native(n->server, text, sizeof(text))) {
	case PLACE_FREE:
		begin(n);
		break;
	case PLACE_TAKEN:
		refuse(n, LINK_END_UNAVAILABLE, text);
		break;
	case PLACE_WAIT_FOLDER:
		wait_for_place(n, false);
		break;
	case PLACE_WAIT_SLOT:
		wait_for_place(n, true);
		/* One leaves at a time: who is on the way out makes room already. */
		if (!tools_any_leaving(r) && (idle = instances_idlest(r)) != NULL)
			instance_stop(idle);
		break;
	}
}

void
natives_kick(struct runner *r)
{
	struct native	*n, *next;

	for (n = r->natives; n != NULL; n = next) {
		next = n->next;
		/* Thousands may wait: who is told so already needs no other look while nothing is free. */
		if (n->state == NATIVE_WAITING && !(n->wants_place && r->tool_count >= n->server->max_instances))
			native_try(n);
	}
}

void
natives_retire(struct server *s)
{
	struct native	*n, *next;

	for (n = s->r->natives; n != NULL; n = next) {
		next = n->next;
		if (n->server == s && n->state == NATIVE_WAITING)
			refuse(n, LINK_END_STALE, "another configuration is in force");
	}
}

bool
natives_write_with(const struct server *s)
{
	if (s->writable_count == 0)
		return false;
	for (const struct native *n = s->r->natives; n != NULL; n = n->next)
		if (n->state >= NATIVE_SPAWNING && place_common_folder(s, n->server) != NULL)
			return true;
	return false;
}

void
natives_free(struct runner *r)
{
	struct native	*n;

	while ((n = r->natives) != NULL) {
		if (n->call != NULL) {
			n->call->native = NULL;
			n->call = NULL;
		}
		native_free(n);
	}
}

/* --- what is asked ---------------------------------------------------------------------------- */

/* The tool of this name, into *n. */
static bool
find_tool(struct native *n, struct json_value name)
{
	const struct rec_profile	*p = policy_profile_find(n->server->profile, n->server->hash);
	const struct rec_tool		*t;
	char				 room[256];
	struct arena			 a;
	struct span			 text;

	arena_init(&a, room, sizeof(room), sizeof(room));
	if (json_string(name, &a, &text) != 0)
		text = SPAN_NONE;
	for (uint32_t i = 0; p != NULL && text.n > 0 && i < p->tool_count; i++) {
		t = SNAP_AT(n->server->profile, TOOL, (uint64_t)p->tool_first + i);
		if (t == NULL || !span_eq(snap_text(n->server->profile, t->name), text))
			continue;
		n->index = i;
		n->tool = t;
		break;
	}
	arena_fini(&a);
	return n->tool != NULL;
}

static int
no_word(const struct word *word, void *arg)
{
	(void)word;
	(void)arg;
	return 0;
}

/* Arguments to n->wire and n->input.  0, E_RANGE or E_NOMEM. */
static int
read_values(struct native *n, struct json_value arguments, char *why, size_t why_bytes)
{
	static struct slot_values	 values;	/* large; one call at a time */
	const struct snap		*s = n->server->profile;
	struct arena			 a;
	int				 r;

	arena_init(&a, NULL, 0, DECODED_MAX);
	if ((r = native_args_read(s, n->tool, arguments, &a, &values, why, why_bytes)) == 0 &&
	    (r = slots_check(s, n->tool, &values, SLOT_FLAG_ARGS | SLOT_FLAG_INPUT, why, why_bytes)) == 0 &&
	    (r = words_expand(s, n->tool, &values, no_word, NULL, why, why_bytes)) == 0 &&
	    ((r = slots_encode(s, n->tool, &values, &n->wire)) == E_TOOBIG ||
	    (r == 0 && (r = words_input(s, n->tool, &values, &n->input)) == E_TOOBIG))) {
		snprintf(why, why_bytes, "the arguments are too many or too long");
		r = E_RANGE;
	}
	arena_fini(&a);
	return r;
}

static void
take_call(struct native *n, struct json_value params)
{
	struct json_value	arguments = json_get(params, "arguments");
	char			why[RUNNER_TEXT];
	int			r;

	if (!find_tool(n, json_get(params, "name"))) {
		native_answer_error(n, E_TOOL, NULL);
		return;
	}
	if (arguments.type != JSON_OBJECT && arguments.type != JSON_NONE) {
		native_answer_error(n, E_RPC_PARAMS, "\"arguments\" must be an object");
		return;
	}
	if ((r = read_values(n, arguments, why, sizeof(why))) == E_RANGE) {
		native_answer_failure(n, "Refused: %s.", why);
		return;
	}
	if (r != 0) {
		call_end(n->call, LINK_END_BUSY, r == E_NOMEM ? "out of memory" : "its profile is not usable");
		return;
	}
	n->state = NATIVE_WAITING;
	native_try(n);
}

void
native_whole(struct call *c)
{
	struct native		*n = c->native;
	struct json_value	 body = { JSON_OBJECT, span_make(c->body, c->body_bytes) };
	struct json_value	 method = json_get(body, "method");

	if (json_is(method, mcp_method_row(MCP_TOOLS_CALL)->text))
		take_call(n, json_get(body, "params"));
	else if (json_is(method, mcp_method_row(MCP_TOOLS_LIST)->text))
		native_answer_tools(n);
	else if (json_is(method, mcp_method_row(MCP_SERVER_DISCOVER)->text))
		native_answer_about(n);
	else
		native_answer_error(n, E_RPC_METHOD, NULL);
}

void
native_late(struct call *c)
{
	struct native	*n = c->native;
	double		 seconds = (double)c->deadline_ms / 1000;
	char		 text[RUNNER_TEXT];

	if (n->state == NATIVE_RUNNING) {
		native_kill(n);
		native_answer_failure(n, "Ended: it took longer than %.1f s.", seconds);
		return;
	}
	if (n->state == NATIVE_WAITING) {
		refuse_waiting(n, c->deadline_ms);
		return;
	}
	snprintf(text, sizeof(text), "%s: %s after %.1f s", n->server->name, n->state == NATIVE_COLLECTING ?
	    "the request did not arrive" : "it is still starting", seconds);
	call_end(c, LINK_END_DEADLINE, text);
}
