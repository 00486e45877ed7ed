/* SPDX-License-Identifier: Apache-2.0
 *
 * conn.c - one client connection: heads in, bytes out, and what becomes of it
 *
 * Process: worker, mcpgw-admin.  Owns: the socket; a buffer only while bytes are in it.
 * Trusts:  nobody.  A connection is freed at a turn's end only, so no handler finds it gone.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "lib/bug.h"
#include "lib/fd.h"
#include "http/conn_priv.h"

#define LINGER_BYTES_MAX	(4 * 1024 * 1024)
#define REFUSED_MAX		3	/* in a row, before a connection rests */

/* ---- what is awaited --------------------------------------------------------------------------- */

static bool
wants_read(const struct conn *c)
{
	if (c->dead || c->eof)
		return false;
	switch ((enum conn_state)c->state) {
	case CONN_FRESH:
	case CONN_IDLE:
	case CONN_HEAD:
	case CONN_LINGER:
		return true;
	case CONN_SHAKE:
		return !c->shake_writes;
	case CONN_BODY:
	case CONN_BUSY:
	case CONN_WRITE:
		if (c->x != NULL && !c->body_whole)
			return c->in == NULL && c->x->body.ended == FLOW_OPEN && c->x->body.credit > 0;
		/* Watched for its end; what comes early waits in the buffer. */
		return c->in == NULL || c->in->used < sizeof(c->in->bytes);
	case CONN_REST:
	case CONN_STATE_LIMIT:
		break;
	}
	return false;
}

/* TLS has read more of the socket than was wanted: the socket will not say so. */
static bool
has_more(const struct conn *c)
{
	return c->tls != NULL && c->state != CONN_SHAKE && wants_read(c) && c->set->tls.has_more(c->tls);
}

void
conn_watch(struct conn *c)
{
	if (c->io.magic == 0 || c->dead)
		return;
	loop_io_arm(&c->io, (wants_read(c) ? LOOP_READ : 0) |
	    (c->state == CONN_WRITE || c->shake_writes ? LOOP_WRITE : 0));
	if (has_more(c))
		conn_kick_later(c);
}

/* ---- a request begins -------------------------------------------------------------------------- */

void
conn_refuse(struct conn *c, int err)
{
	char			 text[HTTP_ERROR_BYTES];
	struct span		 body = http_error_body(err, text);
	struct exchange_field	 type = { SPAN_LIT("Content-Type"), SPAN_LIT("application/json") };
	struct http_out_head	 head = {
		.status = http_error_status(err), .date = conn_date(c->set), .framing = HTTP_FRAMING_LENGTH,
		.length = body.n, .close = true, .fields = &type, .n = 1,
	};

	c->set->count.malformed++;
	if (http_write_answer(&c->out, &head) != 0 || http_queue_put(&c->out, body) != 0) {
		conn_die(c, FLOW_BROKEN);
		return;
	}
	c->close = c->answer_done = true;
	c->body_whole = false;
	conn_move(c, CONN_BUSY);
	c->eof = true;			/* until it lingers */
	conn_watch(c);
	conn_flush_later(c);
}

static void
peer_of(const struct conn *c, struct exchange_peer *peer)
{
	*peer = (struct exchange_peer){ .family = c->family, .port = c->port };
	memcpy(peer->address, c->address, sizeof(peer->address));
	if (c->tls != NULL)
		peer->cert = c->set->tls.peer(c->tls);
	if (c->peer == NULL)
		return;
	peer->uid = c->peer->uid;
	peer->gid = c->peer->gid;
	peer->pid = c->peer->pid;
	peer->groups = c->peer->groups;
	peer->group_count = c->peer->group_count;
}

static void
request_begin(struct conn *c)
{
	struct conn_set		*s = c->set;
	struct conn_in		*in = c->in;
	struct exchange_peer	 peer;

	peer_of(c, &peer);
	if (exchange_new(s->loop, &s->pool, &in->head, &peer, c->listener, &conn_wire, c, &c->x) != 0) {
		conn_refuse(c, E_NOMEM);
		return;
	}
	s->count.requests++;
	c->x->begun_ns = in->begun_ns;
	in->at = in->head.head_bytes;
	http_body_init(&c->body, &in->head, false);
	c->close = c->answer_done = false;
	c->body_whole = http_body_left(&c->body) == 0;
	c->continue_due = in->head.expect_continue && in->at == in->used;
	if (in->at == in->used) {
		block_put(&s->pool, in);
		c->in = NULL;
	}
	conn_move(c, c->body_whole ? CONN_BUSY : CONN_BODY);
	c->beginning = true;
	s->on_request(c->x, s->arg);
	c->beginning = false;
	if (c->dead)
		return;
	if (c->body_whole)
		flow_end(&c->x->body, FLOW_DONE);
	else
		conn_feed(c);
	conn_watch(c);
}

static void
parse(struct conn *c)
{
	int	r = http_head_parse(&c->in->head, c->in->bytes, c->in->used);

	if (r == 0)
		request_begin(c);
	else if (r != E_AGAIN)
		conn_refuse(c, r);
	else if (c->state != CONN_HEAD)
		conn_move(c, CONN_HEAD);
}

static void
head_begin(struct conn *c)
{
	http_head_init(&c->in->head, HTTP_REQUEST);
	c->in->begun_ns = loop_now_ns(c->set->loop);
}

/* ---- reading ----------------------------------------------------------------------------------- */

ssize_t
conn_recv(struct conn *c, void *to, size_t room)
{
	size_t	n;

	if (c->tls == NULL)
		return recv(c->fd, to, room, 0);
	switch (c->set->tls.read(c->tls, to, room, &n)) {
	case 0:
		return (ssize_t)n;
	case E_EOF:
		return 0;
	case E_AGAIN:
		errno = EAGAIN;
		return -1;
	default:
		errno = ECONNRESET;
		return -1;
	}
}

/* Into the buffer: bytes, 0 at the end, -1 when there is nothing now or the connection died. */
static ssize_t
read_more(struct conn *c)
{
	ssize_t	n;

	if (c->in == NULL) {
		if ((c->in = block_get(&c->set->pool)) == NULL) {
			conn_die(c, FLOW_BROKEN);
			return -1;
		}
		c->in->at = c->in->used = 0;
		head_begin(c);
	}
	n = conn_recv(c, c->in->bytes + c->in->used, sizeof(c->in->bytes) - c->in->used);
	if (n > 0) {
		c->in->used += (size_t)n;
		c->set->count.bytes_in += (uint64_t)n;
	} else if (n == -1 && errno != EAGAIN && errno != EINTR)
		conn_die(c, FLOW_GONE);
	if (c->in->used == 0) {
		block_put(&c->set->pool, c->in);
		c->in = NULL;
	}
	return n;
}

static void
on_early_bytes(struct conn *c)
{
	if (read_more(c) == 0) {
		c->eof = true;
		c->close = true;
		/* Answered already: let it go out.  Else whoever works on it should know (mcp-wire 3.4). */
		if (!c->answer_done)
			conn_die(c, FLOW_GONE);
	}
	conn_watch(c);
}

static void
on_dropped_bytes(struct conn *c)
{
	ssize_t	n = recv(c->fd, c->set->scratch, sizeof(c->set->scratch), 0);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0 && (c->dropped += (uint32_t)n) < LINGER_BYTES_MAX)
		return;
	conn_die(c, FLOW_GONE);
}

void
conn_read(struct conn *c)
{
	ssize_t	n;

	switch ((enum conn_state)c->state) {
	case CONN_SHAKE:
		conn_shake(c);
		break;
	case CONN_FRESH:
	case CONN_IDLE:
	case CONN_HEAD:
		if ((n = read_more(c)) > 0)
			parse(c);
		else if (n == 0)
			conn_die(c, FLOW_GONE);
		break;
	case CONN_LINGER:
		on_dropped_bytes(c);
		break;
	case CONN_BODY:
	case CONN_BUSY:
	case CONN_WRITE:
		if (c->x != NULL && !c->body_whole)
			conn_read_body(c);
		else
			on_early_bytes(c);
		break;
	case CONN_REST:
	case CONN_STATE_LIMIT:
		break;
	}
}

void
conn_on_io(struct loop_io *io, unsigned what, void *arg)
{
	struct conn	*c = arg;

	(void)io;
	MAGIC_CHECK(c, CONN_MAGIC);
	if (c->dead)
		return;
	if (c->shake_writes) {
		conn_shake(c);
		return;
	}
	if (what & LOOP_WRITE)
		conn_flush_later(c);
	if (what & LOOP_READ)
		conn_read(c);
	if (has_more(c))
		conn_kick_later(c);
}

/* ---- at a turn's end, and after it ------------------------------------------------------------- */

void
conn_linger(struct conn *c)
{
	if (c->in != NULL) {
		block_put(&c->set->pool, c->in);
		c->in = NULL;
	}
	if (c->tls != NULL)
		c->set->tls.free(&c->tls);	/* which says the end */
	shutdown(c->fd, SHUT_WR);
	c->eof = false;
	conn_move(c, CONN_LINGER);
}

/* The answer is out, and the rest of it taken: what is there already, or what comes. */
static void
next_request(struct conn *c)
{
	if (c->in != NULL) {
		if (c->state != CONN_BUSY)
			conn_move(c, CONN_BUSY);
		conn_kick_later(c);
		return;
	}
	conn_move(c, CONN_IDLE);
	if (c->set->drain)
		conn_die(c, FLOW_GONE);
}

/* The answer is with the kernel. */
static void
finish(struct conn *c)
{
	struct conn_in	*in = c->in;

	c->answer_done = false;
	if (c->close) {
		/* Closing over unread bytes would reset the connection, and the answer with it. */
		if (c->eof && c->body_whole)
			conn_die(c, FLOW_GONE);
		else if (c->body_whole && in == NULL)
			conn_die(c, FLOW_DONE);
		else
			conn_linger(c);
		return;
	}
	if (!c->body_whole)
		in->at += http_body_left(&c->body);
	c->body_whole = true;
	if (c->state != CONN_BUSY)
		conn_move(c, CONN_BUSY);
	if (in != NULL && in->at == in->used) {
		block_put(&c->set->pool, in);
		c->in = NULL;
	}
	if (c->refused >= REFUSED_MAX && !c->set->drain)
		conn_move(c, CONN_REST);
	else
		next_request(c);
}

/* Room for the source again? */
static size_t
credit_due(const struct conn *c)
{
	uint64_t	held;

	if (c->x == NULL || c->x->status == 0 || c->x->answer.ended != FLOW_OPEN || c->out.bytes >= HTTP_QUEUE_LOW)
		return 0;
	held = c->x->answer.credit + c->out.bytes;
	return held > HTTP_QUEUE_HIGH / 2 ? 0 : HTTP_QUEUE_HIGH - (size_t)held;
}

/* The socket is full.  Who takes too little in its time does not get another. */
static void
wait_for_client(struct conn *c, size_t took)
{
	if (c->state == CONN_WRITE && (took == 0 || (c->took += took) < c->set->params.write_least))
		return;
	c->took = 0;
	conn_move(c, CONN_WRITE);
}

void
conn_flush(struct conn *c)
{
	size_t	before = c->out.bytes, unsent, left;
	int	r;

	if (c->dead) {
		if (!c->to_kick)
			conn_free(c);
		return;
	}
	unsent = c->tls == NULL ? 0 : c->set->tls.unsent(c->tls);
	r = c->tls == NULL ? http_queue_write(&c->out, c->fd) : c->set->tls.write(c->tls, &c->out);
	c->set->count.bytes_out += before - c->out.bytes;
	c->set->queued += c->out.bytes - c->counted;
	c->counted = c->out.bytes;
	if (c->answer_done && c->x != NULL) {
		c->refused = !c->x->rest ? 0 : c->refused < REFUSED_MAX ? c->refused + 1 : REFUSED_MAX;
		exchange_wire_done(c->x);
		exchange_unref(&c->x);
	}
	if (r == E_AGAIN) {
		left = c->out.bytes + (c->tls == NULL ? 0 : c->set->tls.unsent(c->tls));
		wait_for_client(c, left < before + unsent ? before + unsent - left : 0);
	} else if (r != 0) {
		conn_die(c, FLOW_GONE);
		return;
	} else {
		if (c->state == CONN_WRITE)
			conn_move(c, c->x != NULL && !c->body_whole ? CONN_BODY : CONN_BUSY);
		if (c->answer_done)
			finish(c);
	}
	if (credit_due(c) > 0)
		conn_kick_later(c);
	conn_watch(c);
}

void
conn_kick(struct conn *c)
{
	size_t	n;

	if (c->dead) {
		if (c->x != NULL)
			exchange_wire_gone(c->x, (enum flow_end)c->why);
		conn_flush_later(c);
		return;
	}
	if (c->x != NULL) {
		conn_feed(c);
		if (!c->dead && (n = credit_due(c)) > 0)
			flow_credit(&c->x->answer, n);
	} else if (c->state == CONN_BUSY && c->in != NULL && !c->close) {
		/* The next request was sent before this one's answer. */
		c->in->used -= c->in->at;
		memmove(c->in->bytes, c->in->bytes + c->in->at, c->in->used);
		c->in->at = 0;
		head_begin(c);
		parse(c);
	}
	if (has_more(c))
		conn_read(c);
	conn_watch(c);
}

void
conn_timed_out(struct conn *c)
{
	switch ((enum conn_state)c->state) {
	case CONN_REST:
		next_request(c);
		conn_watch(c);
		return;
	case CONN_HEAD:
		conn_refuse(c, E_HTTP_TIMEOUT);
		return;
	case CONN_BODY:
		if (c->x != NULL && !exchange_answered(c->x)) {
			exchange_body_failed(c->x, E_HTTP_TIMEOUT);
			return;
		}
		break;
	case CONN_SHAKE:
		c->set->count.handshakes_failed++;
		break;
	case CONN_FRESH:
	case CONN_IDLE:
	case CONN_WRITE:
	case CONN_LINGER:
	case CONN_BUSY:
	case CONN_STATE_LIMIT:
		break;
	}
	conn_die(c, FLOW_GONE);
}
