/* SPDX-License-Identifier: Apache-2.0
 *
 * drive.c - a call whose server makes a task of it, for a client that knows nothing of that
 *
 * Process: worker.  Owns: what is known of the task between two questions about it.
 * Trusts:  no server: what it says is bounded in time, and in how often it asks; its client is asked only
 *          what it can be asked.
 */
#include <stdlib.h>

#include "lib/bug.h"
#include "lib/sum.h"
#include "mcp/capability.h"
#include "mcp/task.h"
#include "worker/call/call_priv.h"
#include "worker/call/farewell.h"
#include "worker/call/tasks.h"
#include "worker/streams/events.h"
#include "worker/talk/drive.h"
#include "worker/talk/rounds.h"

#define DRIVE_MAGIC	0xd21e0001u

struct drive {
	uint32_t		 magic;
	struct drive		*next, **prev;	/* of all of this worker */
	struct call		*c;
	bool			 alone;		/* a legacy client is gone, and may be back */
	bool			 modern;	/* the server */
	bool			 over;		/* the task has ended, and its result is the client's */
	bool			 pauses;
	uint64_t		 until_ms, poll_ms;
	unsigned		 steps;		/* as progress */
	uint64_t		 keys[DRIVE_KEYS_MAX];	/* hashes of questions that were answered, or are asked now */
	size_t			 key_count;
	struct loop_timer	 timer;
};

static const struct span no_text = { NULL, 0 };

static struct drive	*all;

static uint64_t
now_ms(const struct call *c)
{
	return loop_now_ms(c->rq->w->loop);
}

/* --- questions to the server -------------------------------------------------------------------- */

static void
ask(struct drive *d, enum mcp_method method, struct span responses)
{
	struct call	*c = d->c;
	uint64_t	 now = now_ms(c);
	int		 e = E_TIMEOUT;

	c->method = method;
	/* The result is waited for as long as the task may take. */
	c->patience_ms = method == MCP_TASKS_RESULT && d->until_ms > now ? d->until_ms - now : 0;
	if (now < d->until_ms)
		e = call_again_with(c, no_text, responses);
	if (e != 0)
		call_fail(c, e, true, e == E_TIMEOUT ? SPAN_LIT("its task takes too long") : no_text);
}

static void
on_timer(struct loop_timer *t, void *arg)
{
	struct drive	*d = arg;

	(void)t;
	MAGIC_CHECK(d, DRIVE_MAGIC);
	d->pauses = false;
	ask(d, MCP_TASKS_GET, no_text);
}

static void
pause_then_ask(struct drive *d)
{
	d->pauses = true;
	loop_timer_arm(&d->timer, d->poll_ms);
}

/* The client answered all that was asked: {"key": answer, ...}. */
static void
on_answered(struct call *c, struct span state, struct span responses)
{
	(void)state;
	MAGIC_CHECK(c->drive, DRIVE_MAGIC);
	ask(c->drive, MCP_TASKS_UPDATE, responses);
}

/* --- the client --------------------------------------------------------------------------------- */

/* What the server says of its work, as the progress the client wanted. */
static void
tell_progress(struct drive *d, const struct task_said *said)
{
	struct call		*c = d->c;
	struct rpc_answer	 m = { .kind = RPC_NOTIFICATION, .method = MCP_NOTE_PROGRESS };
	struct buf		 b;

	d->steps++;
	if (c->client == NULL || c->client->gone || c->notes.token.n == 0)
		return;
	buf_init(&b, said->message.raw.n + 256);
	if (buf_put_fmt(&b, "{\"progressToken\":0,\"progress\":%u%s", d->steps,
	    said->message.type == JSON_STRING ? ",\"message\":" : "") == 0 && buf_put(&b, said->message.raw) == 0 &&
	    buf_put_str(&b, "}") == 0 && json_parse(buf_rest(&b), true, &m.params, NULL) == 0)
		notes_relay(&c->notes, c->client, &m, no_text);
	buf_fini(&b);
}

/* Those of the questions that were not asked yet, as an object in `text`.  0 or E_*; *any: there are some. */
static int
new_questions(struct drive *d, struct json_value requests, struct buf *text, bool *any)
{
	struct json_iter	it;
	struct json_value	one;
	struct span		key;
	uint64_t		hash;
	size_t			i;
	int			r;

	*any = false;
	if ((r = buf_put_str(text, "{")) != 0)
		return r;
	json_iter_init(&it, requests);
	while (json_iter_next(&it, &key, &one)) {
		hash = sum64(key);
		for (i = 0; i < d->key_count && d->keys[i] != hash; i++)
			;
		if (i < d->key_count)
			continue;
		if (i == DRIVE_KEYS_MAX)
			return E_UPSTREAM;
		d->keys[d->key_count++] = hash;
		if ((r = buf_put_fmt(text, "%s\"%.*s\":", *any ? "," : "", SPAN_FMT(key))) != 0 ||
		    (r = buf_put(text, one.raw)) != 0)
			return r;
		*any = true;
	}
	return buf_put_str(text, "}");
}

/* A modern server's task asks: its client is asked what it was not asked yet (the answers may be on their way). */
static void
ask_client(struct drive *d, struct json_value requests)
{
	struct json_value	fresh;
	struct span		text = SPAN_LIT("what it asks cannot be passed on");
	struct buf		b;
	bool			any = false;
	int			e = E_UPSTREAM;

	buf_init(&b, requests.raw.n + 16);
	if (requests.type == JSON_OBJECT && (e = new_questions(d, requests, &b, &any)) == 0 && any &&
	    (e = json_parse(buf_rest(&b), false, &fresh, NULL)) == 0)
		e = d->c->client == NULL || d->c->client->gone ? E_CLOSED :
		    rounds_ask(d->c, fresh, on_answered, &text);
	buf_fini(&b);
	if (e != 0)
		call_fail(d->c, e, true, text);
	else if (!any)
		pause_then_ask(d);
}

/* --- answers of the server ---------------------------------------------------------------------- */

/* Only the outer result was proven to have no member twice: a client must read what is read here. */
static bool
is_unique(struct json_value v)
{
	struct json_value	same;

	return json_parse(v.raw, true, &same, NULL) == 0;
}

/* What the answer to tools/call would have been: it stands in the task.  False: it is none. */
static bool
read_inlined(const struct rpc_answer *from, bool failed, struct rpc_answer *out)
{
	*out = *from;
	if (failed) {
		out->error = json_get(from->result, "error");
		out->is_error = true;
		out->error_message = json_get(out->error, "message");
		out->error_data = json_get(out->error, "data");
		if (json_i64(json_get(out->error, "code"), &out->error_code) != 0)
			out->error_code = 0;
		return out->error.type == JSON_OBJECT && is_unique(out->error);
	}
	out->result = json_get(from->result, "result");
	out->result_type = json_get(out->result, "resultType");
	out->meta = json_get(out->result, "_meta");
	out->content = json_get(out->result, "content");
	out->structured = json_get(out->result, "structuredContent");
	out->is_error_value = json_get(out->result, "isError");
	return out->result.type == JSON_OBJECT && is_unique(out->result);
}

static void
finish(struct drive *d, struct rpc_answer *m)
{
	struct call		*c = d->c;
	struct answer_ready	 ready = { .answer = *m };
	int			 e;

	d->over = true;
	c->method = MCP_TOOLS_CALL;
	c->answer.tasks = false;
	if ((e = answer_convert(&c->answer, &ready)) != 0)
		call_fail(c, e, true, e == E_UPSTREAM ? SPAN_LIT("the result of its task is none") : no_text);
	else
		call_finish(c, &ready);
}

/* What the server says of the task decides what is next; `from` is the answer it says it in, NULL when it was
 * just made. */
static void
go_on(struct drive *d, const struct task_said *said, const struct rpc_answer *from)
{
	struct rpc_answer	inlined;

	if (said->poll_ms != 0)
		d->poll_ms = said->poll_ms < DRIVE_POLL_LEAST_MS ? DRIVE_POLL_LEAST_MS :
		    said->poll_ms > DRIVE_POLL_MOST_MS ? DRIVE_POLL_MOST_MS : said->poll_ms;
	if (!d->alone && d->c->client != NULL && (d->c->client->gone || !events_are_heard(d->c->client))) {
		d->alone = true;
		if (d->until_ms > now_ms(d->c) + DRIVE_ALONE_MS)
			d->until_ms = now_ms(d->c) + DRIVE_ALONE_MS;
	}
	tell_progress(d, said);
	if (said->status == TASK_CANCELLED) {
		d->over = d->c->as_result = true;
		call_fail(d->c, E_UPSTREAM, true, SPAN_LIT("its task was cancelled"));
	} else if (said->status == TASK_WORKING) {
		pause_then_ask(d);
	} else if (!d->modern) {
		ask(d, MCP_TASKS_RESULT, no_text);
	} else if (from == NULL) {
		ask(d, MCP_TASKS_GET, no_text);
	} else if (said->status == TASK_INPUT) {
		ask_client(d, json_get(from->result, "inputRequests"));
	} else if (read_inlined(from, said->status == TASK_FAILED, &inlined)) {
		finish(d, &inlined);
	} else {
		d->over = true;
		call_fail(d->c, E_UPSTREAM, true, SPAN_LIT("its task has no result"));
	}
}

/* Each asks its server again and again: there are not too many of them, nor of one principal. */
static bool
are_too_many(const struct call *c)
{
	size_t	count = 0, theirs = 0;

	for (const struct drive *d = all; d != NULL; d = d->next) {
		count++;
		theirs += d->c->rq->who.hash == c->rq->who.hash;
	}
	return count > DRIVES_MAX || theirs > DRIVES_EACH;
}

static void
begin(struct call *c, const struct rpc_answer *from)
{
	struct task_said	 said;
	struct drive		*d;

	if (task_read_made(from, c->answer.modern, &said) != 0 ||
	    json_string(said.id, &c->rq->x->arena, &c->task_id) != 0 ||
	    (c->task_id = arena_dup(&c->rq->x->arena, c->task_id)).p == NULL) {
		call_fail(c, E_UPSTREAM, true, SPAN_LIT("what it answered is no task"));
		return;
	}
	if ((d = calloc(1, sizeof(*d))) == NULL) {
		call_fail(c, E_NOMEM, true, no_text);
		return;
	}
	d->magic = DRIVE_MAGIC;
	d->c = c;
	d->modern = c->answer.modern;
	d->poll_ms = DRIVE_POLL_MS;
	d->until_ms = now_ms(c) + DRIVE_MS;
	loop_timer_init(c->rq->w->loop, &d->timer, on_timer, d);
	if ((d->next = all) != NULL)
		all->prev = &d->next;
	d->prev = &all;
	all = d;
	c->drive = d;
	c->answer.raw = true;
	if (are_too_many(c))
		call_fail(c, E_LIMITED, true, SPAN_LIT("too many tasks are waited for"));
	else
		go_on(d, &said, NULL);
}

/* An answer to one of our own questions. */
static void
take(struct drive *d, const struct rpc_answer *from)
{
	struct task_said	said;
	struct rpc_answer	result = *from;

	if (d->c->method == MCP_TASKS_RESULT && !task_is_lost(from, MCP_TASKS_RESULT, d->c->task_id)) {
		finish(d, &result);
	} else if (from->is_error) {
		/* There is nothing left of it to cancel. */
		d->over = true;
		call_fail(d->c, E_UPSTREAM, true, SPAN_LIT("it lost its task"));
	} else if (d->c->method == MCP_TASKS_UPDATE) {
		pause_then_ask(d);
	} else if (task_read(from->result, d->modern, &said) != 0) {
		call_fail(d->c, E_UPSTREAM, true, SPAN_LIT("what it answered is no task"));
	} else {
		go_on(d, &said, from);
	}
}

bool
drive_takes(struct call *c, const struct answer_ready *ready)
{
	struct answer	answer;

	if (c->drive == NULL ? !ready->is_task : c->drive->over)
		return false;
	answer = c->answer;			/* what is ready points into it */
	answer_init_as(&c->answer, &answer);
	c->answer.modern = answer.modern;
	/* What a legacy server asked and had no answer to is over with what it asked it in. */
	for (struct asked *q; !answer.modern && (q = c->asks.first) != NULL; )
		asks_drop(&q);
	if (c->drive == NULL)
		begin(c, &ready->answer);
	else
		take(c->drive, &ready->answer);
	answer_fini(&answer);
	return true;
}

bool
drive_retries(struct call *c, const struct answer_ready *ready)
{
	const struct rpc_answer	*from = &ready->answer;
	struct answer		 answer;
	uint64_t		 missing;
	int			 e;

	if (c->rq->modern || !c->answer.modern || c->drives || c->rounds != NULL || c->ask.what != CALL_TOOL ||
	    !tasks_possible(c->ask.server) || !from->is_error || from->error_code != -32021)
		return false;
	missing = mcp_capabilities_of(json_get(from->error_data, "requiredCapabilities")) & ~c->asks.capabilities;
	if (missing != MCP_CAN_TASKS)
		return false;
	c->drives = true;
	c->declares |= MCP_CAN_TASKS;
	answer = c->answer;
	answer_init_as(&c->answer, &answer);
	c->answer.holds = c->answer.tasks = true;
	answer_fini(&answer);
	if ((e = call_again_with(c, no_text, no_text)) != 0)
		call_fail(c, e, false, no_text);
	return true;
}

bool
drive_pauses(const struct call *c)
{
	return c->drive != NULL && c->drive->pauses;
}

void
drive_fini(struct call *c)
{
	struct drive	*d = c->drive;

	c->drive = NULL;
	if (d == NULL)
		return;
	loop_timer_disarm(&d->timer);
	if ((*d->prev = d->next) != NULL)
		d->next->prev = d->prev;
	if (!d->over)
		farewell(c->rq, c->ask.server, call_instance(c->rq, c->ask.server), c->asks.capabilities, c->task_id);
	d->magic = 0;
	free(d);
}
