/* SPDX-License-Identifier: Apache-2.0
 *
 * spawners.c - the links to the tenants' spawners, and the jails that came over them
 *
 * Process: mcpgw-egress.
 * Owns:    the links, and each link's jails.
 * Trusts:  no spawner: it has its tenant's uid.  It says which sockets belong together and whose they are; for what
 *          they are good stands in the policy, of that tenant alone.  A broken rule ends its link and its jails.
 */
#include <stdlib.h>

#include "lib/bug.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "sandbox/egress/jail.h"
#include "sandbox/egress/spawners.h"

#define SPAWNER_MAGIC	0xe9550001u

struct spawner {
	uint32_t	 magic;
	struct egress	*e;
	struct spawner	*next;
	struct chan	 chan;
	struct jail	*jails;
	size_t		 jail_count;
	struct spawner_use use;
	bool		 over;
	char		 tenant[256];
};

struct egress *
spawner_egress(const struct spawner *s)
{
	return s->e;
}

struct span
spawner_tenant(const struct spawner *s)
{
	return span_of(s->tenant);
}

struct spawner_use *
spawner_use(struct spawner *s)
{
	return &s->use;
}

size_t
spawner_server_conns(const struct spawner *s, struct span server)
{
	size_t	n = 0;

	for (const struct jail *j = s->jails; j != NULL; j = j->next)
		if (span_eq(j->wants, server))
			n += j->conn_count;
	return n;
}

static struct jail **
jail_place(struct spawner *s, uint64_t id)
{
	struct jail	**p = &s->jails;

	while (*p != NULL && (*p)->id != id)
		p = &(*p)->next;
	return p;
}

static void
jail_drop(struct spawner *s, struct jail **place)
{
	struct jail	*j = *place;

	*place = j->next;
	s->jail_count--;
	s->e->jail_count--;
	jail_free(j);
}

static void
spawner_end(struct spawner *s, const char *why)
{
	if (s->over)
		return;
	s->over = true;
	if (s->jail_count > 0)
		log_notice(LOG_SUBJECT("tenant", s->tenant),
		    "its spawner's link ends (%s), and the way out of %zu jails", why, s->jail_count);
	while (s->jails != NULL)
		jail_drop(s, &s->jails);
	chan_fini(&s->chan);
}

/* --- what a spawner says -------------------------------------------------------------------------- */

static int
on_socket(struct spawner *s, const struct msg_EGRESS_SOCKET *m, int *fd)
{
	struct jail	**place = jail_place(s, m->jail), *j;
	int		 r;

	if (*place == NULL) {
		if (s->jail_count == EGRESS_JAILS_MAX)
			return E_FULL;
		if ((r = jail_new(s, m->jail, &j)) != 0)
			return r;
		j->next = s->jails;
		s->jails = j;
		s->jail_count++;
		s->e->jail_count++;
		place = &s->jails;
	}
	return jail_add_socket(*place, (enum egress_socket)m->kind, m->port, fd);
}

static int
on_open(struct spawner *s, const struct msg_EGRESS_OPEN *m)
{
	struct jail	**place = jail_place(s, m->jail);

	return *place == NULL ? E_FORMAT : jail_open(*place, m->profile, m->server);
}

static void
on_message(struct chan *c, const struct chan_msg *m, void *arg)
{
	struct spawner	*s = arg;
	struct jail	**place;
	int		 r = 0;

	(void)c;
	MAGIC_CHECK(s, SPAWNER_MAGIC);
	switch (m->type) {
	case MSG_TYPE_EGRESS_SOCKET:
		r = on_socket(s, &m->body->EGRESS_SOCKET, &m->fds[0]);
		break;
	case MSG_TYPE_EGRESS_OPEN:
		r = on_open(s, &m->body->EGRESS_OPEN);
		break;
	case MSG_TYPE_EGRESS_CLOSE:
		if (*(place = jail_place(s, m->body->EGRESS_CLOSE.jail)) != NULL)
			jail_drop(s, place);
		break;
	default:
		break;
	}
	if (r == 0)
		return;
	log_warn(LOG_SUBJECT("tenant", s->tenant), "its spawner's %s is refused: %s", msg_row(m->type)->name,
	    err_text(r));
	spawner_end(s, "a message was refused");
}

static void
on_closed(struct chan *c, int why, void *arg)
{
	(void)c;
	spawner_end(arg, err_text(why));
}

int
spawner_attach(struct egress *e, struct span tenant, int *fd)
{
	struct spawner	*s;
	int		 r;

	for (s = e->spawners; s != NULL; s = s->next)
		if (!s->over && span_is(tenant, s->tenant))
			spawner_end(s, "another one comes");
	if (e->spawner_count == EGRESS_SPAWNERS_MAX || tenant.n >= sizeof(s->tenant))
		return E_FULL;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return E_NOMEM;
	s->magic = SPAWNER_MAGIC;
	s->e = e;
	memcpy(s->tenant, tenant.p, tenant.n);
	if ((r = chan_init(&s->chan, e->loop, *fd, ROLE_EGRESS, ROLE_SPAWNER, on_message, on_closed,
	    s)) != 0) {
		free(s);
		return r;
	}
	*fd = -1;
	s->chan.ready = true;
	s->next = e->spawners;
	e->spawners = s;
	e->spawner_count++;
	return 0;
}

/* --- all of them ---------------------------------------------------------------------------------- */

static uint64_t
learnt_mark(const struct egress *e, struct span tenant, struct span server, uint64_t until_ms)
{
	uint64_t	parts[3] = { hash64(&e->key, tenant), hash64(&e->key, server), until_ms };

	return hash64(&e->key, span_make(parts, sizeof(parts)));
}

bool
spawner_is_learnt(const struct spawner *s, struct span server, uint64_t until_ms)
{
	uint64_t	mark = learnt_mark(s->e, span_of(s->tenant), server, until_ms);

	for (size_t i = 0; i < EGRESS_LEARNT_MAX; i++)
		if (s->e->learnt[i] == mark)
			return true;
	return false;
}

void
spawners_learnt(struct egress *e, const struct msg_EGRESS_LEARNT *m)
{
	e->learnt[e->learnt_next++ % EGRESS_LEARNT_MAX] = learnt_mark(e, m->tenant, m->server, m->until_ms);
	for (struct spawner *s = e->spawners; s != NULL; s = s->next)
		for (struct jail *j = s->jails; j != NULL && span_is(m->tenant, s->tenant); j = j->next)
			if (span_eq(j->wants, m->server))
				jail_learnt(j);
}

void
spawners_policy(struct egress *e)
{
	for (struct spawner *s = e->spawners; s != NULL; s = s->next)
		for (struct jail *j = s->jails; j != NULL; j = j->next)
			(void)jail_look(j);
}

void
spawners_tick(struct egress *e)
{
	for (struct spawner *s = e->spawners; s != NULL; s = s->next)
		for (struct jail *j = s->jails; j != NULL; j = j->next)
			jail_tick(j);
}

void
spawners_stop(struct egress *e)
{
	for (struct spawner *s = e->spawners; s != NULL; s = s->next)
		for (struct jail *j = s->jails; j != NULL; j = j->next)
			jail_stop(j);
}

void
spawners_reap(struct egress *e)
{
	struct spawner	**p = &e->spawners, *s;

	while ((s = *p) != NULL) {
		if (!s->over) {
			p = &s->next;
			continue;
		}
		*p = s->next;
		e->spawner_count--;
		s->magic = 0;
		free(s);
	}
}

void
spawners_free(struct egress *e)
{
	for (struct spawner *s = e->spawners; s != NULL; s = s->next)
		spawner_end(s, "this process leaves");
	spawners_reap(e);
}
