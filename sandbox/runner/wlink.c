/* SPDX-License-Identifier: Apache-2.0
 *
 * wlink.c - the runner's end of the stream to one worker
 *
 * Process: mcpgw-runner.  Owns: the descriptor, what is queued, the calls of that worker.
 * Trusts:  no frame: type, flags, length and call are checked first.  A bad one ends this link and
 *          its calls, nothing else.
 *
 * BODY, CREDIT, CANCEL and REPLY of a call we do not know were under way when its END was; they are dropped.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/bug.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "sandbox/runner/ask.h"
#include "sandbox/runner/subscribe.h"
#include "sandbox/runner/wlink.h"

#define WLINK_MAGIC	0x52310001u
#define IN_ROOM		(2 * (sizeof(struct link_head) + LINK_PAYLOAD_MAX))
#define OUT_ROOM	(64u << 20)	/* a queue longer than this belongs to a dead worker */
#define OUT_STOP	(4u << 20)	/* above it the worker is not read any more */
#define OUT_HIGH	(1u << 20)	/* above it answers wait */

void
wlink_die(struct wlink *l, const char *why)
{
	if (l->dead)
		return;
	l->dead = true;
	loop_io_arm(&l->io, 0);
	if (why != NULL)
		log_warn(NULL, "worker %u: link ended: %s", l->slot, why);
	runner_wrote(l->r);
}

static void
wlink_arm(struct wlink *l)
{
	size_t	queued = buf_rest(&l->out).n;

	if (!l->dead)
		loop_io_arm(&l->io, (queued < OUT_STOP ? LOOP_READ : 0) | (queued > 0 ? LOOP_WRITE : 0));
}

static int
wlink_frame(struct wlink *l, const struct link_head *h, struct span payload)
{
	struct call	*c = wlink_find(l, h->call);

	switch (h->type) {
	case LINK_CALL:
		return (h->flags & ~LINK_FLAG_LIST) != 0 || c != NULL ? E_FORMAT : call_open(l, h, payload);
	case LINK_BODY:
		return h->flags != 0 || payload.n == 0 ? E_FORMAT : c == NULL ? 0 : call_body(c, payload);
	case LINK_CREDIT:
		return h->flags != 0 || payload.n != 0 ? E_FORMAT : c == NULL ? 0 : call_credit(c, h->a);
	case LINK_CANCEL:
		if (h->flags != 0 || payload.n != 0)
			return E_FORMAT;
		if (c != NULL)
			call_cancel(c);
		return 0;
	case LINK_REPLY:
		if ((h->flags & ~LINK_FLAG_MORE) != 0 || payload.n == 0)
			return E_FORMAT;
		return c == NULL ? 0 : ask_reply(c, payload, (h->flags & LINK_FLAG_MORE) != 0);
	case LINK_SUBSCRIBE:
	case LINK_UNSUBSCRIBE:
		return subs_frame(l, h, payload);
	default:
		return E_FORMAT;
	}
}

/* All whole frames of what was read; the rest moves to the front. */
static void
wlink_take(struct wlink *l)
{
	struct link_head	h;
	size_t			at = 0;

	while (!l->dead && l->in_bytes - at >= sizeof(h)) {
		memcpy(&h, l->in + at, sizeof(h));
		if (h.bytes > LINK_PAYLOAD_MAX) {
			wlink_die(l, "frame too long");
			return;
		}
		if (l->in_bytes - at - sizeof(h) < h.bytes)
			break;
		if (wlink_frame(l, &h, span_make(l->in + at + sizeof(h), h.bytes)) != 0) {
			wlink_die(l, "malformed frame");
			return;
		}
		at += sizeof(h) + h.bytes;
	}
	memmove(l->in, l->in + at, l->in_bytes - at);
	l->in_bytes -= at;
}

static void
wlink_flush(struct wlink *l)
{
	ssize_t	n;

	while (!l->dead && buf_rest(&l->out).n > 0) {
		n = write(l->fd, buf_rest(&l->out).p, buf_rest(&l->out).n);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			break;
		if (n == -1)
			wlink_die(l, NULL);
		else
			buf_drain(&l->out, (size_t)n);
	}
	wlink_arm(l);
}

static void
wlink_feed_answers(struct wlink *l)
{
	struct call	*c, *next;

	l->starved = false;
	tidings_tell(l);
	for (size_t i = 0; i < WLINK_BUCKETS && !l->starved && !l->dead; i++) {
		for (c = l->calls[i]; c != NULL; c = next) {
			next = c->link_next;
			if (c->state == CALL_ANSWERING)
				call_pump(c);
		}
	}
}

static void
wlink_on_io(struct loop_io *io, unsigned what, void *arg)
{
	struct wlink	*l = arg;
	ssize_t		 n;

	(void)io;
	MAGIC_CHECK(l, WLINK_MAGIC);
	/* A writable link is flushed at the end of this turn, as all are. */
	if ((what & LOOP_READ) == 0 || l->dead)
		return;
	n = read(l->fd, l->in + l->in_bytes, IN_ROOM - l->in_bytes);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		wlink_die(l, NULL);
		return;
	}
	l->in_bytes += (size_t)n;
	wlink_take(l);
}

int
wlink_new(struct runner *r, uint32_t slot, uint32_t incarnation, int *fd)
{
	struct wlink	*l = NULL;
	int		 res = E_NOMEM;

	if ((l = calloc(1, sizeof(*l))) == NULL || (l->in = malloc(IN_ROOM)) == NULL)
		goto fail;
	if ((res = fd_set_nonblock(*fd)) != 0)
		goto fail;
	l->magic = WLINK_MAGIC;
	l->r = r;
	l->told = r->tidings.seq;
	l->slot = slot;
	l->incarnation = incarnation;
	l->fd = *fd;
	*fd = -1;
	buf_init(&l->out, OUT_ROOM);
	loop_io_init(r->loop, &l->io, l->fd, wlink_on_io, l);
	loop_io_arm(&l->io, LOOP_READ);
	l->next = r->links;
	r->links = l;
	return 0;
 fail:
	if (l != NULL)
		free(l->in);
	free(l);
	fd_close(fd);
	return res;
}

void
wlink_add(struct wlink *l, struct call *c)
{
	struct call	**bucket = &l->calls[c->number % WLINK_BUCKETS];

	c->link_next = *bucket;
	*bucket = c;
	l->call_count++;
}

void
wlink_remove(struct wlink *l, struct call *c)
{
	struct call	**at = &l->calls[c->number % WLINK_BUCKETS];

	while (*at != c)
		at = &(*at)->link_next;
	*at = c->link_next;
	l->call_count--;
}

struct call *
wlink_find(const struct wlink *l, uint32_t number)
{
	struct call	*c;

	for (c = l->calls[number % WLINK_BUCKETS]; c != NULL; c = c->link_next)
		if (c->number == number)
			break;
	return c;
}

void
wlink_put(struct wlink *l, enum link_type type, unsigned flags, uint32_t call, uint32_t a, uint64_t b,
    struct span payload)
{
	struct link_head	h = { .bytes = (uint32_t)payload.n, .type = (uint16_t)type,
				    .flags = (uint16_t)flags, .call = call, .a = a, .b = b };

	if (l->dead)
		return;
	if (buf_put(&l->out, span_make(&h, sizeof(h))) != 0 || buf_put(&l->out, payload) != 0) {
		wlink_die(l, "it does not take its answers");
		return;
	}
	runner_wrote(l->r);
}

void
wlink_put_message(struct wlink *l, enum link_type type, uint32_t call, struct span text)
{
	do {
		struct span	part = span_part(text, 0, LINK_PAYLOAD_MAX);

		text = span_part(text, part.n, text.n - part.n);
		wlink_put(l, type, text.n > 0 ? LINK_FLAG_MORE : 0, call, 0, 0, part);
	} while (text.n > 0);
}

bool
wlink_has_room(struct wlink *l)
{
	if (!l->dead && buf_rest(&l->out).n < OUT_HIGH)
		return true;
	l->starved = true;
	return false;
}

bool
wlink_is_stuck(const struct wlink *l)
{
	return buf_rest(&l->out).n >= OUT_STOP;
}

void
wlinks_flush(struct runner *r)
{
	for (struct wlink *l = r->links; l != NULL; l = l->next) {
		wlink_flush(l);
		/* What went out may have made room: no writable event would tell us again. */
		while (!l->dead && l->starved && buf_rest(&l->out).n < OUT_HIGH) {
			wlink_feed_answers(l);
			wlink_flush(l);
		}
	}
}

static void
wlink_free(struct wlink *l)
{
	for (size_t i = 0; i < WLINK_BUCKETS; i++)
		while (l->calls[i] != NULL)
			call_forget(l->calls[i]);
	subs_forget_link(l);
	tidings_link_gone(l->r);
	loop_io_fini(&l->io);
	buf_fini(&l->out);
	fd_close(&l->fd);
	free(l->in);
	l->magic = 0;
	free(l);
}

void
wlinks_reap(struct runner *r)
{
	struct wlink	**at = &r->links, *l;

	while ((l = *at) != NULL) {
		if (l->dead) {
			*at = l->next;
			wlink_free(l);
		} else {
			at = &l->next;
		}
	}
}

void
wlinks_close(struct runner *r)
{
	for (struct wlink *l = r->links; l != NULL; l = l->next)
		wlink_die(l, NULL);
	wlinks_reap(r);
}
