/* SPDX-License-Identifier: Apache-2.0
 *
 * trace.c - calls as they pass, for `mcpgwctl trace`
 *
 * Process: worker.
 * Owns:    the sockets of those who follow.
 * Trusts:  nobody who follows: who does not read misses lines, and the calls wait for nobody.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "lib/fd.h"
#include "worker/operator/trace.h"

#define TRACES_MAX	8
#define LINE_MAX_BYTES	8192		/* names are bounded by what the audit keeps; longer lines are left out */
#define NAME_MAX_BYTES	512

struct trace {
	int		 fd;
	uint64_t	 lost;		/* lines since the last that was taken */
	size_t		 agent_bytes, server_bytes;
	char		 agent[128], server[256];
};

struct traces {
	struct trace	 all[TRACES_MAX];
	size_t		 count;
};

/* Who follows what never comes is not sent to, and goes unnoticed otherwise. */
static void
drop_gone(struct traces *all)
{
	for (size_t i = all->count; i > 0; i--) {
		struct trace	*t = &all->all[i - 1];
		struct pollfd	 p = { .fd = t->fd };

		if (poll(&p, 1, 0) <= 0 || (p.revents & (POLLHUP | POLLERR)) == 0)
			continue;
		fd_close(&t->fd);
		*t = all->all[--all->count];
	}
}

void
trace_add(struct worker *w, int fd, struct span agent, struct span server)
{
	struct trace	*t;

	if (w->traces == NULL && (w->traces = calloc(1, sizeof(*w->traces))) == NULL) {
		fd_close(&fd);
		return;
	}
	drop_gone(w->traces);
	if (w->traces->count == TRACES_MAX || agent.n > sizeof(t->agent) || server.n > sizeof(t->server)) {
		fd_close(&fd);
		return;
	}
	t = &w->traces->all[w->traces->count++];
	*t = (struct trace){ .fd = fd, .agent_bytes = agent.n, .server_bytes = server.n };
	if (agent.n > 0)
		memcpy(t->agent, agent.p, agent.n);
	if (server.n > 0)
		memcpy(t->server, server.p, server.n);
}

void
traces_free(struct worker *w)
{
	if (w->traces == NULL)
		return;
	for (size_t i = 0; i < w->traces->count; i++)
		fd_close(&w->traces->all[i].fd);
	free(w->traces);
	w->traces = NULL;
}

static bool
trace_wants(const struct trace *t, struct span agent, struct span server)
{
	return (t->agent_bytes == 0 || span_eq(span_make(t->agent, t->agent_bytes), agent)) &&
	    (t->server_bytes == 0 || span_eq(span_make(t->server, t->server_bytes), server));
}

/* False: nobody is there any more. */
static bool
trace_send(struct trace *t, struct buf *line)
{
	const size_t	bytes = line->used;
	bool		there = true;
	int		r = 0;

	if (t->lost > 0)
		r = buf_put_fmt(line, ",\"lost\":%llu", (unsigned long long)t->lost);
	if (r != 0 || (r = buf_put_str(line, "}")) != 0) {
		t->lost++;
	} else if (send(t->fd, line->data, line->used, MSG_DONTWAIT | MSG_NOSIGNAL) != -1) {
		t->lost = 0;
	} else {
		t->lost++;
		there = errno == EAGAIN || errno == EMSGSIZE || errno == ENOBUFS || errno == EINTR;
	}
	line->used = bytes;
	return there;
}

static void
send_all(struct worker *w, struct span agent, struct span server, struct buf *line)
{
	struct traces	*all = w->traces;

	for (size_t i = all->count; i > 0; i--) {
		struct trace	*t = &all->all[i - 1];

		if (!trace_wants(t, agent, server) || trace_send(t, line))
			continue;
		fd_close(&t->fd);
		*t = all->all[--all->count];
	}
	if (all->count == 0)
		traces_free(w);
}

static int
put_text(struct buf *b, const char *name, struct span value)
{
	int	r;

	if (value.n == 0)
		return 0;
	if ((r = buf_put_fmt(b, ",\"%s\":", name)) != 0)
		return r;
	return json_put_string(b, span_part(value, 0, NAME_MAX_BYTES));
}

/* What every line has; its end is trace_send()'s. */
static int
put_head(struct buf *b, const struct request *rq, const char *stage, struct span server)
{
	const uint64_t	now = loop_now_ns(rq->w->loop), begun = rq->x->begun_ns;
	int		r;

	if ((r = buf_put_fmt(b, "{\"time_ms\":%llu,\"request_id\":\"%s\",\"stage\":\"%s\",\"us\":%llu",
	    (unsigned long long)loop_wall_ms(rq->w->loop), rq->id_text, stage,
	    (unsigned long long)(now > begun ? (now - begun) / 1000 : 0))) != 0 ||
	    (r = put_text(b, "agent", rq->who.agent)) != 0 || (r = put_text(b, "tenant", rq->who.tenant)) != 0)
		return r;
	return put_text(b, "server", server);
}

static int
put_what(struct buf *b, const struct request *rq, const struct record_what *what)
{
	const struct decision	*d = what->decision;
	int			 r;

	if ((r = put_text(b, "kind", span_of(what->kind))) != 0 || (r = put_text(b, "object", what->name)) != 0 ||
	    (r = put_text(b, "method", rq->msg.method_text)) != 0)
		return r;
	if (d == NULL)
		return 0;
	if ((r = put_text(b, "decision", d->allow ? SPAN_LIT("allow") : SPAN_LIT("deny"))) != 0 ||
	    (r = put_text(b, "rule", d->path)) != 0 || (r = put_text(b, "file", d->file)) != 0)
		return r;
	return d->file.n == 0 ? 0 : buf_put_fmt(b, ",\"line\":%u", d->line);
}

static int
put_end(struct buf *b, const struct audit_fields *f)
{
	int	r;

	if ((r = put_text(b, "outcome", f->outcome)) != 0)
		return r;
	return put_text(b, "error", f->error);
}

static struct span
name_of(const struct request *rq, const struct rec_server *server)
{
	return server == NULL ? SPAN_NONE : snap_text(rq->config->policy, server->name);
}

void
trace_refused(const struct request *rq, const struct record_what *what, const struct audit_fields *f)
{
	const struct span	server = name_of(rq, what->server);
	struct buf		b;

	buf_init(&b, LINE_MAX_BYTES);
	if (put_head(&b, rq, "refused", server) == 0 && put_what(&b, rq, what) == 0 && put_end(&b, f) == 0)
		send_all(rq->w, rq->who.agent, server, &b);
	buf_fini(&b);
}

void
trace_begun(const struct request *rq, const struct record_what *what)
{
	const struct span	server = name_of(rq, what->server);
	struct buf		b;

	buf_init(&b, LINE_MAX_BYTES);
	if (put_head(&b, rq, "begin", server) == 0 && put_what(&b, rq, what) == 0)
		send_all(rq->w, rq->who.agent, server, &b);
	buf_fini(&b);
}

void
trace_sent(const struct request *rq, const struct rec_server *from, unsigned tries)
{
	const struct span	server = name_of(rq, from);
	struct buf		b;

	buf_init(&b, LINE_MAX_BYTES);
	if (put_head(&b, rq, "sent", server) == 0 && (tries == 0 || buf_put_fmt(&b, ",\"again\":%u", tries) == 0))
		send_all(rq->w, rq->who.agent, server, &b);
	buf_fini(&b);
}

void
trace_ended(const struct request *rq, const struct rec_server *from, const struct audit_fields *f)
{
	const struct span	server = name_of(rq, from);
	struct buf		b;

	buf_init(&b, LINE_MAX_BYTES);
	if (put_head(&b, rq, "end", server) == 0 && put_end(&b, f) == 0)
		send_all(rq->w, rq->who.agent, server, &b);
	buf_fini(&b);
}
