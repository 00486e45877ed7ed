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

#define PER_TURN	16

static void
reset(int fd)
{
	static const struct linger	now = { .l_onoff = 1, .l_linger = 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

/* The address it wanted, which is the one this end has: all addresses of its network are ours. */
static void
transparent(struct jail *j, int *fd)
{
	struct sockaddr_storage	ss;
	socklen_t		n = sizeof(ss);
	struct addr		a;
	uint16_t		port;

	if (getsockname(*fd, (struct sockaddr *)&ss, &n) == -1 ||
	    addr_from_sockaddr((struct sockaddr *)&ss, n, &a, &port) != 0)
		return;
	conn_transparent(j, fd, &a, port);
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
		if (j->policy == NULL)
			reset(fd);
		else if (j->conn_count >= EGRESS_JAIL_CONNS_MAX ||
		    j->e->conn_count + j->e->dnsconn_count >= EGRESS_CONNS_MAX)
			log_warn_repeat(LOG_SUBJECT("server", j->wants.p),
			    "a connection of its tool is refused: %u are open, and %zu of all tools", j->conn_count,
			    j->e->conn_count);
		else if (s->kind == EGRESS_SOCKET_TCP)
			transparent(j, &fd);
		else if (s->kind == EGRESS_SOCKET_PROXY)
			conn_proxied(j, &fd);
		else
			dnsconn_new(j, &fd);
		fd_close(&fd);
	}
}
