/* SPDX-License-Identifier: Apache-2.0
 *
 * wire.c - connections to the gateway's unix socket
 *
 * Process: mcpgw-stdio.  Owns: the connections.
 * Trusts:  the gateway as far as its socket's folder does; its HTTP is read strictly all the same.
 *
 * A request is sent again only when the gateway cannot have had all of it: bytes of it are unsent, or
 * the kernel says (ECONNRESET, unix(7)) that the other side closed with bytes of it unread.  The
 * gateway judges no request before its last byte.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/fd.h"
#include "stdio/wire.h"

#define HEAD_MAX	(64u * 1024)
#define IN_MAX		(HTTP_HEAD_BYTES_MAX + WIRE_READ)

void
wires_init(struct wires *ws, const char *path)
{
	*ws = (struct wires){ .path = path };
}

static void
wire_free(struct wire *w)
{
	fd_close(&w->fd);
	buf_fini(&w->out);
	buf_fini(&w->in);
	free(w);
}

void
wires_fini(struct wires *ws)
{
	struct wire	*next;

	for (struct wire *w = ws->all; w != NULL; w = next) {
		next = w->next;
		wire_free(w);
	}
	ws->all = NULL;
	ws->busy = ws->idle = 0;
}

void
wires_sweep(struct wires *ws)
{
	struct wire	**at = &ws->all, *w;

	while ((w = *at) != NULL) {
		if (w->state != WIRE_DEAD) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		wire_free(w);
	}
}

static void
wire_die(struct wires *ws, struct wire *w)
{
	if (w->state == WIRE_IDLE)
		ws->idle--;
	else if (w->state != WIRE_DEAD)
		ws->busy--;
	w->state = WIRE_DEAD;
	w->user = NULL;
	fd_close(&w->fd);
}

void
wire_drop(struct wires *ws, struct wire *w)
{
	wire_die(ws, w);
}

/* --- sending --------------------------------------------------------------------------------------- */

static int
open_socket(const char *path, int *fd)
{
	struct sockaddr_un	sa = { .sun_family = AF_UNIX };
	int			r;

	if (strlen(path) >= sizeof(sa.sun_path))
		return E_TOOBIG;
	strcpy(sa.sun_path, path);
	if ((*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1)
		return E_SYS;
	/* On a unix socket this is done at once, or not at all. */
	if (connect(*fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		return 0;
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
	case ECONNREFUSED:
		r = E_NOTFOUND;
		break;
	case EACCES:
	case EPERM:
		r = E_DENIED;
		break;
	case EAGAIN:
	case EINTR:
		r = E_AGAIN;
		break;
	default:
		r = E_SYS;
		break;
	}
	fd_close(fd);
	return r;
}

/* One that is kept and still open, or NULL. */
static struct wire *
idle_take(struct wires *ws)
{
	char	c;

	for (struct wire *w = ws->all; w != NULL; w = w->next) {
		if (w->state != WIRE_IDLE)
			continue;
		if (recv(w->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return w;
		wire_die(ws, w);
	}
	return NULL;
}

/* A connection that is nobody's, counted as idle. */
static int
idle_make(struct wires *ws, struct wire **out)
{
	struct wire	*w;
	int		 fd, r;

	if ((*out = idle_take(ws)) != NULL)
		return 0;
	if ((r = open_socket(ws->path, &fd)) != 0)
		return r;
	if ((w = calloc(1, sizeof(*w))) == NULL) {
		fd_close(&fd);
		return E_NOMEM;
	}
	w->fd = fd;
	buf_init(&w->out, HEAD_MAX);
	buf_init(&w->in, IN_MAX);
	w->next = ws->all;
	ws->all = w;
	ws->idle++;
	*out = w;
	return 0;
}

int
wires_try(struct wires *ws)
{
	struct wire	*w;

	return idle_make(ws, &w);
}

int
wires_send(struct wires *ws, struct span head, struct span body, const struct wire_user *user,
    void *arg, struct wire **out)
{
	struct wire	*w;
	int		 r;

	*out = NULL;
	if (ws->busy >= WIRES_MAX)
		return E_FULL;
	if ((r = idle_make(ws, &w)) != 0)
		return r;
	buf_clear(&w->out);
	buf_clear(&w->in);
	if ((r = buf_put(&w->out, head)) != 0)
		return r;
	ws->idle--;
	ws->busy++;
	w->state = WIRE_HEAD;
	w->sent = w->broken = false;
	w->body = body;
	w->user = user;
	w->arg = arg;
	http_head_init(&w->head, HTTP_RESPONSE);
	*out = w;
	return 0;
}

static void
send_some(struct wire *w)
{
	struct iovec	 iov[2];
	struct msghdr	 m = { .msg_iov = iov };
	struct span	 head;
	size_t		 n;
	ssize_t		 got;

	while (!w->sent && !w->broken) {
		head = buf_rest(&w->out);
		m.msg_iovlen = 0;
		if (head.n > 0)
			iov[m.msg_iovlen++] = (struct iovec){ (void *)(uintptr_t)head.p, head.n };
		if (w->body.n > 0)
			iov[m.msg_iovlen++] = (struct iovec){ (void *)(uintptr_t)w->body.p, w->body.n };
		got = sendmsg(w->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (got == -1) {
			/* An answer may wait all the same: a refusal, before all was taken. */
			w->broken = true;
			return;
		}
		n = (size_t)got < head.n ? (size_t)got : head.n;
		buf_drain(&w->out, n);
		w->body = span_part(w->body, (size_t)got - n, w->body.n);
		w->sent = w->body.n == 0 && w->out.used == w->out.at;
	}
}

/* --- the answer ------------------------------------------------------------------------------------ */

static void
wire_end(struct wires *ws, struct wire *w, int err, bool unheard)
{
	const struct wire_user	*user = w->user;
	void			*arg = w->arg;

	if (err == 0 && w->sent && w->head.keep_alive && w->framing.kind != HTTP_BODY_CLOSE &&
	    ws->idle < WIRES_IDLE) {
		w->state = WIRE_IDLE;
		w->user = NULL;
		ws->busy--;
		ws->idle++;
	} else {
		wire_die(ws, w);
	}
	user->end(arg, err, unheard);
}

static void
take_body(struct wires *ws, struct wire *w, struct span in)
{
	struct span	data;
	int		r, told;

	for (;;) {
		r = http_body_feed(&w->framing, &in, &data);
		if (data.n > 0 && (r == 0 || r == E_EOF)) {
			told = w->user->body(w->arg, data);
			if (w->state != WIRE_BODY)
				return;		/* dropped meanwhile */
			if (told != 0) {
				wire_end(ws, w, told, false);
				return;
			}
		}
		if (r == E_EOF) {
			/* Bytes behind an answer nobody asked for: this connection has lost its step. */
			wire_end(ws, w, in.n > 0 ? E_HTTP_SYNTAX : 0, false);
			return;
		}
		if (r != 0) {
			wire_end(ws, w, r, false);
			return;
		}
		if (in.n == 0)
			return;
	}
}

static void
take_head(struct wires *ws, struct wire *w, struct span in)
{
	struct span	all;
	int		r;

	if (buf_put(&w->in, in) != 0) {
		wire_end(ws, w, E_NOMEM, false);
		return;
	}
	for (;;) {
		all = buf_rest(&w->in);
		if ((r = http_head_parse(&w->head, all.p, all.n)) == E_AGAIN)
			return;
		if (r != 0) {
			wire_end(ws, w, r, false);
			return;
		}
		if (w->head.status >= 200)
			break;
		buf_drain(&w->in, w->head.head_bytes);
		http_head_init(&w->head, HTTP_RESPONSE);
	}
	http_body_init(&w->framing, &w->head, false);
	w->state = WIRE_BODY;
	w->user->head(w->arg, &w->head);
	if (w->state == WIRE_BODY)
		take_body(ws, w, span_part(all, w->head.head_bytes, all.n));
}

static void
take_end(struct wires *ws, struct wire *w, bool reset)
{
	if (w->state == WIRE_BODY)
		wire_end(ws, w, http_body_close(&w->framing), false);
	else
		wire_end(ws, w, w->in.used > 0 ? E_SHORT : E_CLOSED, w->in.used == 0 && (!w->sent || reset));
}

short
wire_events(const struct wire *w, bool may_read)
{
	short	events = w->state == WIRE_IDLE || may_read ? POLLIN : 0;

	if (w->state == WIRE_HEAD || w->state == WIRE_BODY)
		if (!w->sent && !w->broken)
			events |= POLLOUT;
	return events;
}

void
wire_ready(struct wires *ws, struct wire *w, short revents, bool may_read)
{
	static char	room[WIRE_READ];
	ssize_t		n;

	if (w->state == WIRE_DEAD)
		return;
	if (w->state == WIRE_IDLE) {
		if (revents != 0)
			wire_die(ws, w);
		return;
	}
	if ((revents & (POLLOUT | POLLERR | POLLHUP)) != 0)
		send_some(w);
	if (!may_read || (revents & (POLLIN | POLLERR | POLLHUP)) == 0)
		return;
	do
		n = recv(w->fd, room, sizeof(room), MSG_DONTWAIT);
	while (n == -1 && errno == EINTR);
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return;
	if (n <= 0)
		take_end(ws, w, n == -1 && errno == ECONNRESET);
	else if (w->state == WIRE_HEAD)
		take_head(ws, w, span_make(room, (size_t)n));
	else
		take_body(ws, w, span_make(room, (size_t)n));
}
