/* SPDX-License-Identifier: Apache-2.0
 *
 * chan.c - a control channel: one socketpair, two known roles
 *
 * Process: all.  Owns: the descriptor, the queue and the descriptors in it.
 * Trusts:  that the peer holds the other end of this pair; nothing it says.
 */
#include <fcntl.h>
#include <stdlib.h>

#include "ipc/chan.h"
#include "lib/bug.h"
#include "lib/fd.h"
#include "lib/log.h"

#define CHAN_MAGIC	0xc4a20001u
#define QUEUE_BYTES	(1024 * 1024)
#define PER_TURN	64		/* frames read before others get a turn */

struct chan_queued {
	struct chan_queued	*next;
	uint16_t		 type;
	uint64_t		 ref;
	int			 fds[FRAME_FDS];
	unsigned		 fd_count;
	size_t			 bytes;
	char			 body[];
};

static void
queued_free(struct chan_queued *q)
{
	for (unsigned i = 0; i < q->fd_count; i++)
		fd_close(&q->fds[i]);
	free(q);
}

static void
queue_drop(struct chan *c)
{
	struct chan_queued	*q, *next;

	for (q = c->first; q != NULL; q = next) {
		next = q->next;
		queued_free(q);
	}
	c->first = NULL;
	c->last = &c->first;
	c->queued_bytes = 0;
}

static void
chan_die(struct chan *c, int why)
{
	if (c->dead)
		return;
	c->dead = true;
	loop_io_arm(&c->io, 0);
	queue_drop(c);
	c->on_closed(c, why, c->arg);
}

static void
queue_flush(struct chan *c)
{
	struct chan_queued	*q;
	int			 r;

	while ((q = c->first) != NULL) {
		r = frame_send(c->fd, q->type, q->ref, span_make(q->body, q->bytes), q->fds,
		    q->fd_count);
		if (r == E_AGAIN)
			break;
		if (r != 0) {
			chan_die(c, r);
			return;
		}
		if ((c->first = q->next) == NULL)
			c->last = &c->first;
		c->queued_bytes -= sizeof(*q) + q->bytes;
		queued_free(q);
	}
	loop_io_arm(&c->io, LOOP_READ | (c->first != NULL ? LOOP_WRITE : 0));
}

/* One message; false when the channel is no more. */
static bool
chan_take(struct chan *c)
{
	char		 room[FRAME_MAX];
	struct frame	 f;
	union msg_any	 body;
	struct chan_msg	 msg;
	int		 r;

	if ((r = frame_recv(c->fd, room, &f)) == E_AGAIN)
		return false;
	if (r == 0) {
		unsigned fds = f.head.fds;

		if ((r = msg_may(f.head.type, c->peer, c->me, c->ready, fds)) == 0)
			r = msg_decode(f.head.type, f.body, &body);
		if (r != 0) {
			const char *name = msg_row(f.head.type)->name;

			log_warn(LOG_SUBJECT(role_program(c->peer), ""),
			    "message %s (%u) refused: %s", name == NULL ? "unknown" : name,
			    f.head.type, err_text(r));
			frame_close_fds(&f);
		}
	}
	if (r != 0) {
		chan_die(c, r);
		return false;
	}
	if (f.head.type == MSG_TYPE_READY)
		c->ready = true;
	msg = (struct chan_msg){ f.head.type, f.head.ref, &body, f.fds };
	c->on_msg(c, &msg, c->arg);
	frame_close_fds(&f);
	return c->magic == CHAN_MAGIC && !c->dead;
}

static void
chan_on_io(struct loop_io *io, unsigned what, void *arg)
{
	struct chan	*c = arg;

	(void)io;
	MAGIC_CHECK(c, CHAN_MAGIC);
	if (what & LOOP_WRITE)
		queue_flush(c);
	if (c->magic != CHAN_MAGIC || c->dead || (what & LOOP_READ) == 0)
		return;
	for (int i = 0; i < PER_TURN && chan_take(c); i++)
		;
}

int
chan_init(struct chan *c, struct loop *l, int fd, enum role me, enum role peer, chan_msg_fn *on_msg,
    chan_closed_fn *on_closed, void *arg)
{
	int	r;

	if ((r = fd_set_nonblock(fd)) != 0)
		return r;
	*c = (struct chan){ .magic = CHAN_MAGIC, .fd = fd, .me = me, .peer = peer,
	    .on_msg = on_msg, .on_closed = on_closed, .arg = arg };
	c->last = &c->first;
	loop_io_init(l, &c->io, fd, chan_on_io, c);
	loop_io_arm(&c->io, LOOP_READ);
	return 0;
}

void
chan_fini(struct chan *c)
{
	if (c->magic != CHAN_MAGIC)
		return;
	loop_io_fini(&c->io);
	queue_drop(c);
	fd_close(&c->fd);
	c->magic = 0;
}

static int
chan_queue(struct chan *c, uint16_t type, uint64_t ref, struct span body, const int *fds,
    unsigned fd_count)
{
	struct chan_queued	*q;

	if (c->queued_bytes + sizeof(*q) + body.n > QUEUE_BYTES)
		return E_FULL;
	if ((q = calloc(1, sizeof(*q) + body.n)) == NULL)
		return E_NOMEM;
	q->type = type;
	q->ref = ref;
	q->bytes = body.n;
	if (body.n > 0)
		memcpy(q->body, body.p, body.n);
	for (unsigned i = 0; i < fd_count; i++) {
		if ((q->fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 3)) == -1) {
			queued_free(q);
			return E_SYS;
		}
		q->fd_count++;
	}
	*c->last = q;
	c->last = &q->next;
	c->queued_bytes += sizeof(*q) + body.n;
	loop_io_arm(&c->io, LOOP_READ | LOOP_WRITE);
	return 0;
}

int
chan_send(struct chan *c, uint16_t type, uint64_t ref, const void *msg, const int *fds, unsigned fd_count)
{
	struct buf	b;
	int		r;

	if (c->magic != CHAN_MAGIC || c->dead)
		return E_CLOSED;
	buf_init(&b, FRAME_MAX - sizeof(struct frame_head));
	if ((r = msg_encode(&b, type, msg)) != 0)
		goto out;
	if (c->first == NULL)
		r = frame_send(c->fd, type, ref, buf_rest(&b), fds, fd_count);
	else
		r = E_AGAIN;
	if (r == E_AGAIN)
		r = chan_queue(c, type, ref, buf_rest(&b), fds, fd_count);
 out:
	buf_fini(&b);
	return r;
}

void
chan_tell(struct chan *c, uint16_t type, uint64_t ref, const void *msg)
{
	int	r = chan_send(c, type, ref, msg, NULL, 0);

	if (r != 0)
		log_warn(NULL, "%s does not take %s: %s", role_program(c->peer), msg_row(type)->name, err_text(r));
}

void
chan_answer_offer(struct chan *c, const struct chan_msg *offer, int error)
{
	const struct msg_SNAPSHOT_OFFER	*o = &offer->body->SNAPSHOT_OFFER;
	struct msg_SNAPSHOT_IN_FORCE	 in_force = { .kind = o->kind, .generation = o->generation };
	struct msg_SNAPSHOT_REFUSED	 refused = { .kind = o->kind, .generation = o->generation, .error = error };

	if (error == 0) {
		chan_tell(c, MSG_TYPE_SNAPSHOT_IN_FORCE, offer->ref, &in_force);
		return;
	}
	log_err(NULL, "snapshot kind %u generation %llu refused: %s", o->kind, (unsigned long long)o->generation,
	    err_text(error));
	chan_tell(c, MSG_TYPE_SNAPSHOT_REFUSED, offer->ref, &refused);
}
