/* SPDX-License-Identifier: Apache-2.0
 *
 * call.c - one call of a worker, from CALL to END
 *
 * Process: mcpgw-runner.  Owns: the body until it is a line, the answer until it is taken.
 * Trusts:  no length, span or credit of the worker.  The body is proven to be one JSON object without
 *          a line feed before a tool gets it, so no call can smuggle a second line in.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "sandbox/runner/ask.h"
#include "sandbox/runner/instance.h"
#include "sandbox/runner/native.h"
#include "sandbox/runner/server.h"
#include "sandbox/runner/wlink.h"

#define BODY_MAX	(LINK_LINE_MAX + 64 * 1024)	/* the client's body and what the worker adds */
#define DEADLINE_MAX_MS	(3600u * 1000)
#define PROGRESS_TIMES	3
#define NUMBER_ROOM	24

static const struct json_want wants[] = {
	{ JSON_ROOT, 0, "id" },
	{ JSON_ROOT, JSON_WANT_UNIQUE_MEMBERS, "params" },
	{ 1, JSON_WANT_UNIQUE_MEMBERS, "_meta" },
	{ 2, 0, "progressToken" },
	{ JSON_ROOT, 0, "method" },
	{ 1, 0, "name" },
	{ 1, 0, "uri" },
};
enum { WANT_ID, WANT_PARAMS, WANT_META, WANT_PROGRESS, WANT_METHOD, WANT_NAME, WANT_URI };

static void
call_free(struct call *c)
{
	struct runner	*r = c->r;

	loop_timer_disarm(&c->deadline);
	wlink_remove(c->link, c);
	if (c->state <= CALL_QUEUED)
		r->body_bytes -= c->body_bytes;
	r->held_bytes -= c->answer_bytes;
	r->reply_bytes -= c->reply.text.used;
	reply_fini(&c->reply);
	free(c->body);
	free(c->answer);
	free(c);
	r->call_count--;
}

void
call_end(struct call *c, enum link_end why, const char *text)
{
	unsigned	flags = 0;

	if (c->instance != NULL)
		flags = instance_leave(c->instance, c, why == LINK_END_CANCELLED ||
		    why == LINK_END_DEADLINE || why == LINK_END_BUSY) ? LINK_FLAG_SENT : 0;
	else if (c->native != NULL)
		flags = native_leave(c) ? LINK_FLAG_SENT : 0;
	else if (c->state == CALL_ANSWERING)
		flags = LINK_FLAG_SENT;
	wlink_put(c->link, LINK_END, flags, c->number, why, 0, span_of(text));
	call_free(c);
}

void
call_forget(struct call *c)
{
	if (c->instance != NULL)
		instance_leave(c->instance, c, true);
	else if (c->native != NULL)
		(void)native_leave(c);
	call_free(c);
}

static void
call_on_deadline(struct loop_timer *t, void *arg)
{
	struct call	*c = arg;
	uint64_t	 now = loop_now_ms(c->r->loop);
	char		 text[RUNNER_TEXT];

	if (now < c->until_ms) {
		loop_timer_arm(t, c->until_ms - now);
		return;
	}
	if (c->native != NULL) {
		native_late(c);
		return;
	}
	if (c->instance == NULL) {
		call_end(c, LINK_END_DEADLINE, "the answer was not taken in time");
		return;
	}
	instance_describe_wait(c->instance, c, text, sizeof(text));
	instance_call_late(c->instance, c, text);
}

/* Refused before it was a call. */
static int
call_refuse(struct wlink *link, uint32_t number, enum link_end why, const char *text)
{
	wlink_put(link, LINK_END, 0, number, why, 0, span_of(text));
	return 0;
}

static bool
span_fits(struct link_span s, uint32_t bytes)
{
	return s.at <= bytes && s.bytes <= bytes - s.at;
}

static bool
spans_meet(struct link_span a, struct link_span b)
{
	return a.bytes > 0 && b.bytes > 0 && a.at < b.at + b.bytes && b.at < a.at + a.bytes;
}

/* An operator reads it on a terminal. */
static bool
request_ok(const char id[LINK_REQUEST])
{
	size_t	n = strnlen(id, LINK_REQUEST);

	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)id[i]) && id[i] != '-')
			return false;
	return n < LINK_REQUEST;
}

static int
call_new(struct wlink *link, uint32_t number, const struct link_call *head, bool list, struct call **out)
{
	struct runner	*r = link->r;
	struct call	*c;

	*out = NULL;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return E_NOMEM;
	if ((c->body = malloc(head->body_bytes)) == NULL) {
		free(c);
		return E_NOMEM;
	}
	c->r = r;
	c->link = link;
	c->number = number;
	memcpy(c->request, head->request, sizeof(c->request));
	c->list = list;
	c->log_level = (enum mcp_level)head->log_level;
	c->body_bytes = head->body_bytes;
	c->id_span = head->id;
	c->meta_span = head->modern_meta;
	c->credit_up = LINK_CREDIT_UP;
	c->credit_down = LINK_CREDIT_DOWN;
	c->deadline_ms = head->deadline_ms > DEADLINE_MAX_MS ? DEADLINE_MAX_MS : head->deadline_ms;
	c->arrived_ms = loop_now_ms(r->loop);
	c->until_ms = c->arrived_ms + c->deadline_ms;
	c->most_ms = c->arrived_ms + (uint64_t)PROGRESS_TIMES * c->deadline_ms;
	loop_timer_init(r->loop, &c->deadline, call_on_deadline, c);
	loop_timer_arm(&c->deadline, c->deadline_ms);
	wlink_add(link, c);
	r->call_count++;
	r->body_bytes += c->body_bytes;
	*out = c;
	return 0;
}

int
call_open(struct wlink *link, const struct link_head *head, struct span payload)
{
	struct runner		*r = link->r;
	struct link_call	 lc;
	struct server		*server;
	struct instance		*instance = NULL;
	struct call		*c;
	struct span		 name;
	bool			 list = (head->flags & LINK_FLAG_LIST) != 0;
	int			 res;

	if (payload.n < sizeof(lc))
		return E_FORMAT;
	memcpy(&lc, payload.p, sizeof(lc));
	name = span_part(payload, sizeof(lc), payload.n - sizeof(lc));
	if (lc.name_bytes != name.n || lc.body_bytes == 0 || lc.body_bytes > BODY_MAX ||
	    !request_ok(lc.request) || lc.deadline_ms == 0 || lc.log_level >= MCP_LEVEL_LIMIT ||
	    lc.id.bytes == 0 || !span_fits(lc.id, lc.body_bytes) ||
	    !span_fits(lc.modern_meta, lc.body_bytes) || spans_meet(lc.id, lc.modern_meta))
		return E_FORMAT;
	if (r->draining)
		return call_refuse(link, head->call, LINK_END_UNAVAILABLE, "the gateway is stopping");
	if ((res = server_get(r, lc.profile, name, &server)) == E_NOTFOUND)
		return call_refuse(link, head->call, LINK_END_STALE, "another configuration is in force");
	if (res != 0 || link->call_count >= RUNNER_LINK_CALLS ||
	    lc.body_bytes > RUNNER_BODIES - r->body_bytes)
		return call_refuse(link, head->call, LINK_END_BUSY, "too many calls wait for this tenant's tools");
	if ((!server->native && instance_get(server, lc.instance, lc.capabilities, list, &instance) != 0) ||
	    call_new(link, head->call, &lc, list, &c) != 0)
		return call_refuse(link, head->call, LINK_END_BUSY, "out of memory");
	if (instance != NULL)
		instance_join(instance, c);
	else if (native_open(server, c) != 0)
		call_end(c, LINK_END_BUSY, "out of memory");
	return 0;
}

static struct link_span
span_at(const struct json_slot *slot)
{
	return (struct link_span){ (uint32_t)slot->at, (uint32_t)slot->bytes };
}

/* Proves the body, finds what is ours to write over and what names the call. */
static int
call_prove(struct call *c)
{
	const struct json_slot	*slot;
	struct json_scan	*scan;
	struct span		 body = span_make(c->body, c->body_bytes);
	int			 r;

	if (memchr(body.p, '\n', body.n) != NULL)
		return E_FORMAT;
	if ((r = json_scan_new(wants, sizeof(wants) / sizeof(wants[0]), JSON_WANT_UNIQUE_MEMBERS,
	    &scan)) != 0)
		return r;
	if (json_scan_feed(scan, body) != 0 || json_scan_end(scan) != 0)
		r = E_FORMAT;
	slot = json_scan_slots(scan);
	if (r == 0 && (slot[WANT_ID].at != c->id_span.at || slot[WANT_ID].bytes != c->id_span.bytes))
		r = E_FORMAT;
	if (r == 0) {
		c->progress_span = span_at(&slot[WANT_PROGRESS]);
		c->method_span = span_at(&slot[WANT_METHOD]);
		c->name_span = span_at(&slot[slot[WANT_NAME].seen ? WANT_NAME : WANT_URI]);
	}
	if (r == 0 && c->list)
		c->about = json_is((struct json_value){ (enum json_type)slot[WANT_METHOD].type,
		    span_part(body, slot[WANT_METHOD].at, slot[WANT_METHOD].bytes) }, "server/discover");
	json_scan_free(&scan);
	return r;
}

int
call_body(struct call *c, struct span bytes)
{
	uint32_t	left, want;
	int		r;

	if (bytes.n > c->credit_up || bytes.n > c->body_bytes - c->body_have)
		return E_FORMAT;
	memcpy(c->body + c->body_have, bytes.p, bytes.n);
	c->body_have += (uint32_t)bytes.n;
	c->credit_up -= (uint32_t)bytes.n;
	left = c->body_bytes - c->body_have;
	if (left > 0) {
		want = left < LINK_CREDIT_UP ? left : LINK_CREDIT_UP;
		/* Half a window at a time, so that small pieces cost no frame each. */
		if (want > c->credit_up && c->credit_up <= LINK_CREDIT_UP / 2) {
			wlink_put(c->link, LINK_CREDIT, 0, c->number, want - c->credit_up, 0, SPAN_NONE);
			c->credit_up = want;
		}
		return 0;
	}
	if ((r = call_prove(c)) == E_NOMEM) {
		call_end(c, LINK_END_BUSY, "out of memory");
		return 0;
	}
	if (r != 0)
		return r;
	c->state = CALL_WHOLE;
	if (c->native != NULL)
		native_whole(c);
	else
		instance_call_whole(c->instance, c);
	return 0;
}

int
call_credit(struct call *c, uint32_t bytes)
{
	if (bytes == 0 || bytes > LINK_LINE_MAX || c->credit_down > 2ull * LINK_LINE_MAX)
		return E_FORMAT;
	c->credit_down += bytes;
	if (c->state == CALL_ANSWERING)
		call_pump(c);
	return 0;
}

void
call_cancel(struct call *c)
{
	call_end(c, LINK_END_CANCELLED, "cancelled");
}

struct edit {
	struct link_span	span;
	struct span		text;
};

static int
edit_cmp(const void *a, const void *b)
{
	const struct edit	*x = a, *y = b;

	return (x->span.at > y->span.at) - (x->span.at < y->span.at);
}

int
call_take_line(struct call *c, bool modern, char **line, size_t *bytes)
{
	struct edit	edits[3];
	char		number[NUMBER_ROOM];
	size_t		count = 0, at = 0, used = 0;
	char		*to;

	*line = NULL;
	if ((to = malloc((size_t)c->body_bytes + 2 * NUMBER_ROOM + 1)) == NULL)
		return E_NOMEM;
	snprintf(number, sizeof(number), "%llu", (unsigned long long)c->id);
	edits[count++] = (struct edit){ c->id_span, span_of(number) };
	if (!modern && c->meta_span.bytes > 0)
		edits[count++] = (struct edit){ c->meta_span, SPAN_NONE };
	if (c->progress_span.bytes > 0 && (modern || !spans_meet(c->progress_span, c->meta_span)))
		edits[count++] = (struct edit){ c->progress_span, span_of(number) };
	qsort(edits, count, sizeof(edits[0]), edit_cmp);
	for (size_t i = 0; i < count; i++) {
		memcpy(to + used, c->body + at, edits[i].span.at - at);
		used += edits[i].span.at - at;
		if (edits[i].text.n > 0)
			memcpy(to + used, edits[i].text.p, edits[i].text.n);
		used += edits[i].text.n;
		at = (size_t)edits[i].span.at + edits[i].span.bytes;
	}
	memcpy(to + used, c->body + at, c->body_bytes - at);
	used += c->body_bytes - at;
	to[used++] = '\n';
	free(c->body);
	c->body = NULL;
	*line = to;
	*bytes = used;
	return 0;
}

void
call_started(struct call *c)
{
	if (c->state >= CALL_SENT)
		return;
	c->state = CALL_SENT;
	c->r->body_bytes -= c->body_bytes;
	free(c->body);
	c->body = NULL;
}

void
call_written(struct call *c)
{
	call_started(c);
	instance_unqueue(c->instance, c);
}

static void
call_put_body(struct call *c, struct span *rest)
{
	while (rest->n > 0 && c->credit_down > 0 && wlink_has_room(c->link)) {
		size_t	n = rest->n < LINK_PAYLOAD_MAX ? rest->n : LINK_PAYLOAD_MAX;

		if (n > c->credit_down)
			n = c->credit_down;
		wlink_put(c->link, LINK_BODY, 0, c->number, 0, 0, span_part(*rest, 0, n));
		c->credit_down -= n;
		*rest = span_part(*rest, n, rest->n - n);
	}
}

void
call_answer(struct call *c, const struct line *answer, bool modern)
{
	unsigned	flags = (modern ? LINK_FLAG_MODERN : 0) | (answer->msg.is_error ? LINK_FLAG_ERROR : 0) |
	    c->lacks;

	ask_forget(c->instance, c);
	lease_answered(c->instance, c, answer);
	instance_answered(c->instance, c);
	call_give(c, answer->msg.text, answer->msg.id, flags);
}

void
call_give(struct call *c, struct span text, struct span id, unsigned flags)
{
	struct span	rest = text;

	wlink_put(c->link, LINK_ANSWER, flags, c->number, (uint32_t)rest.n,
	    LINK_ID_PACK((uint32_t)(id.p - rest.p), id.n), SPAN_NONE);
	c->state = CALL_ANSWERING;
	call_put_body(c, &rest);
	if (rest.n == 0) {
		call_end(c, LINK_END_OK, "");
		return;
	}
	if ((c->answer = malloc(rest.n)) == NULL) {
		call_end(c, LINK_END_TOO_BIG, "out of memory");
		return;
	}
	memcpy(c->answer, rest.p, rest.n);
	c->answer_bytes = rest.n;
	c->r->held_bytes += rest.n;
	if (c->instance != NULL)
		instance_hold(c->instance, rest.n);
}

void
call_pump(struct call *c)
{
	struct span	rest = span_make(c->answer + c->answer_at, c->answer_bytes - c->answer_at);

	call_put_body(c, &rest);
	c->answer_at = c->answer_bytes - rest.n;
	if (rest.n == 0)
		call_end(c, LINK_END_OK, "");
}

void
call_progress(struct call *c)
{
	uint64_t	until = loop_now_ms(c->r->loop) + c->deadline_ms;

	/* It has more while it waits for its client. */
	if (c->ask_count == 0)
		c->until_ms = until < c->most_ms ? until : c->most_ms;
}

void
call_pause(struct call *c)
{
	uint64_t	now = loop_now_ms(c->r->loop);

	if (c->ask_count == 1)
		c->paused_ms = now;
	c->until_ms = now + LINK_ASK_MS;
}

void
call_resume(struct call *c)
{
	uint64_t	now = loop_now_ms(c->r->loop);

	c->most_ms += now - c->paused_ms;
	c->until_ms = now + c->deadline_ms;
	loop_timer_arm(&c->deadline, c->deadline_ms);
}
