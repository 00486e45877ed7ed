/* SPDX-License-Identifier: Apache-2.0
 *
 * conn_open.c - a connection begins: who is at its other end, and whether that one may have another
 *
 * Process: worker, mcpgw-admin.  Owns: nothing.
 * Trusts:  the kernel for addresses and users.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "lib/fd.h"
#include "http/conn_priv.h"

#define GROUPS_MAX	1024

/* Supplementary groups need a kernel and a peer that still is; without them there are none. */
static int
unix_peer(struct conn *c)
{
	struct ucred	 who;
	socklen_t	 bytes = sizeof(who), room = 32 * sizeof(gid_t);
	struct conn_peer *peer;

	if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &who, &bytes) == -1)
		return E_SYS;
	for (;;) {
		if ((peer = malloc(sizeof(*peer) + room)) == NULL)
			return E_NOMEM;
		bytes = room;
		if (getsockopt(c->fd, SOL_SOCKET, SO_PEERGROUPS, peer->groups, &bytes) == 0)
			break;
		free(peer);
		if (errno != ERANGE || bytes <= room || bytes > GROUPS_MAX * sizeof(gid_t)) {
			room = bytes = 0;
			if ((peer = malloc(sizeof(*peer))) == NULL)
				return E_NOMEM;
			break;
		}
		room = bytes;
	}
	peer->uid = who.uid;
	peer->gid = who.gid;
	peer->pid = who.pid;
	peer->group_count = bytes / sizeof(gid_t);
	c->peer = peer;
	return 0;
}

static int
conn_peer(struct conn *c)
{
	union {
		struct sockaddr		any;
		struct sockaddr_in	in4;
		struct sockaddr_in6	in6;
		struct sockaddr_storage	room;
	} a = { 0 };
	socklen_t	bytes = sizeof(a);

	if (getpeername(c->fd, &a.any, &bytes) == -1)
		return E_SYS;
	c->family = a.any.sa_family;
	if (c->family == AF_INET) {
		c->port = ntohs(a.in4.sin_port);
		memcpy(c->address, &a.in4.sin_addr, 4);
	} else if (c->family == AF_INET6) {
		c->port = ntohs(a.in6.sin6_port);
		memcpy(c->address, &a.in6.sin6_addr, 16);
	} else if (c->family == AF_UNIX)
		return unix_peer(c);
	return 0;
}

void
conn_address(uint16_t family, const uint8_t bytes[16], struct addr *out)
{
	static const uint8_t	mapped[12] = { [10] = 0xff, [11] = 0xff };

	*out = (struct addr){ 0 };
	if (family == AF_INET6 && memcmp(bytes, mapped, sizeof(mapped)) == 0) {
		out->family = AF_INET;
		memcpy(out->bytes, bytes + sizeof(mapped), 4);
	} else if (family == AF_INET || family == AF_INET6) {
		out->family = family;
		memcpy(out->bytes, bytes, family == AF_INET ? 4 : 16);
	}
}

static int
count_it(struct conn *c)
{
	struct conn_set	*s = c->set;
	struct addr	 from;

	if (s->params.max_address == 0)
		return 0;
	conn_address(c->family, c->address, &from);
	for (size_t i = 0; i < s->params.exempt_count; i++)
		if (addr_net_has(&s->params.exempt[i], &from))
			return 0;
	return conn_from_take(&s->froms, &from, c->peer == NULL ? 0 : c->peer->uid, s->params.max_address, &c->from);
}

int
conn_open(struct conn_set *s, int fd, unsigned listener)
{
	const enum conn_state	 first = (s->tls.listeners >> listener & 1) != 0 ? CONN_SHAKE : CONN_FRESH;
	struct conn		*c = NULL;
	int			 r = E_FULL;

	if (conn_set_is_full(s) || s->drain)
		goto out;
	r = E_NOMEM;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		goto out;
	c->fd = fd;
	c->set = s;
	c->listener = (uint8_t)listener;
	if ((r = conn_peer(c)) != 0)
		goto out;
	if ((r = count_it(c)) == E_LIMITED)
		conn_turn_away(s, c, fd);
	if (r != 0 || (first == CONN_SHAKE && (r = s->tls.open(s->tls.arg, fd, listener, &c->tls)) != 0))
		goto out;
	c->magic = CONN_MAGIC;
	http_queue_init(&c->out, &s->pool);
	loop_io_init(s->loop, &c->io, fd, conn_on_io, c);
	c->state = (uint8_t)first;
	conn_list_append(c);
	s->count.open++;
	s->count.accepted++;
	conn_count_most(s);
	conn_move(c, first);
	conn_watch(c);
	return 0;
 out:
	if (c != NULL) {
		conn_from_give(&s->froms, &c->from);
		free(c->peer);
	}
	free(c);
	fd_close(&fd);
	return r;
}
