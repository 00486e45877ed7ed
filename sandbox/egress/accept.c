/* SPDX-License-Identifier: Apache-2.0
 *
 * accept.c - a tool connects
 *
 * Process: mcpgw-egress.  Owns: a connection until its part takes it.
 * Trusts:  nobody.  Past a limit a connection is closed at once: its tool sees an error and no hang.
 */
#include <errno.h>
#include <sys/socket.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "sandbox/egress/accept.h"
#include "sandbox/egress/conn.h"
#include "sandbox/egress/dns.h"
#include "sandbox/egress/jail.h"
#include "sandbox/egress/spawners.h"

#define PER_TURN	16

static void
reset(int fd)
{
	static const struct linger	now = { .l_onoff = 1, .l_linger = 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

/* A listening socket is its spawner's too, and what it says of lingering comes with each connection: closing one
 * would wait.  That it does not block is ours alone to say. */
static void
close_at_once(int fd)
{
	static const struct linger	never = { .l_onoff = 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &never, sizeof(never));
}

/* Nobody holds more than is left for all others, a server half of that: there is room for the next one always. */
static bool
is_full(const struct jail *j)
{
	size_t	all = j->e->conn_count + j->e->dnsconn_count;
	size_t	left = all < j->e->conns_max ? j->e->conns_max - all : 0;

	return j->conn_count >= EGRESS_JAIL_CONNS_MAX || spawner_use(j->owner)->conns >= left ||
	    (left < j->e->conns_max - j->e->conns_max / 4 && spawner_server_conns(j->owner, j->wants) >= left / 2);
}

/* The address it wanted, which is the one this end has: all addresses of its network are ours. */
static int
wanted(int fd, struct addr *a, uint16_t *port)
{
	struct sockaddr_storage	ss;
	socklen_t		n = sizeof(ss);

	return getsockname(fd, (struct sockaddr *)&ss, &n) == -1 ? E_SYS :
	    addr_from_sockaddr((struct sockaddr *)&ss, n, a, port);
}

static void
transparent(struct jail *j, int *fd)
{
	struct addr	a;
	uint16_t	port;

	if (wanted(*fd, &a, &port) == 0)
		conn_transparent(j, fd, &a, port);
}

static void
refuse_room(struct jail *j, const struct jsock *s, int fd)
{
	static const char *const	methods[] = { [EGRESS_SOCKET_TCP] = "transparent",
	    [EGRESS_SOCKET_PROXY] = "proxy", [EGRESS_SOCKET_DNS_TCP] = "dns" };
	char				text[ADDR_TEXT_MAX];
	struct addr			a;
	uint16_t			port;

	if (wanted(fd, &a, &port) != 0)
		return;
	addr_text(&a, port, text);
	jail_refused_room(j, span_of(text), methods[s->kind]);
}

void
accept_on_ready(struct loop_io *io, unsigned what, void *arg)
{
	struct jsock	*s = arg;
	struct jail	*j = s->jail;
	int		 fd;

	(void)io;
	(void)what;
	for (int i = 0; i < PER_TURN && !j->paused; i++) {
		if ((fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) == -1) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
				log_warn_repeat(NULL, "tools' connections wait for a second: %m");
				jail_pause(j);
			}
			return;
		}
		close_at_once(fd);
		if (j->policy == NULL)
			reset(fd);
		else if (is_full(j))
			refuse_room(j, s, fd);
		else if (s->kind == EGRESS_SOCKET_TCP)
			transparent(j, &fd);
		else if (s->kind == EGRESS_SOCKET_PROXY)
			conn_proxied(j, &fd);
		else
			dnsconn_new(j, &fd);
		fd_close(&fd);
	}
}
