/* SPDX-License-Identifier: Apache-2.0
 *
 * peers_wire.c - the bytes of one pair between workers
 *
 * Process: worker.  Owns: its end of a pair, the part of a message that came.
 * Trusts:  the other worker for nothing: a head is checked before its payload gets memory, which then
 *          grows with what really comes.  A broken rule ends the pair.
 *
 * Handlers and gone handlers run only where messages are read or the master speaks, never at a turn's
 * end: what they record and answer is written in the right order.
 */
#include <errno.h>
#include <sys/socket.h>

#include "lib/bug.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "worker/peers_priv.h"

#define READS_PER_TURN	16
#define WRITE_PER_TURN	(1024 * 1024)

void
peer_down(struct peer *p)
{
	loop_io_fini(&p->io);
	fd_close(&p->fd);
	p->up = p->deaf = false;
	p->set->dirty &= ~peer_bit(p);
	peer_queue_drop(p, &p->out);
	buf_fini(&p->in);
	peer_tell_gone(p, p->incarnation);
}

static int
deliver(struct peer *p, const struct peer_head *h, struct span payload)
{
	struct peers	*ps = p->set;

	if (!peer_head_is_good(h))
		return E_FORMAT;
	if (ps->on[h->type].fn == NULL) {
		log_debug(NULL, "message of type %u from worker %u: nobody here takes it", h->type, p->slot);
		return 0;
	}
	return ps->on[h->type].fn(p->slot, p->incarnation, h, payload, ps->on[h->type].arg);
}

/* Whole messages off the front.  False when a rule was broken. */
static bool
take_messages(struct peer *p, struct span *bytes)
{
	struct peer_head	h;

	while (bytes->n >= sizeof(h)) {
		memcpy(&h, bytes->p, sizeof(h));
		if (peer_head_is_good(&h) && bytes->n - sizeof(h) < h.bytes)
			break;
		if (deliver(p, &h, span_part(*bytes, sizeof(h), h.bytes)) != 0) {
			log_warn(NULL, "worker %u broke the rules of its pair, type=%u bytes=%u", p->slot,
			    h.type, h.bytes);
			return false;
		}
		*bytes = span_part(*bytes, sizeof(h) + h.bytes, bytes->n);
	}
	return true;
}

/* What is missing of the message that has begun; its head is good if it is there. */
static size_t
missing(const struct peer *p)
{
	struct span		 have = buf_rest(&p->in);
	struct peer_head	 h;

	if (have.n < sizeof(h))
		return sizeof(h) - have.n;
	memcpy(&h, have.p, sizeof(h));
	return sizeof(h) + h.bytes - have.n;
}

/* One read, and what comes of it.  False when there is no more to read, or no pair any more. */
static bool
peer_read_once(struct peer *p)
{
	bool		 begun = buf_rest(&p->in).n > 0;
	char		*to = p->set->room;
	size_t		 room = PEER_READ_BYTES;
	struct span	 bytes;
	ssize_t		 n;

	if (begun) {
		if (missing(p) < room)
			room = missing(p);
		if (buf_reserve(&p->in, room, &to) != 0) {
			log_warn(NULL, "no memory for a message of worker %u", p->slot);
			goto down;
		}
	}
	if ((n = recv(p->fd, to, room, MSG_DONTWAIT)) == -1 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0)
		goto down;
	if (begun)
		buf_commit(&p->in, (size_t)n);
	bytes = begun ? buf_rest(&p->in) : span_make(to, (size_t)n);
	if (!take_messages(p, &bytes))
		goto down;
	if (!begun && bytes.n > 0 && buf_put(&p->in, bytes) != 0) {
		log_warn(NULL, "no memory for a message of worker %u", p->slot);
		goto down;
	}
	if (begun && bytes.n == 0)
		buf_fini(&p->in);
	return (size_t)n == room;
 down:
	peer_down(p);
	return false;
}

void
peer_read(struct peer *p, int reads)
{
	while (p->up && reads-- > 0 && peer_read_once(p))
		;
}

static void
peer_on_io(struct loop_io *io, unsigned what, void *arg)
{
	struct peer	*p = arg;

	(void)io;
	MAGIC_CHECK(p, PEER_MAGIC);
	/* Not now: the records of this turn are not yet written. */
	if (what & LOOP_WRITE)
		p->set->dirty |= peer_bit(p);
	if (what & LOOP_READ)
		peer_read(p, READS_PER_TURN);
}

void
peer_up(struct peer *p, int fd)
{
	p->up = true;
	p->fd = fd;
	loop_io_init(p->set->loop, &p->io, fd, peer_on_io, p);
	loop_io_arm(&p->io, LOOP_READ);
}

void
peer_flush(struct peer *p)
{
	struct peer_message	*m;
	size_t		 left = WRITE_PER_TURN, part;
	ssize_t		 n;

	while ((m = p->out.first) != NULL && left > 0) {
		part = m->bytes - m->sent < left ? m->bytes - m->sent : left;
		if ((n = send(p->fd, m->wire + m->sent, part, MSG_NOSIGNAL | MSG_DONTWAIT)) == -1) {
			if (errno == EINTR)
				continue;
			if (errno == EAGAIN)
				break;
			/* It may have said something before it went; that and the end are read next turn. */
			p->deaf = true;
			peer_queue_drop(p, &p->out);
			(void)shutdown(p->fd, SHUT_RDWR);
			break;
		}
		m->sent += (size_t)n;
		left -= (size_t)n;
		if (m->sent == m->bytes)
			peer_message_free(p, peer_queue_take(&p->out));
	}
	loop_io_arm(&p->io, LOOP_READ | (p->out.first != NULL ? LOOP_WRITE : 0));
}
