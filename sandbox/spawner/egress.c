/* SPDX-License-Identifier: Apache-2.0
 *
 * egress.c - jails with a list of hosts, and the process that serves their sockets
 *
 * Process: mcpgw-spawn.
 * Owns:    the link to mcpgw-egress, the sockets of each living jail, and the requests that wait for a link.
 * Trusts:  the master for links.  mcpgw-egress for nothing: it says nothing on a link, and one that does not take
 *          what is sent costs its link.
 *
 * A jail's sockets stay here as long as it lives.  When mcpgw-egress dies, the next one gets them all again: tools
 * lose the connections they had, and nothing else.  Until then what they begin waits in the sockets' backlogs; there
 * is no other way out at any time.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "ipc/heritage.h"
#include "ipc/wait.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "sandbox/jail.h"
#include "sandbox/spawner/egress.h"
#include "sandbox/spawner/spawn.h"

#define HOLD_MS		5000	/* less than start_timeout usually is */
#define AGAIN_MS	1000
#define SEND_MS		2000	/* for all of one jail to be taken, */
#define SEND_ALL_MS	10000	/* for all of all of them; well below `watchdog` */
#define CROWDED_MS	10	/* too many descriptors are under way */
#define STUCK_MS	5000	/* after one that took nothing */

/* Descriptors that were sent and not taken count against this user, and above a limit nobody of it can send any: so
 * only a few are ever under way here. */
#define UNDER_WAY_BYTES	(16 * 1024)

#define HINT	"; until it runs, tools whose \"net\" is a list of hosts do not start"

_Static_assert((int)JAIL_SOCKET_TCP == (int)EGRESS_SOCKET_TCP &&
    (int)JAIL_SOCKET_DNS_UDP == (int)EGRESS_SOCKET_DNS_UDP &&
    (int)JAIL_SOCKET_DNS_TCP == (int)EGRESS_SOCKET_DNS_TCP &&
    (int)JAIL_SOCKET_PROXY == (int)EGRESS_SOCKET_PROXY, "a jail's sockets travel under the same numbers");

static int64_t
now(void)
{
	return (int64_t)clock_mono_ms();
}

void
egress_init(struct spawner *s)
{
	s->egress = (struct egress){ .fd = -1, .again_ms = INT64_MAX };
}

bool
egress_ready(const struct spawner *s)
{
	return s->egress.fd != -1;
}

/* Does anybody need a link? */
static bool
is_needed(const struct spawner *s)
{
	if (s->egress.held_count > 0)
		return true;
	for (size_t i = 0; i < JAILS_MAX; i++)
		if (s->jails[i].pid != 0 && s->jails[i].socket_count > 0)
			return true;
	return false;
}

static void
ask(struct spawner *s)
{
	struct msg_EGRESS_WANTED	m = { 0 };

	if (s->egress.asked || s->draining)
		return;
	/* A master that is gone is found by its reader. */
	s->egress.asked = chan_send_wait(HERITAGE_CONTROL, MSG_TYPE_EGRESS_WANTED, 0, &m, NULL, 0) == 0;
}

static void
lose_link(struct spawner *s, bool stuck)
{
	fd_close(&s->egress.fd);
	if (stuck)
		s->egress.again_ms = now() + STUCK_MS;
	else if (is_needed(s))
		ask(s);
}

/* ---- what is sent ------------------------------------------------------------------------------- */

static int
send_one(struct spawner *s, int64_t until, uint16_t type, const void *msg, const int *fd)
{
	struct pollfd	p = { .fd = s->egress.fd, .events = POLLOUT };
	int		r;

	for (;;) {
		r = chan_send_wait(s->egress.fd, type, 0, msg, fd, fd != NULL);
		if (r != E_AGAIN && !(r == E_SYS && errno == ETOOMANYREFS))
			return r;
		if (now() >= until)
			return E_TIMEOUT;
		if (r == E_AGAIN)
			(void)poll(&p, 1, (int)(until - now()) + 1);
		else
			(void)poll(NULL, 0, CROWDED_MS);
	}
}

static int
send_jail(struct spawner *s, const struct jailed *j, int64_t until)
{
	struct msg_EGRESS_OPEN	open = { .jail = j->number, .profile = j->profile, .server = span_of(j->server) };
	int			r = 0;

	for (size_t i = 0; i < j->socket_count && r == 0; i++) {
		struct msg_EGRESS_SOCKET m = { .jail = j->number, .kind = (uint32_t)j->sockets[i].kind,
		    .port = j->sockets[i].port };

		r = send_one(s, until, MSG_TYPE_EGRESS_SOCKET, &m, &j->sockets[i].fd);
	}
	return r == 0 ? send_one(s, until, MSG_TYPE_EGRESS_OPEN, &open, NULL) : r;
}

static bool
sent(struct spawner *s, int r)
{
	if (r == 0)
		return true;
	if (r != E_CLOSED)
		log_warn(LOG_SUBJECT("tenant", s->tenant), "the link to mcpgw-egress is given up: %s", err_text(r));
	lose_link(s, r == E_TIMEOUT);
	return false;
}

void
egress_open(struct spawner *s, struct jailed *j)
{
	if (j->socket_count == 0)
		return;
	j->number = ++s->egress.last_jail;
	if (egress_ready(s))
		(void)sent(s, send_jail(s, j, now() + SEND_MS));
	else
		ask(s);
}

void
egress_close(struct spawner *s, struct jailed *j)
{
	struct msg_EGRESS_CLOSE	m = { .jail = j->number };

	if (j->socket_count == 0)
		return;
	jail_sockets_close(&j->sockets, &j->socket_count);
	if (egress_ready(s))
		(void)sent(s, send_one(s, now() + SEND_MS, MSG_TYPE_EGRESS_CLOSE, &m, NULL));
}

/* ---- who waits ---------------------------------------------------------------------------------- */

static struct held *
held_add(struct spawner *s, uint64_t profile, struct span server, uint64_t ref)
{
	struct egress	*e = &s->egress;
	struct held	*h;

	if (e->held_count == HELD_MAX || server.n >= sizeof(h->server))
		return NULL;
	h = &e->held[e->held_count++];
	*h = (struct held){ .profile = profile, .ref = ref, .until_ms = now() + HOLD_MS };
	memcpy(h->server, server.p, server.n);
	ask(s);
	return h;
}

bool
egress_hold(struct spawner *s, const struct msg_SPAWN *m, uint64_t ref)
{
	struct held	*h = held_add(s, m->profile, m->server, ref);

	if (h != NULL)
		h->instance = m->instance;
	return h != NULL;
}

bool
egress_hold_native(struct spawner *s, const struct msg_SPAWN_NATIVE *m, uint64_t ref)
{
	char		*values = malloc(m->values.n + 1);
	struct held	*h;

	if (values == NULL || (h = held_add(s, m->profile, m->server, ref)) == NULL) {
		free(values);
		return false;
	}
	if (m->values.n > 0)
		memcpy(values, m->values.p, m->values.n);
	h->native = true;
	h->tool = m->tool;
	h->values = values;
	h->value_bytes = m->values.n;
	return true;
}

/* The oldest one; it is held no more, and its values are the caller's to free. */
static struct held
held_take(struct egress *e)
{
	struct held	h = e->held[0];

	memmove(e->held, e->held + 1, --e->held_count * sizeof(h));
	return h;
}

static int
held_refuse(struct spawner *s, const char *why)
{
	struct held	h = held_take(&s->egress);

	free(h.values);
	log_warn_repeat(LOG_SUBJECT("tenant", s->tenant), "no jail for server %s: %s", h.server, why);
	return spawn_refuse(s, h.ref, JAIL_STEP_NETWORK, E_CLOSED, why);
}

int
egress_on_link(struct spawner *s, int *fd)
{
	const int64_t	 until = now() + SEND_ALL_MS;
	const int	 bytes = UNDER_WAY_BYTES;
	struct egress	*e = &s->egress;
	int		 r = 0;

	fd_close(&e->fd);
	e->fd = *fd;
	*fd = -1;
	e->asked = false;
	e->again_ms = INT64_MAX;
	if (fcntl(e->fd, F_SETFL, O_NONBLOCK) == -1 ||
	    setsockopt(e->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)) == -1) {
		lose_link(s, true);
		return 0;
	}
	for (size_t i = 0; i < JAILS_MAX; i++)
		if (s->jails[i].pid != 0 && s->jails[i].socket_count > 0 &&
		    !sent(s, send_jail(s, &s->jails[i], until)))
			return 0;
	/* Each goes its whole way, since the profile may have changed meanwhile. */
	while (e->held_count > 0 && egress_ready(s) && r == 0) {
		struct held h = held_take(e);
		struct msg_SPAWN m = { .profile = h.profile, .instance = h.instance, .server = span_of(h.server) };
		struct msg_SPAWN_NATIVE n = { .profile = h.profile, .tool = h.tool, .server = span_of(h.server),
		    .values = span_make(h.values, h.value_bytes) };

		r = h.native ? spawn_native_answer(s, &n, h.ref) : spawn_answer(s, &m, h.ref);
		free(h.values);
	}
	return r;
}

int
egress_on_none(struct spawner *s, struct span why)
{
	char	text[400];
	int	r = 0;

	s->egress.asked = false;
	snprintf(text, sizeof(text), "%.*s" HINT, (int)(why.n > 300 ? 300 : why.n), why.n == 0 ? "" : why.p);
	while (s->egress.held_count > 0 && r == 0)
		r = held_refuse(s, text);
	if (is_needed(s))
		s->egress.again_ms = now() + AGAIN_MS;
	return r;
}

/* Nothing is ever said here, so it is the end, or somebody who does not keep to that. */
void
egress_on_readable(struct spawner *s)
{
	log_debug(LOG_SUBJECT("tenant", s->tenant), "the link to mcpgw-egress ended");
	lose_link(s, false);
}

int
egress_tick(struct spawner *s, int64_t now_ms)
{
	struct egress	*e = &s->egress;
	int		 r = 0;

	if (e->again_ms <= now_ms) {
		e->again_ms = INT64_MAX;
		if (!egress_ready(s) && is_needed(s))
			ask(s);
	}
	while (e->held_count > 0 && e->held[0].until_ms <= now_ms && r == 0)
		r = held_refuse(s, "mcpgw-egress was not ready in time; see the log, and mcpgwctl status "
		    "mcpgw-egress");
	return r;
}

int64_t
egress_due_ms(const struct spawner *s)
{
	const struct egress	*e = &s->egress;
	int64_t			 due = e->again_ms;

	return e->held_count > 0 && e->held[0].until_ms < due ? e->held[0].until_ms : due;
}
