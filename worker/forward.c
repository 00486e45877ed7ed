/* SPDX-License-Identifier: Apache-2.0
 *
 * forward.c - a request that only another worker can serve
 *
 * Process: worker, both ends of it.
 * Owns:    what was sent and is not answered, in its request's arena; the exchanges served for others.
 * Trusts:  the other worker no more than a client: the request is parsed and identified again; an answer's
 *          status and fields are checked, and refs are looked up.
 */
#include <stdlib.h>

#include "lib/bug.h"
#include "worker/forward.h"
#include "worker/front/reply.h"
#include "worker/peers.h"
#include "worker/streams/resume.h"
#include "worker/talk/talk.h"

#define SERVED_MAGIC	0xf03a0001u
#define GROUPS_MAX	1024
#define FIELDS_MAX	16

/* How a request travels; then its groups, the certificate its client has shown, its head and its body. */
struct forward_wire {
	uint32_t	listener, head_bytes, group_count, cert_bytes;
	uint16_t	family, port;
	uint8_t		address[16];
	uint32_t	uid, gid, pid;
};

/* Here: sent, and not answered to its end. */
struct forward {
	struct forward	*next;
	struct request	*rq;
	uint64_t	 ref;
	uint32_t	 slot, incarnation;
};

/* There: an exchange whose wire is the pair. */
struct served {
	uint32_t	 magic;
	struct served	*next;
	struct worker	*w;
	struct exchange	*x;
	uint64_t	 ref;
	uint32_t	 slot, incarnation;
	struct buf	 body;
	struct loop_timer timer;	/* after its last word */
	bool		 feeding;
};

static const char	mark_of_served;

/* ---- here: the client's side --------------------------------------------------------------------- */

static struct forward **
forward_find(struct worker *w, uint64_t ref, uint32_t slot)
{
	struct forward	**at = &w->forwards;

	while (*at != NULL && ((*at)->ref != ref || (*at)->slot != slot))
		at = &(*at)->next;
	return at;
}

/* It is over; its request is the caller's to let go of. */
static struct request *
forward_take(struct forward **at)
{
	struct request	*rq = (*at)->rq;

	*at = (*at)->next;
	rq->job = NULL;
	rq->on_gone = NULL;
	rq->on_credit = NULL;
	return rq;
}

static void
tell(struct worker *w, const struct forward *f, enum peer_type type, uint64_t a)
{
	struct peer_head	head = { .type = (uint16_t)type, .ref = f->ref, .a = a };

	(void)!peers_send(w->peers, f->slot, f->incarnation, &head, SPAN_NONE);
}

static void
on_client_gone(struct request *rq)
{
	struct forward	*f = rq->job, **at = forward_find(rq->w, f->ref, f->slot);

	tell(rq->w, f, PEER_GONE, 0);
	request_done(forward_take(at));
}

static void
on_client_took(struct request *rq, size_t bytes)
{
	tell(rq->w, rq->job, PEER_CREDIT, bytes);
}

static int
put_request(struct buf *b, const struct request *rq)
{
	const struct exchange		*x = rq->x;
	const struct exchange_peer	*p = &x->peer;
	struct forward_wire		 w = {
		.listener = x->listener, .head_bytes = (uint32_t)x->head.head_bytes,
		.group_count = (uint32_t)p->group_count, .family = p->family, .port = p->port,
		.uid = p->uid, .gid = p->gid, .pid = (uint32_t)p->pid,
		.cert_bytes = p->cert == NULL ? 0 : (uint32_t)p->cert->der.n,
	};
	int				 r;

	memcpy(w.address, p->address, sizeof(w.address));
	if ((r = buf_put(b, span_make(&w, sizeof(w)))) != 0 ||
	    (r = buf_put(b, span_make(p->groups, p->group_count * sizeof(*p->groups)))) != 0 ||
	    (p->cert != NULL && (r = buf_put(b, p->cert->der)) != 0) ||
	    (r = buf_put(b, span_make(x->head.bytes, x->head.head_bytes))) != 0)
		return r;
	return buf_put(b, rq->body);
}

int
forward_request(struct request *rq, uint32_t slot, uint32_t incarnation)
{
	struct worker		*w = rq->w;
	struct peer_head	 head = { .type = PEER_REQUEST };
	struct forward		*f;
	struct buf		 b;
	int			 r;

	if (forward_is_from_peer(rq))
		return E_RANGE;
	if ((f = arena_calloc(&rq->x->arena, sizeof(*f))) == NULL)
		return E_NOMEM;
	head.ref = f->ref = ++w->forward_refs;
	buf_init(&b, PEER_PAYLOAD_MAX);
	if ((r = put_request(&b, rq)) == 0)
		r = peers_send(w->peers, slot, incarnation, &head, buf_rest(&b));
	buf_fini(&b);
	if (r != 0)
		return r;
	f->rq = rq;
	f->slot = slot;
	f->incarnation = incarnation;
	f->next = w->forwards;
	w->forwards = f;
	rq->job = f;
	rq->on_gone = on_client_gone;
	rq->on_credit = on_client_took;
	metric_add(&w->metrics, METRIC_forwarded_total, 1);
	return 0;
}

/* Name, NUL, value, NUL, and so on.  How many; -1 when it is not that. */
static int
get_fields(struct span text, struct exchange_field f[FIELDS_MAX])
{
	const char	*end;
	int		 n = 0;

	for (; text.n > 0; n++) {
		struct span part[2];

		for (int i = 0; i < 2; i++) {
			if ((end = memchr(text.p, '\0', text.n)) == NULL)
				return -1;
			part[i] = span_make(text.p, (size_t)(end - text.p));
			text = span_part(text, part[i].n + 1, text.n);
		}
		if (n == FIELDS_MAX || !http_is_token(part[0]) || (part[1].n > 0 && !http_is_value(part[1])))
			return -1;
		f[n] = (struct exchange_field){ part[0], part[1] };
	}
	return n;
}

static int
on_answer(uint32_t slot, uint32_t incarnation, const struct peer_head *h, struct span payload, void *arg)
{
	struct worker		*w = arg;
	struct forward		**at = forward_find(w, h->ref, slot), *f = *at;
	struct exchange_field	 fields[FIELDS_MAX];
	struct request		*rq;
	int			 n;

	if (f == NULL)
		return 0;		/* its client is gone already */
	f->incarnation = incarnation;
	rq = f->rq;
	switch ((enum peer_type)h->type) {
	case PEER_HEAD:
		if (exchange_answered(rq->x) || h->a < 200 || h->a > 599 || (n = get_fields(payload, fields)) < 0)
			return E_FORMAT;
		exchange_answer(rq->x, (unsigned)h->a, fields, (size_t)n, h->b);
		return 0;
	case PEER_DATA:
		if (!exchange_answered(rq->x))
			return E_FORMAT;
		flow_give(&rq->x->answer, payload);
		return 0;
	case PEER_END:
	default:
		if (!exchange_answered(rq->x) || h->a <= FLOW_OPEN || h->a >= FLOW_END_LIMIT)
			return E_FORMAT;
		rq = forward_take(at);
		flow_end(&rq->x->answer, (enum flow_end)h->a);
		request_done(rq);
		return 0;
	}
}

/* ---- there: the serving side --------------------------------------------------------------------- */

static void
say(struct served *s, enum peer_type type, uint64_t a, uint64_t b, struct span payload)
{
	struct peer_head	head = { .type = (uint16_t)type, .ref = s->ref, .a = a, .b = b };

	/* Who cannot be told any more is gone, and that is told by the peers. */
	(void)!peers_send(s->w->peers, s->slot, s->incarnation, &head, payload);
}

static void
served_free(struct served *s)
{
	struct served	**at = &s->w->served;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	loop_timer_disarm(&s->timer);
	exchange_unref(&s->x);
	buf_fini(&s->body);
	s->magic = 0;
	free(s);
}

/* The answer's last byte was given in an earlier turn: nobody is inside the exchange. */
static void
on_over(struct loop_timer *t, void *arg)
{
	struct served	*s = arg;

	(void)t;
	MAGIC_CHECK(s, SERVED_MAGIC);
	if (s->x->answer.ended == FLOW_OPEN)
		exchange_wire_gone(s->x, FLOW_GONE);
	else if (s->x->wire != NULL)
		exchange_wire_done(s->x);
	served_free(s);
}

static int
wire_answer(void *arg, struct exchange *x, unsigned status, const struct exchange_field *fields, size_t n,
    uint64_t body_bytes)
{
	struct served	*s = arg;
	struct buf	 b;
	int		 r = 0;

	(void)x;
	buf_init(&b, 64 * 1024);
	for (size_t i = 0; r == 0 && i < n; i++)
		if ((r = buf_put(&b, fields[i].name)) == 0 && (r = buf_put_u8(&b, 0)) == 0 &&
		    (r = buf_put(&b, fields[i].value)) == 0)
			r = buf_put_u8(&b, 0);
	if (r == 0)
		say(s, PEER_HEAD, status, body_bytes, buf_rest(&b));
	buf_fini(&b);
	return r;
}

static void
wire_give(void *arg, struct span bytes)
{
	say(arg, PEER_DATA, 0, 0, bytes);
}

static void
wire_answer_end(void *arg, enum flow_end why)
{
	struct served	*s = arg;

	say(s, PEER_END, why, 0, SPAN_NONE);
	loop_timer_arm(&s->timer, 0);
}

static void
feed(struct served *s)
{
	struct exchange	*x = s->x;
	struct span	 rest, part;

	if (s->feeding)
		return;
	s->feeding = true;
	while (x->body.ended == FLOW_OPEN && (rest = buf_rest(&s->body)).n > 0 && x->body.credit > 0) {
		part = span_part(rest, 0, x->body.credit < rest.n ? (size_t)x->body.credit : rest.n);
		flow_give(&x->body, part);
		buf_drain(&s->body, part.n);	/* this may move what is left */
	}
	if (buf_rest(&s->body).n == 0)
		flow_end(&x->body, FLOW_DONE);
	s->feeding = false;
}

static void
wire_credit(void *arg, size_t bytes)
{
	struct served	*s = arg;

	(void)bytes;
	feed(s);
}

static const struct exchange_wire wire = {
	.answer = wire_answer,
	.sink = { wire_give, wire_answer_end },
	.source = { wire_credit, NULL },
};

static int
take_request(struct served *s, struct span payload)
{
	struct forward_wire	 w;
	struct http_head	*head;
	struct exchange_peer	 peer;
	struct exchange		*x;
	struct span		 groups, cert, text;
	gid_t			 own[GROUPS_MAX];
	int			 r;

	if (payload.n < sizeof(w))
		return E_FORMAT;
	memcpy(&w, payload.p, sizeof(w));
	payload = span_part(payload, sizeof(w), payload.n);
	if (w.group_count > GROUPS_MAX || payload.n < w.group_count * sizeof(gid_t))
		return E_FORMAT;
	groups = span_part(payload, 0, w.group_count * sizeof(gid_t));
	payload = span_part(payload, groups.n, payload.n);
	cert = span_part(payload, 0, w.cert_bytes);
	payload = span_part(payload, cert.n, payload.n);
	if (cert.n < w.cert_bytes || payload.n < w.head_bytes)
		return E_FORMAT;
	text = span_part(payload, 0, w.head_bytes);
	if ((head = malloc(sizeof(*head))) == NULL)
		return E_NOMEM;
	http_head_init(head, HTTP_REQUEST);
	if (http_head_parse(head, text.p, text.n) != 0 || head->head_bytes != text.n ||
	    w.listener == LISTEN_ADMIN) {
		free(head);
		return E_FORMAT;
	}
	peer = (struct exchange_peer){ .family = w.family, .port = w.port, .uid = w.uid, .gid = w.gid,
	    .pid = (pid_t)w.pid, .groups = own, .group_count = w.group_count };
	memcpy(peer.address, w.address, sizeof(peer.address));
	/* Verified there; who it stands for is found here. */
	if (cert.n > 0 && (r = peer_cert_new(cert, NULL, 0, 0, &peer.cert)) != 0) {
		free(head);
		return r;
	}
	/* The payload of a frame is aligned for its head only. */
	if (groups.n > 0)
		memcpy(own, groups.p, groups.n);
	r = exchange_new(s->w->loop, conn_set_pool(s->w->conns), head, &peer, w.listener, &wire, s, &x);
	peer_cert_unref(&peer.cert);
	free(head);
	if (r != 0)
		return r;
	x->user = (void *)(uintptr_t)&mark_of_served;
	if ((r = buf_put(&s->body, span_part(payload, text.n, payload.n))) != 0) {
		exchange_wire_gone(x, FLOW_GONE);
		exchange_unref(&x);
		return r;
	}
	s->x = x;
	return 0;
}

static int
on_request(uint32_t slot, uint32_t incarnation, const struct peer_head *h, struct span payload, void *arg)
{
	struct worker		*w = arg;
	struct served		*s;
	struct peer_head	 sorry = { .type = PEER_HEAD, .ref = h->ref, .a = 503 };
	int			 r;

	if ((s = calloc(1, sizeof(*s))) == NULL) {
		r = E_NOMEM;
	} else {
		s->magic = SERVED_MAGIC;
		s->w = w;
		s->ref = h->ref;
		s->slot = slot;
		s->incarnation = incarnation;
		buf_init(&s->body, PEER_PAYLOAD_MAX);
		loop_timer_init(w->loop, &s->timer, on_over, s);
		if ((r = take_request(s, payload)) == 0) {
			s->next = w->served;
			w->served = s;
			s->feeding = true;
			request_begin(w, s->x);
			s->feeding = false;
			feed(s);
			return 0;
		}
		buf_fini(&s->body);
		free(s);
	}
	if (r == E_FORMAT)
		return r;
	if (peers_send(w->peers, slot, incarnation, &sorry, SPAN_NONE) == 0) {
		sorry.type = PEER_END;
		sorry.a = FLOW_DONE;
		(void)!peers_send(w->peers, slot, incarnation, &sorry, SPAN_NONE);
	}
	return 0;
}

/* What the client's worker says of an exchange that is served for it. */
static int
on_client(uint32_t slot, uint32_t incarnation, const struct peer_head *h, struct span payload, void *arg)
{
	struct worker	*w = arg;
	struct served	*s = w->served;

	(void)incarnation;
	(void)payload;
	while (s != NULL && (s->ref != h->ref || s->slot != slot))
		s = s->next;
	if (s == NULL)
		return 0;
	if (h->type == PEER_GONE)
		loop_timer_arm(&s->timer, 0);
	else if (h->a <= SIZE_MAX / 2 && s->x->wire != NULL)
		flow_credit(&s->x->answer, (size_t)h->a);
	return 0;
}

/* ---- both ---------------------------------------------------------------------------------------- */

static void
lose(struct request *rq)
{
	if (exchange_answered(rq->x)) {
		flow_end(&rq->x->answer, FLOW_BROKEN);
		request_done(rq);
	} else if (rq->front == FRONT_MESSAGES) {
		reply_refuse(rq, E_MCP_SESSION, NULL);
	} else if (rq->x->head.method == HTTP_GET) {
		resume_lost(rq);
	} else if (rq->msg.kind == RPC_REQUEST) {
		reply_error(rq, E_MCP_STATE_LOST, SPAN_NONE, SPAN_NONE, 0);
	} else {
		reply_accepted(rq);
	}
}

static void
on_gone(uint32_t slot, uint32_t incarnation, void *arg)
{
	struct worker	*w = arg;
	struct forward	**at = &w->forwards;
	struct served	*s;

	while (*at != NULL) {
		if ((*at)->slot == slot && (incarnation == 0 || (*at)->incarnation == 0 ||
		    (*at)->incarnation == incarnation))
			lose(forward_take(at));
		else
			at = &(*at)->next;
	}
	for (s = w->served; s != NULL; s = s->next)
		if (s->slot == slot && s->incarnation == incarnation)
			loop_timer_arm(&s->timer, 0);
}

bool
forward_is_from_peer(const struct request *rq)
{
	return rq->x->user == &mark_of_served;
}

static int
on_cancelled(uint32_t slot, uint32_t incarnation, const struct peer_head *h, struct span payload, void *arg)
{
	(void)slot;
	(void)incarnation;
	if (payload.n == 0)
		talk_cancel_all(arg, h->a);
	else
		(void)!talk_cancel(arg, h->a, payload);
	return 0;
}

void
forward_cancelled(struct request *rq, struct span id)
{
	struct worker		*w = rq->w;
	struct peer_head	 head = { .type = PEER_CANCEL, .a = rq->session_hash };

	for (uint32_t slot = 0; slot < w->workers; slot++)
		if (worker_has_other(w, slot))
			(void)!peers_send(w->peers, slot, 0, &head, id);
}

void
forward_init(struct worker *w)
{
	peers_on(w->peers, PEER_REQUEST, on_request, w);
	peers_on(w->peers, PEER_HEAD, on_answer, w);
	peers_on(w->peers, PEER_DATA, on_answer, w);
	peers_on(w->peers, PEER_END, on_answer, w);
	peers_on(w->peers, PEER_CREDIT, on_client, w);
	peers_on(w->peers, PEER_GONE, on_client, w);
	peers_on(w->peers, PEER_CANCEL, on_cancelled, w);
	peers_on_gone(w->peers, on_gone, w);
}
