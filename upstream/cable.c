/* SPDX-License-Identifier: Apache-2.0
 *
 * cable.c - a connection to an HTTP upstream as bytes
 *
 * Process: worker.  Owns: the socket and what is over it.
 * Trusts:  no upstream.
 */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "lib/fd.h"
#include "upstream/cable.h"

void
cable_close(struct cable *c)
{
	tls_free(&c->tls);
	site_unref(&c->site);
	fd_close(&c->fd);
}

int
cable_connect(struct cable *c, const struct addr *to, uint16_t port)
{
	struct sockaddr_storage	sa;
	socklen_t		bytes = addr_to_sockaddr(to, port, &sa);
	int			on = 1;

	cable_close(c);
	if ((c->fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) == -1)
		return E_SERVER;
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(c->fd, (struct sockaddr *)&sa, bytes) == -1 && errno != EINPROGRESS)
		return E_SERVER;
	return 0;
}

int
cable_connected(struct cable *c, const char **why)
{
	int		err = 0;
	socklen_t	bytes = sizeof(err);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &bytes) == 0 && err == 0)
		return 0;
	*why = err == ECONNREFUSED ? "connection refused" : "cannot connect";
	return E_SERVER;
}

int
cable_secure(struct cable *c, struct sites *sites, uint64_t profile, bool *writes, const char **why)
{
	int	r;

	*writes = false;
	if (c->tls == NULL && (r = sites_open(sites, profile, c->fd, &c->site, &c->tls, why)) != 0)
		return r;
	if ((r = tls_handshake(c->tls, writes)) == E_SERVER)
		*why = tls_why(c->tls);
	return r;
}

int
cable_read(struct cable *c, void *to, size_t room, size_t *got)
{
	ssize_t	n;

	if (c->tls != NULL)
		return tls_read(c->tls, to, room, got);
	*got = 0;
	if ((n = recv(c->fd, to, room, 0)) == -1)
		return errno == EAGAIN || errno == EINTR ? E_AGAIN : E_CLOSED;
	*got = (size_t)n;
	return n == 0 ? E_EOF : 0;
}

bool
cable_has_ended(const struct cable *c)
{
	return c->tls != NULL && tls_has_ended(c->tls);
}

int
cable_write(struct cable *c, struct http_queue *q)
{
	return c->tls != NULL ? tls_write(c->tls, q) : http_queue_write(q, c->fd);
}

void
cable_begin(struct cable *c, uint64_t sent)
{
	c->before = c->tls != NULL ? tls_written(c->tls) : c->before + sent;
}

/*
 * Then nobody can have acted on them:
 * - a reset that came after the end of its stream (EPIPE) was sent because bytes came to a socket that
 *   was closed already;
 * - the end of its stream acknowledges all that had come by then.
 */
bool
cable_was_closed_before(const struct cable *c)
{
	struct tcp_info	info = { 0 };
	socklen_t	bytes = sizeof(int);
	int		err = 0;

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &bytes) == 0 && err == EPIPE)
		return true;
	bytes = sizeof(info);
	if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &bytes) == -1 ||
	    bytes < offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof(info.tcpi_bytes_acked))
		return false;
	/* The connection's own beginning counts as one byte. */
	return info.tcpi_bytes_acked <= c->before + 1;
}
