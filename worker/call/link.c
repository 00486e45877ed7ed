/* SPDX-License-Identifier: Apache-2.0
 *
 * link.c - this worker's end of the stream to one tenant's runner
 *
 * Process: worker.  Owns: the stream, the table of running calls; jobs are their callers'.
 * Trusts:  the runner for nothing: numbers are looked up, lengths and credit checked; a frame that
 *          breaks a rule ends the link, and every call on it with LINK_END_DIED.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/bug.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "worker/call/link.h"

#define LINK_MAGIC	0x11ab0001u
#define CALLS_MAX	4096
#define OUT_MAX		(64 * 1024 * 1024)
#define IN_BYTES	(128 * 1024)
#define READS_PER_TURN	16
#define PARTS_MAX	(64 * 1024 * 1024)

enum link_state {
	LINK_NONE,		/* nothing asked for */
	LINK_ASKED,		/* the master was asked; jobs wait */
	LINK_UP,
};

struct link {
	uint32_t	 magic;
	enum link_state	 state;
	struct loop	*loop;
	struct span	 tenant;
	char		*tenant_text;
	const struct link_ops *ops;
	void		*arg;			/* of ops */
	int		 fd;
	struct loop_io	 io;
	struct buf	 out;
	char		*in;
	size_t		 in_used;
	struct link_job	*calls[CALLS_MAX];	/* by number; NULL = free */
	uint32_t	 next_number, active, epoch;
	size_t		 part_bytes;	/* of messages that are not whole yet */
	struct link_turn *turn;		/* NULL: link_turn_end() is called for it each turn */
	struct link	*due_next;
	bool		 due;		/* stands in *turn */
	uint32_t	 wishes;
};

static void link_down(struct link *l, enum link_end why, struct span text);

static void
job_end(struct link_job *j, enum link_end why, unsigned flags, struct span text)
{
	struct link	*l = j->link;

	BUG_ON(!j->active || l->calls[j->number] != j);
	l->calls[j->number] = NULL;
	l->active--;
	j->active = false;
	for (int i = 0; i < 2; i++) {
		l->part_bytes -= j->part[i].used;
		buf_fini(&j->part[i]);
	}
	j->ops->on_end(j, why, flags, text);
}

static int
put_frame(struct link *l, enum link_type type, unsigned flags, uint32_t call, uint32_t a,
    struct span first, struct span second)
{
	struct link_head	 head = { .bytes = (uint32_t)(first.n + second.n),
	    .type = (uint16_t)type, .flags = (uint16_t)flags, .call = call, .a = a };
	char			*to;
	int			 r;

	if ((r = buf_reserve(&l->out, sizeof(head) + first.n + second.n, &to)) != 0)
		return r;
	memcpy(to, &head, sizeof(head));
	if (first.n > 0)
		memcpy(to + sizeof(head), first.p, first.n);
	if (second.n > 0)
		memcpy(to + sizeof(head) + first.n, second.p, second.n);
	buf_commit(&l->out, sizeof(head) + first.n + second.n);
	if (!l->due && l->turn != NULL) {
		l->due = true;
		l->due_next = l->turn->first;
		l->turn->first = l;
	}
	return 0;
}

/* As much of the job as its credit allows goes to the queue. */
static int
job_push(struct link_job *j)
{
	struct link	*l = j->link;
	struct span	 part;
	int		 r;

	if (!j->sent_head) {
		r = put_frame(l, LINK_CALL, j->flags, j->number, 0,
		    span_make(&j->head, sizeof(j->head)), j->server);
		if (r != 0)
			return r;
		j->sent_head = true;
	}
	while (j->body_sent < j->body.n && j->credit_up > 0) {
		part = span_part(j->body, j->body_sent, j->credit_up);
		if (part.n > LINK_PAYLOAD_MAX)
			part.n = LINK_PAYLOAD_MAX;
		if ((r = put_frame(l, LINK_BODY, 0, j->number, 0, part, SPAN_NONE)) != 0)
			return r;
		j->body_sent += part.n;
		j->credit_up -= part.n;
	}
	return 0;
}

static void
link_flush(struct link *l)
{
	struct span	rest;
	ssize_t		n;

	if (l->state != LINK_UP)
		return;
	while ((rest = buf_rest(&l->out)).n > 0) {
		if ((n = send(l->fd, rest.p, rest.n, MSG_NOSIGNAL | MSG_DONTWAIT)) == -1) {
			if (errno == EINTR)
				continue;
			if (errno != EAGAIN) {
				link_down(l, LINK_END_DIED, SPAN_LIT("the runner is gone"));
				return;
			}
			break;
		}
		buf_drain(&l->out, (size_t)n);
	}
	loop_io_arm(&l->io, LOOP_READ | (buf_rest(&l->out).n > 0 ? LOOP_WRITE : 0));
}

void
link_turn_end(struct link *l)
{
	if ((l->io.armed & LOOP_WRITE) == 0)
		link_flush(l);
}

void
link_set_turn(struct link *l, struct link_turn *turn)
{
	l->turn = turn;
}

void
link_turn_end_all(struct link_turn *turn)
{
	struct link	*l;

	while ((l = turn->first) != NULL) {
		turn->first = l->due_next;
		l->due = false;
		link_turn_end(l);
	}
}

uint32_t *
link_wishes(struct link *l)
{
	return &l->wishes;
}

/* One frame of a message that the server sent by itself.  False when it breaks a rule. */
static bool
take_part(struct link *l, struct link_job *j, const struct link_head *h, struct span payload)
{
	struct buf	*part = &j->part[h->type == LINK_ASK];
	struct span	 whole = payload;

	if ((h->flags & ~LINK_FLAG_MORE) != 0 || payload.n == 0)
		return false;
	if (part->used > 0 || (h->flags & LINK_FLAG_MORE) != 0) {
		if (part->room == 0)
			buf_init(part, h->type == LINK_ASK ? LINK_ASK_MAX : LINK_NOTE_MAX);
		if (l->part_bytes + payload.n > PARTS_MAX || buf_put(part, payload) != 0)
			return false;
		l->part_bytes += payload.n;
		if ((h->flags & LINK_FLAG_MORE) != 0)
			return true;
		whole = buf_rest(part);
	}
	if (!j->answered)
		j->ops->on_message(j, whole);
	/* The job may have ended in it, and its memory with it. */
	if (l->calls[h->call] == j && part->used > 0) {
		l->part_bytes -= part->used;
		buf_fini(part);
	}
	return true;
}

/* What a server says of no call.  False when it breaks a rule. */
static bool
take_event(struct link *l, const struct link_head *h, struct span payload)
{
	struct link_event	what;
	struct span		uri;

	if (h->flags != 0 || h->call != 0 || payload.n < sizeof(what))
		return false;
	memcpy(&what, payload.p, sizeof(what));
	uri = span_part(payload, sizeof(what), payload.n);
	if (what.what >= LINK_EVENT_LIMIT || (what.what == LINK_EVENT_UPDATED ? !link_uri_ok(uri) : uri.n > 0))
		return false;
	if (l->ops->event != NULL)
		l->ops->event(&what, uri, l->arg);
	return true;
}

/* One frame from the runner.  False when it breaks a rule. */
static bool
link_take(struct link *l, const struct link_head *h, struct span payload)
{
	struct link_job	*j = h->call < CALLS_MAX ? l->calls[h->call] : NULL;
	struct link_span id = { LINK_ID_AT(h->b), LINK_ID_BYTES(h->b) };

	if (h->type == LINK_EVENT)
		return take_event(l, h, payload);
	if (j == NULL)
		return false;
	switch ((enum link_type)h->type) {
	case LINK_ANSWER:
		if (j->answered || h->a > LINK_LINE_MAX || id.at > h->a || id.bytes > h->a - id.at)
			return false;
		j->answered = true;
		j->answer_left = h->a;
		j->ops->on_answer(j, h->a, id, h->flags);
		return true;
	case LINK_BODY:
		if (!j->answered || payload.n > j->answer_left || payload.n > j->credit_down)
			return false;
		j->answer_left -= payload.n;
		j->credit_down -= payload.n;
		j->ops->on_body(j, payload);
		return true;
	case LINK_CREDIT:
		j->credit_up += h->a;
		return job_push(j) == 0;
	case LINK_NOTE:
	case LINK_ASK:
		return take_part(l, j, h, payload);
	case LINK_END:
		if (h->a >= LINK_END_LIMIT || (h->a == LINK_END_OK && (!j->answered || j->answer_left > 0)))
			return false;
		job_end(j, (enum link_end)h->a, h->flags, payload);
		return true;
	case LINK_CALL:
	case LINK_CANCEL:
	case LINK_REPLY:
	case LINK_EVENT:
	case LINK_SUBSCRIBE:
	case LINK_UNSUBSCRIBE:
	case LINK_TYPE_LIMIT:
	default:
		return false;
	}
}

static void
link_on_io(struct loop_io *io, unsigned what, void *arg)
{
	struct link		*l = arg;
	struct link_head	 h;
	ssize_t			 n;
	size_t			 at;

	(void)io;
	MAGIC_CHECK(l, LINK_MAGIC);
	if (what & LOOP_WRITE)
		link_flush(l);
	for (int i = 0; i < READS_PER_TURN && l->state == LINK_UP; i++) {
		n = recv(l->fd, l->in + l->in_used, IN_BYTES - l->in_used, MSG_DONTWAIT);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			link_down(l, LINK_END_DIED, SPAN_LIT("the runner is gone"));
			return;
		}
		l->in_used += (size_t)n;
		for (at = 0; l->in_used - at >= sizeof(h); at += sizeof(h) + h.bytes) {
			memcpy(&h, l->in + at, sizeof(h));
			if (h.bytes <= LINK_PAYLOAD_MAX && l->in_used - at - sizeof(h) < h.bytes)
				break;
			if (h.bytes > LINK_PAYLOAD_MAX ||
			    !link_take(l, &h, span_make(l->in + at + sizeof(h), h.bytes))) {
				log_warn(LOG_SUBJECT("runner", l->tenant_text),
				    "broke the link's rules with frame type %u", h.type);
				link_down(l, LINK_END_DIED, SPAN_LIT("the runner broke the link's rules"));
				return;
			}
			if (l->state != LINK_UP)
				return;
		}
		memmove(l->in, l->in + at, l->in_used - at);
		l->in_used -= at;
		if ((size_t)n < IN_BYTES / 2)
			return;
	}
}

static void
link_moved(struct link *l)
{
	if (l->ops->moved != NULL)
		l->ops->moved(l, l->arg);
}

/* The stream is gone: every call on it ends, the next one asks for a new stream.  Ending a call may
 * submit another, which must not be ended with these. */
static void
link_down(struct link *l, enum link_end why, struct span text)
{
	uint32_t	 epoch = l->epoch++;

	if (l->state == LINK_UP) {
		loop_io_fini(&l->io);
		fd_close(&l->fd);
	}
	l->state = LINK_NONE;
	buf_clear(&l->out);
	l->in_used = 0;
	for (uint32_t i = 0; i < CALLS_MAX; i++) {
		struct link_job	*j = l->calls[i];

		if (j != NULL && j->epoch == epoch)
			job_end(j, why, j->body_sent > 0 ? LINK_FLAG_SENT : 0, text);
	}
	link_moved(l);
}

int
link_new(struct loop *loop, struct span tenant, const struct link_ops *ops, void *arg, struct link **out)
{
	struct link	*l;

	*out = NULL;
	if ((l = calloc(1, sizeof(*l))) == NULL)
		return E_NOMEM;
	l->tenant_text = strndup(tenant.p, tenant.n);
	l->in = malloc(IN_BYTES);
	if (l->tenant_text == NULL || l->in == NULL) {
		free(l->tenant_text);
		free(l->in);
		free(l);
		return E_NOMEM;
	}
	l->magic = LINK_MAGIC;
	l->loop = loop;
	l->fd = -1;
	l->tenant = span_make(l->tenant_text, tenant.n);
	l->ops = ops;
	l->arg = arg;
	buf_init(&l->out, OUT_MAX);
	*out = l;
	return 0;
}

struct span
link_tenant(const struct link *l)
{
	return l->tenant;
}

bool
link_is_up(const struct link *l)
{
	return l->state == LINK_UP;
}

void
link_attach(struct link *l, int fd)
{
	int	r = 0;

	if (l->state == LINK_UP)
		link_down(l, LINK_END_DIED, SPAN_LIT("the runner was replaced"));
	l->fd = fd;
	l->state = LINK_UP;
	loop_io_init(l->loop, &l->io, fd, link_on_io, l);
	loop_io_arm(&l->io, LOOP_READ);
	for (uint32_t i = 0; i < CALLS_MAX && r == 0; i++)
		if (l->calls[i] != NULL)
			r = job_push(l->calls[i]);
	if (r != 0)
		link_down(l, LINK_END_BUSY, SPAN_LIT("the link's queue is full"));
	else
		link_moved(l);
}

void
link_refuse(struct link *l, struct span why)
{
	if (l->state == LINK_ASKED)
		link_down(l, LINK_END_UNAVAILABLE, why);
}

void
link_open(struct link *l)
{
	if (l->state != LINK_NONE)
		return;
	l->state = LINK_ASKED;
	l->ops->wanted(l->tenant, l->arg);
}

void
link_subscribe(struct link *l, bool on, const struct link_subscription *what, struct span uri)
{
	if (l->state == LINK_UP && put_frame(l, on ? LINK_SUBSCRIBE : LINK_UNSUBSCRIBE, 0, 0, 0,
	    span_make(what, sizeof(*what)), uri) != 0)
		link_down(l, LINK_END_BUSY, SPAN_LIT("the link's queue is full"));
}

int
link_submit(struct link *l, struct link_job *j, const struct link_job_ops *ops,
    const struct link_call *head, unsigned flags, struct span server, struct span body)
{
	uint32_t	n;
	int		r;

	if (l->active == CALLS_MAX)
		return E_FULL;
	for (n = l->next_number; l->calls[n] != NULL; n = (n + 1) % CALLS_MAX)
		;
	l->next_number = (n + 1) % CALLS_MAX;
	*j = (struct link_job){ .ops = ops, .link = l, .number = n, .epoch = l->epoch,
	    .head = *head, .server = server,
	    .body = body, .flags = flags, .credit_up = LINK_CREDIT_UP,
	    .credit_down = LINK_CREDIT_DOWN };
	j->head.body_bytes = (uint32_t)body.n;
	j->head.name_bytes = (uint32_t)server.n;
	if (l->state == LINK_UP && (r = job_push(j)) != 0)
		return r;
	j->active = true;
	l->calls[n] = j;
	l->active++;
	link_open(l);
	return 0;
}

void
link_job_credit(struct link_job *j, size_t n)
{
	if (!j->active || n == 0)
		return;
	j->credit_down += n;
	if (j->link->state == LINK_UP &&
	    put_frame(j->link, LINK_CREDIT, 0, j->number, (uint32_t)n, SPAN_NONE, SPAN_NONE) != 0)
		link_down(j->link, LINK_END_BUSY, SPAN_LIT("the link's queue is full"));
}

int
link_job_reply(struct link_job *j, struct span message)
{
	struct link	*l = j->link;
	struct span	 part;
	size_t		 at = 0;
	int		 r;

	if (!j->active || !j->sent_head || l->state != LINK_UP)
		return E_CLOSED;
	if (message.n == 0 || message.n > LINK_ASK_MAX)
		return E_TOOBIG;
	/* All of it, or the runner would take what follows for the rest. */
	if (l->out.used - l->out.at + message.n + 65 * sizeof(struct link_head) > OUT_MAX)
		return E_NOMEM;
	for (; at < message.n; at += part.n) {
		part = span_part(message, at, LINK_PAYLOAD_MAX);
		r = put_frame(l, LINK_REPLY, at + part.n < message.n ? LINK_FLAG_MORE : 0, j->number, 0, part,
		    SPAN_NONE);
		if (r != 0) {
			link_down(l, LINK_END_BUSY, SPAN_LIT("the link's queue is full"));
			return r;
		}
	}
	return 0;
}

void
link_job_cancel(struct link_job *j)
{
	struct link	*l = j->link;

	if (!j->active)
		return;
	if (!j->sent_head || l->state != LINK_UP)
		job_end(j, LINK_END_CANCELLED, 0, SPAN_NONE);
	else if (put_frame(l, LINK_CANCEL, 0, j->number, 0, SPAN_NONE, SPAN_NONE) != 0)
		link_down(l, LINK_END_BUSY, SPAN_LIT("the link's queue is full"));
}
