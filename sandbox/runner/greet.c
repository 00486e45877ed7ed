/* SPDX-License-Identifier: Apache-2.0
 *
 * greet.c - an instance before it is up: the probe on a sibling, then initialize
 *
 * Process: mcpgw-runner.  Owns: the server's verdict on the revision of its tools.
 * Trusts:  nothing; a verdict from silence or from an exit is a guess, and given up when the real
 *          tool does not come up with it.
 */
#include <stdio.h>

#include "sandbox/runner/instance_priv.h"
#include "sandbox/runner/tool.h"

#define PROBE_MS	5000	/* silence after server/discover */
#define PROBE_GRACE_MS	500	/* for the sibling to leave by itself */

void
instance_probed(struct instance *i, enum era era, bool weak)
{
	struct server	*s = i->server;

	s->probing = NULL;
	s->r->kick = true;
	if (era == ERA_FOREIGN) {
		instance_fail(i, LINK_END_UNAVAILABLE, "speaks only MCP revisions newer than any known here",
		    true, PROBE_GRACE_MS);
		return;
	}
	s->era = era;
	s->era_weak = weak;
	loop_timer_disarm(&i->timer);
	i->state = INSTANCE_WAITING;
	if (i->tool != NULL)
		tool_stop(i->tool, PROBE_GRACE_MS);
	runner_wrote(s->r);
}

void
instance_doubt_era(struct instance *i)
{
	struct server	*s = i->server;

	if (s->era_weak && !s->era_pinned)
		s->era = ERA_UNKNOWN;
}

void
instance_tool_up(struct instance *i)
{
	struct server	*s = i->server;
	struct buf	 text;
	uint64_t	 silence = s->start_timeout_ms / 2 < PROBE_MS ? s->start_timeout_ms / 2 : PROBE_MS;
	bool		 probe = i->state == INSTANCE_PROBING;

	i->modern = s->era == ERA_MODERN;
	if (!probe && i->modern) {
		instance_came_up(i);
		return;
	}
	i->hello_id = i->next_id++;
	buf_init(&text, RUNNER_TEXT * 2);
	if ((probe ? handshake_put_discover(&text, i->hello_id) :
	    handshake_put_initialize(&text, i->hello_id, i->capabilities)) != 0) {
		buf_fini(&text);
		instance_fail(i, LINK_END_UNAVAILABLE, "out of memory", false, 0);
		return;
	}
	tool_say(i->tool, &text);
	if (probe)
		loop_timer_arm(&i->timer, silence);
	else
		i->state = INSTANCE_GREETING;
}

void
instance_hello(struct instance *i, const struct line *answer)
{
	struct server	*s = i->server;
	struct buf	 line;
	char		 said[160], text[RUNNER_TEXT];
	bool		 modern;
	int		 r;

	if (i->state == INSTANCE_PROBING) {
		instance_probed(i, handshake_verdict(answer), false);
		return;
	}
	if ((r = handshake_accept(answer, &modern, said, sizeof(said))) != 0) {
		if (!s->era_pinned) {
			/* It contradicts the verdict, which came from an exit or from silence. */
			s->era = modern ? ERA_MODERN : ERA_UNKNOWN;
			s->era_weak = false;
		}
		snprintf(text, sizeof(text), r == E_VERSION ? "speaks the unknown MCP revision %s" :
		    "refused initialize: %s", said);
		instance_fail(i, LINK_END_UNAVAILABLE, text, true, 0);
		return;
	}
	s->era_weak = false;
	i->logs = json_get(answer->msg.capabilities, "logging").type == JSON_OBJECT;
	instance_keep_about(i, answer->msg.result);
	buf_init(&line, RUNNER_TEXT);
	if (handshake_put_initialized(&line) == 0)
		tool_say(i->tool, &line);
	buf_fini(&line);
	instance_came_up(i);
}
