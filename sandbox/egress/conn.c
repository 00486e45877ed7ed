/* SPDX-License-Identifier: Apache-2.0
 *
 * conn.c - one connection out of a jail: from its birth to its record's end
 *
 * Process: mcpgw-egress.
 * Owns:    both sockets, what is held between them, and one open record.
 * Trusts:  neither the tool nor the host.
 */
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "lib/bug.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "sandbox/egress/account.h"
#include "sandbox/egress/conn.h"
#include "sandbox/egress/dial.h"
#include "sandbox/egress/front.h"
#include "sandbox/egress/relay.h"
#include "sandbox/egress/spawners.h"

#define CONN_MAGIC	0xe9550002u

static void
on_tool(struct loop_io *io, unsigned what, void *arg)
{
	struct conn	*c = arg;

	(void)io;
	MAGIC_CHECK(c, CONN_MAGIC);
	if (c->state == CONN_FRONT)
		front_on_readable(c);
	else if (c->state == CONN_LINGER)
		front_on_linger(c);
	else if (c->state == CONN_RELAY)
		relay_on_tool(c, what);
}

static void
on_timer(struct loop_timer *t, void *arg)
{
	struct conn	*c = arg;

	(void)t;
	MAGIC_CHECK(c, CONN_MAGIC);
	switch (c->state) {
	case CONN_RESOLVE:
		lookup_cancel(&c->lookup);
		conn_fail(c, AUDIT_OUTCOME_TIMEOUT, E_TIMEOUT);
		break;
	case CONN_CONNECT:
		dial_on_timeout(c);
		break;
	case CONN_RELAY:
		relay_on_timer(c);
		break;
	default:
		conn_end(c, AUDIT_OUTCOME_TIMEOUT, E_TIMEOUT);
		break;
	}
}

void
conn_wait(struct conn *c, uint64_t ms)
{
	loop_timer_arm(&c->timer, ms);
}

static struct conn *
conn_new(struct jail *j, int *fd, enum conn_front front)
{
	static const int	on = 1;
	struct conn		*c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->magic = CONN_MAGIC;
	c->e = j->e;
	c->jail = j;
	c->front = front;
	c->tool_fd = *fd;
	*fd = -1;
	c->host_fd = -1;
	c->born_ns = loop_now_ns(j->e->loop);
	buf_init(&c->in, HTTP_HEAD_BYTES_MAX + 1);
	(void)setsockopt(c->tool_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	loop_io_init(j->e->loop, &c->tool, c->tool_fd, on_tool, c);
	loop_timer_init(j->e->loop, &c->timer, on_timer, c);
	c->back = &j->conns;
	if ((c->next = j->conns) != NULL)
		c->next->back = &c->next;
	j->conns = c;
	j->conn_count++;
	j->e->conn_count++;
	spawner_use(j->owner)->conns++;
	return c;
}

void
conn_transparent(struct jail *j, int *fd, const struct addr *a, uint16_t port)
{
	struct conn	*c = conn_new(j, fd, FRONT_TRANSPARENT);
	const char	*name;

	if (c == NULL)
		return;
	c->port = port;
	if ((name = names_find(&j->names, a)) != NULL) {
		memcpy(c->to.name, name, strlen(name) + 1);
		c->stand_in = *a;
		names_hold(&j->names, a);
	} else {
		c->to.is_address = true;
		c->to.address = *a;
	}
	conn_ask(c);
}

void
conn_proxied(struct jail *j, int *fd)
{
	struct conn	*c = conn_new(j, fd, FRONT_PROXY);

	if (c != NULL)
		front_begin(c);
}

const char *
conn_method(const struct conn *c)
{
	switch (c->front) {
	case FRONT_TRANSPARENT:
		return "transparent";
	case FRONT_SOCKS:
		return "socks5";
	default:
		return "connect";
	}
}

/* --- deciding ------------------------------------------------------------------------------------- */

static void
object_write(struct conn *c)
{
	if (c->to.is_address)
		addr_text(&c->to.address, c->port, c->object);
	else
		snprintf(c->object, sizeof(c->object), "%s:%u", c->to.name, c->port);
}

static int
begin(struct conn *c, const struct verdict *v)
{
	struct audit_fields	f;
	int			r;

	account_start(c->jail, span_of(c->object), conn_method(c), v, &f);
	c->generation = account_generation(c->jail);
	c->request = requestid_next(&c->e->ids, loop_wall_ms(c->e->loop));
	if ((r = spool_begin(c->e->spool, c->request, c->generation, &f, &c->begin_seq)) != 0)
		return r;
	c->has_begun = true;
	jail_begun(c->jail);
	return 0;
}

void
conn_ask(struct conn *c)
{
	struct verdict	v;
	int		r;

	loop_io_arm(&c->tool, 0);
	loop_timer_disarm(&c->timer);
	object_write(c);
	jail_decide(c->jail, &c->to, c->port, &v);
	if (!v.pass) {
		jail_refused(c->jail, span_of(c->object), conn_method(c), E_NET_LIST, v.why);
		conn_fail(c, AUDIT_OUTCOME_REFUSED, E_NET_LIST);
		return;
	}
	c->known = v.address;
	c->to_port = v.to_port != 0 ? v.to_port : c->port;
	if ((r = begin(c, &v)) != 0) {
		log_warn_repeat(LOG_SUBJECT("server", c->jail->wants.p), "its tool's connections are refused: %s",
		    err_text(r));
		conn_fail(c, AUDIT_OUTCOME_REFUSED, r);
		return;
	}
	c->state = CONN_BEGUN;
	c->next_begun = NULL;
	*c->e->begun_last = c;
	c->e->begun_last = &c->next_begun;
}

void
conns_dispatch(struct egress *e)
{
	struct conn	*c, *next;

	c = e->begun;
	e->begun = NULL;
	e->begun_last = &e->begun;
	for (; c != NULL; c = next) {
		next = c->next_begun;
		if (c->state != CONN_BEGUN)
			continue;
		if (spool_may_dispatch(e->spool, c->begin_seq))
			dial_begin(c);
		else
			conn_fail(c, AUDIT_OUTCOME_REFUSED, E_AUDIT);
	}
}

/* --- the end -------------------------------------------------------------------------------------- */

static void
record_end(struct conn *c, enum audit_outcome outcome, int error)
{
	struct audit_fields	f = { .address = span_of(c->address), .bytes_out = c->out.bytes,
	    .bytes_in = c->back_in.bytes };
	uint64_t		now = loop_now_ns(c->e->loop);

	if (!c->has_begun)
		return;
	c->has_begun = false;
	account_finish(outcome, error, &f);
	f.latency_us = now > c->born_ns ? (now - c->born_ns) / 1000 : 0;
	spool_end(c->e->spool, c->begin_seq, c->request, c->generation, &f);
	log_info(LOG_SUBJECT("server", c->jail->wants.p), "%s: %.*s%s%s, address=%s out=%llu in=%llu", c->object,
	    SPAN_FMT(f.outcome), error == 0 ? "" : ": ", error == 0 ? "" : err_text(error),
	    c->address[0] == '\0' ? "-" : c->address, (unsigned long long)c->out.bytes,
	    (unsigned long long)c->back_in.bytes);
}

static void
host_close(struct conn *c)
{
	if (c->host_fd == -1)
		return;
	loop_io_fini(&c->host);
	fd_close(&c->host_fd);
}

void
conn_end(struct conn *c, enum audit_outcome outcome, int error)
{
	if (c->state == CONN_OVER)
		return;
	lookup_cancel(&c->lookup);
	record_end(c, outcome, error);
	host_close(c);
	loop_io_fini(&c->tool);
	fd_close(&c->tool_fd);
	loop_timer_disarm(&c->timer);
	if (c->stand_in.family != 0)
		names_release(&c->jail->names, &c->stand_in);
	*c->back = c->next;
	if (c->next != NULL)
		c->next->back = c->back;
	c->jail->conn_count--;
	spawner_use(c->jail->owner)->conns--;
	c->jail = NULL;
	c->state = CONN_OVER;
	c->next_over = c->e->over;
	c->e->over = c;
}

void
conn_fail(struct conn *c, enum audit_outcome outcome, int error)
{
	static const struct linger	now = { .l_onoff = 1, .l_linger = 0 };

	if (c->state == CONN_OVER || c->state == CONN_LINGER)
		return;
	record_end(c, outcome, error);
	if (c->front != FRONT_TRANSPARENT && c->state != CONN_RELAY && front_refuse(c, error)) {
		host_close(c);
		return;
	}
	/* A reset is an error at once, where an end could be taken for an answer. */
	(void)setsockopt(c->tool_fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	conn_end(c, outcome, error);
}

void
conns_reap(struct egress *e)
{
	struct conn	*c;

	while ((c = e->over) != NULL) {
		e->over = c->next_over;
		e->conn_count--;
		buf_fini(&c->in);
		free(c->head);
		free(c->out.held);
		free(c->back_in.held);
		c->magic = 0;
		free(c);
	}
}
