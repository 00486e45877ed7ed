/* SPDX-License-Identifier: Apache-2.0
 *
 * dial.c - to the host: its addresses, checked, one after the other
 *
 * Process: mcpgw-egress.  Owns: nothing of its own.
 * Trusts:  no name server.  What was checked is what is connected to: there is no second lookup.  An address that an
 *          operator wrote for a name (net_hosts) is checked by the compiler, and may be private or this machine's.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "lib/bug.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/own.h"
#include "sandbox/egress/dial.h"
#include "sandbox/egress/relay.h"

#define TRIES_MAX	4	/* addresses of one name */

/* Why it may not be connected to, or NULL. */
static const char *
why_not(const struct conn *c, const struct addr *a)
{
	const char	*why;

	if (c->known.family != 0)
		return NULL;
	why = c->to.is_address ? reach_never(a) : addr_special(a);
	return why != NULL ? why : own_why(a, c->to_port);
}

static void
refuse_address(struct conn *c, const struct addr *a, const char *why)
{
	static struct log_repeat	repeat;

	addr_text(a, 0, c->address);
	if (log_repeat_ok(&repeat, 5))
		log_notice(LOG_SUBJECT("server", c->jail->wants.p),
		    "its tool was refused %s: it leads to %s, which is %s", c->object, c->address, why);
	addr_text(a, c->to_port, c->address);
	conn_fail(c, AUDIT_OUTCOME_REFUSED, E_NET_ADDRESS);
}

static void
host_drop(struct conn *c)
{
	loop_io_fini(&c->host);
	fd_close(&c->host_fd);
}

static void	dial_next(struct conn *c, int error);

static void
connected(struct conn *c)
{
	const struct addr	*a = &c->addresses[c->address_next - 1];

	if (c->known.family == 0 && own_ends_are_one(c->host_fd, a)) {
		refuse_address(c, a, "this machine");
		return;
	}
	loop_timer_disarm(&c->timer);
	relay_begin(c);
}

static void
on_host(struct loop_io *io, unsigned what, void *arg)
{
	struct conn	*c = arg;
	int		 error = 0;
	socklen_t	 n = sizeof(error);

	(void)io;
	if (c->state == CONN_RELAY) {
		relay_on_host(c, what);
		return;
	}
	if (c->state != CONN_CONNECT)
		return;
	if (getsockopt(c->host_fd, SOL_SOCKET, SO_ERROR, &error, &n) == -1 || error != 0) {
		host_drop(c);
		dial_next(c, E_NET_CONNECT);
		return;
	}
	connected(c);
}

/* Begins; false: that one does not do. */
static bool
try(struct conn *c, const struct addr *a)
{
	static const int	on = 1;
	struct sockaddr_storage	ss;
	socklen_t		n = addr_to_sockaddr(a, c->to_port, &ss);

	addr_text(a, c->to_port, c->address);
	if ((c->host_fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1)
		return false;
	(void)setsockopt(c->host_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(c->host_fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	loop_io_init(c->e->loop, &c->host, c->host_fd, on_host, c);
	if (connect(c->host_fd, (struct sockaddr *)&ss, n) == -1 && errno != EINPROGRESS) {
		host_drop(c);
		return false;
	}
	loop_io_arm(&c->host, LOOP_WRITE);
	conn_wait(c, c->e->connect_ms);
	return true;
}

/* The next address; `error` is what became of the one before.  One that has no way to it costs nothing, and no try. */
static void
dial_next(struct conn *c, int error)
{
	const struct addr	*a;
	const char		*why;

	c->state = CONN_CONNECT;
	while (c->address_next < c->address_count && c->tries < TRIES_MAX) {
		a = &c->addresses[c->address_next++];
		if ((why = why_not(c, a)) != NULL) {
			refuse_address(c, a, why);
			return;
		}
		if (try(c, a)) {
			c->tries++;
			return;
		}
		error = E_NET_CONNECT;
	}
	conn_fail(c, error == E_TIMEOUT ? AUDIT_OUTCOME_TIMEOUT : AUDIT_OUTCOME_UNAVAILABLE, error);
}

/* One of each family in turn, as they were answered: a machine may have no way to any of one. */
static void
take_addresses(struct conn *c, const struct resolved *what)
{
	bool		taken[RESOLVE_ADDRESSES_MAX] = { false };
	int		family = what->found[0].family;
	unsigned	i;

	for (c->address_count = 0; c->address_count < what->count; c->address_count++) {
		for (i = 0; i < what->count && (taken[i] || what->found[i].family != family); i++)
			;
		if (i == what->count)
			for (i = 0; taken[i]; i++)
				;
		taken[i] = true;
		c->addresses[c->address_count] = what->found[i];
		family = what->found[i].family == AF_INET ? AF_INET6 : AF_INET;
	}
}

void
dial_on_timeout(struct conn *c)
{
	host_drop(c);
	dial_next(c, E_TIMEOUT);
}

static void
on_resolved(const struct resolved *what, void *arg)
{
	struct conn	*c = arg;

	loop_timer_disarm(&c->timer);
	if (what->error != 0) {
		conn_fail(c, what->error == E_TIMEOUT ? AUDIT_OUTCOME_TIMEOUT : AUDIT_OUTCOME_UNAVAILABLE, what->error);
		return;
	}
	/* One is enough: whoever answers so means no good, and the next answer may begin with it. */
	if (what->special != NULL) {
		refuse_address(c, &what->bad, what->special);
		return;
	}
	take_addresses(c, what);
	dial_next(c, E_NET_CONNECT);
}

void
dial_begin(struct conn *c)
{
	if (c->to.is_address || c->known.family != 0) {
		c->addresses[0] = c->to.is_address ? c->to.address : c->known;
		c->address_count = 1;
		dial_next(c, E_NET_CONNECT);
		return;
	}
	c->state = CONN_RESOLVE;
	conn_wait(c, c->e->connect_ms);
	resolver_find(c->e->resolver, c->to.name, c->jail->owner, on_resolved, c, &c->lookup);
}
