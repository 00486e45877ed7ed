/* SPDX-License-Identifier: Apache-2.0
 *
 * visits.c - can HTTP upstreams be connected to?
 *
 * Process: mcpgw-scout.
 * Owns:    a visit for each HTTP server, and the connections that are under way.
 * Trusts:  no server: nothing is sent to it, but what TLS needs, and nothing is read beyond that.
 *
 * Addresses are tried one after the other, as a call would.  With https the certificate is looked at as a call would.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/bug.h"
#include "lib/log.h"
#include "scout/control.h"
#include "scout/names.h"
#include "scout/visits.h"
#include "upstream/cable.h"

#define VISIT_MAGIC	0x5c0d7151u
#define LEAST_MS	1000
#define TEXT_MAX	300

enum visit_state { VISIT_WAITS, VISIT_CONNECTS, VISIT_SECURES };

struct visit {
	uint32_t		 magic;
	enum visit_state	 state;
	struct visits		*of;
	uint64_t		 profile;
	const struct rec_server	*server;	/* in the policy */
	uint64_t		 next_ms;
	struct addr		 to[NAME_ADDRESSES_MAX];
	size_t			 count, tried;
	struct cable		 cable;
	struct loop_io		 io;
	struct loop_timer	 timer;
	bool			 told;		/* at all: a scout before us may have said otherwise */
	char			 said[TEXT_MAX];	/* the last error that was reported; "" none */
};

struct visits {
	struct scout		*s;
	struct snap		*policy;
	struct sites		*sites;
	struct visit		*all;
	size_t			 count, running;
	struct loop_timer	 timer;		/* the next one's turn */
};

static void	visits_turn(struct visits *vs);

/* ---- one visit --------------------------------------------------------------------------------- */

static void
report(struct visit *v, const char *error)
{
	if (v->told && strcmp(v->said, error) == 0)
		return;
	v->told = true;
	snprintf(v->said, sizeof(v->said), "%s", error);
	control_report(v->of->s, policy_tenant_name(v->of->policy, v->server->tenant),
	    snap_text(v->of->policy, v->server->name), v->said);
}

static void
stop(struct visit *v)
{
	if (v->state != VISIT_WAITS)
		v->of->running--;
	v->state = VISIT_WAITS;
	loop_io_fini(&v->io);
	loop_timer_disarm(&v->timer);
	cable_close(&v->cable);
}

static void
end(struct visit *v, const char *error)
{
	struct visits	*vs = v->of;

	stop(v);
	report(v, error);
	v->next_ms = vs->s->check_ms == 0 ? UINT64_MAX : loop_now_ms(vs->s->loop) +
	    (vs->s->check_ms < LEAST_MS ? LEAST_MS : vs->s->check_ms);
	visits_turn(vs);
}

static void	on_io(struct loop_io *io, unsigned what, void *arg);

static void
connect_next(struct visit *v, const char *error)
{
	while (v->tried < v->count) {
		loop_io_fini(&v->io);
		if (cable_connect(&v->cable, &v->to[v->tried++], (uint16_t)v->server->port) != 0)
			continue;
		loop_io_init(v->of->s->loop, &v->io, v->cable.fd, on_io, v);
		loop_io_arm(&v->io, LOOP_WRITE);
		return;
	}
	end(v, error);
}

static void
on_io(struct loop_io *io, unsigned what, void *arg)
{
	struct visit	*v = arg;
	const char	*why = "out of memory";
	bool		 writes;
	int		 r;

	(void)io;
	(void)what;
	MAGIC_CHECK(v, VISIT_MAGIC);
	if (v->state == VISIT_CONNECTS) {
		if (cable_connected(&v->cable, &why) != 0) {
			connect_next(v, why);
			return;
		}
		if (v->server->https == 0) {
			end(v, "");
			return;
		}
		v->state = VISIT_SECURES;
	}
	if ((r = cable_secure(&v->cable, v->of->sites, v->profile, &writes, &why)) == E_AGAIN)
		loop_io_arm(&v->io, writes ? LOOP_WRITE : LOOP_READ);
	else
		end(v, r == 0 ? "" : why);
}

static void
on_timeout(struct loop_timer *t, void *arg)
{
	struct visit	*v = arg;

	(void)t;
	MAGIC_CHECK(v, VISIT_MAGIC);
	end(v, v->state == VISIT_SECURES ? "the TLS handshake took too long" : "connecting took too long");
}

/* Its addresses; or why there are none, NULL when that is not known yet. */
static const char *
locate(struct visit *v, char room[TEXT_MAX])
{
	struct span			 host = snap_text(v->of->policy, v->server->host);
	const struct rec_address	*a;
	const struct name_known		*known;

	v->count = 0;
	if (host.n == 0) {
		for (uint32_t i = 0; i < v->server->address_count && v->count < NAME_ADDRESSES_MAX; i++) {
			if ((a = SNAP_AT(v->of->policy, ADDRESS, (uint64_t)v->server->address_first + i)) == NULL)
				break;
			v->to[v->count].family = a->family;
			memcpy(v->to[v->count++].bytes, a->bytes, sizeof(a->bytes));
		}
		return v->count > 0 ? NULL : "it has no address";
	}
	if ((known = names_find(v->of->s->names, host)) == NULL)
		return "there are too many hosts to be looked up";
	v->count = known->count;
	memcpy(v->to, known->found, known->count * sizeof(v->to[0]));
	if (v->count > 0 || known->state == 0)
		return NULL;
	snprintf(room, TEXT_MAX, "%.*s: %s", SPAN_FMT(host), known->state == NAME_NONE ?
	    "there is no such name, or it has no address" : "cannot be looked up: no name server answers");
	return room;
}

static void
begin(struct visit *v)
{
	struct visits	*vs = v->of;
	const char	*why;
	char		 room[TEXT_MAX];

	v->next_ms = UINT64_MAX;
	if ((why = locate(v, room)) != NULL) {
		report(v, why);		/* until its name changes */
		return;
	}
	if (v->count == 0)
		return;
	if (vs->s->check_ms == 0) {
		report(v, "");		/* it has a name again, and more is not asked */
		return;
	}
	v->tried = 0;
	v->state = VISIT_CONNECTS;
	vs->running++;
	loop_timer_arm(&v->timer, vs->s->connect_ms);
	connect_next(v, "cannot connect");
}

/* ---- whose turn it is -------------------------------------------------------------------------- */

static void
visits_turn(struct visits *vs)
{
	/* Each takes its turn in a handler of its own: ending one begins others. */
	loop_timer_arm(&vs->timer, 0);
}

static void
on_turn(struct loop_timer *t, void *arg)
{
	struct visits	*vs = arg;
	uint64_t	 now = loop_now_ms(vs->s->loop), next = UINT64_MAX;

	loop_timer_disarm(t);
	for (size_t i = 0; i < vs->count; i++) {
		struct visit	*v = &vs->all[i];

		if (v->state != VISIT_WAITS)
			continue;
		if (v->next_ms <= now) {
			if (vs->running == SCOUT_VISITS_MAX)
				return;		/* the end of one of these goes on */
			begin(v);
		}
		if (v->state == VISIT_WAITS && v->next_ms < next)
			next = v->next_ms;
	}
	if (next != UINT64_MAX)
		loop_timer_arm(&vs->timer, next > now ? next - now : 0);
}

void
visits_host_changed(struct visits *vs, struct span host)
{
	for (size_t i = 0; i < vs->count; i++)
		if (span_eq(snap_text(vs->policy, vs->all[i].server->host), host)) {
			stop(&vs->all[i]);
			vs->all[i].next_ms = 0;
		}
	visits_turn(vs);
}

/* ---- which ------------------------------------------------------------------------------------- */

static int
visit_cmp(const void *a, const void *b)
{
	const struct visit	*x = a, *y = b;

	return x->profile < y->profile ? -1 : x->profile > y->profile;
}

static void
drop_all(struct visits *vs)
{
	for (size_t i = 0; i < vs->count; i++)
		stop(&vs->all[i]);
	free(vs->all);
	vs->all = NULL;
	vs->count = 0;
}

/* When it was to come, and what was said of it, is what it was; a new parameter counts from now on. */
static void
inherit(struct visits *vs, struct visit *v, const struct visit *old, size_t old_count)
{
	const struct visit	*o = old_count == 0 ? NULL : bsearch(v, old, old_count, sizeof(*old), visit_cmp);
	uint64_t		 most = vs->s->check_ms == 0 ? UINT64_MAX : loop_now_ms(vs->s->loop) + vs->s->check_ms;

	if (o == NULL)
		return;
	v->told = o->told;
	memcpy(v->said, o->said, sizeof(v->said));
	v->next_ms = o->state != VISIT_WAITS ? 0 : o->next_ms < most ? o->next_ms : most;
}

void
visits_set_policy(struct visits *vs, struct snap *policy)
{
	const struct rec_server	*s;
	struct visit		*old = vs->all;
	size_t			 old_count = vs->count;
	uint64_t		 n = snap_count(policy, SECTION_SERVER);

	for (size_t i = 0; i < old_count; i++) {
		bool	ran = old[i].state != VISIT_WAITS;

		stop(&old[i]);
		if (ran)
			old[i].next_ms = 0;
	}
	sites_set_policy(vs->sites, policy);
	snap_release(&vs->policy);
	vs->policy = snap_hold(policy);
	vs->count = 0;
	if ((vs->all = calloc(n + 1, sizeof(*vs->all))) == NULL)
		log_err(NULL, "out of memory: no server is looked at");
	for (uint64_t i = 0; vs->all != NULL && i < n; i++) {
		if ((s = SNAP_AT(policy, SERVER, i)) == NULL || s->kind != SERVER_HTTP ||
		    (s->flags & SERVER_FLAG_DISABLED) != 0)
			continue;
		vs->all[vs->count++] = (struct visit){ .magic = VISIT_MAGIC, .of = vs, .profile = s->profile,
		    .server = s, .cable = { .fd = -1 } };
	}
	if (vs->count > 1)
		qsort(vs->all, vs->count, sizeof(*vs->all), visit_cmp);
	for (size_t i = 0; i < vs->count; i++) {
		loop_timer_init(vs->s->loop, &vs->all[i].timer, on_timeout, &vs->all[i]);
		inherit(vs, &vs->all[i], old, old_count);
	}
	free(old);
	visits_turn(vs);
}

int
visits_new(struct scout *s, struct visits **out)
{
	struct visits	*vs = calloc(1, sizeof(*vs));
	int		 r;

	*out = NULL;
	if (vs == NULL)
		return E_NOMEM;
	if ((r = sites_new(&vs->sites)) != 0) {
		free(vs);
		return r;
	}
	vs->s = s;
	loop_timer_init(s->loop, &vs->timer, on_turn, vs);
	*out = vs;
	return 0;
}

void
visits_free(struct visits **vp)
{
	struct visits	*vs = *vp;

	*vp = NULL;
	if (vs == NULL)
		return;
	drop_all(vs);
	loop_timer_disarm(&vs->timer);
	sites_free(&vs->sites);
	snap_release(&vs->policy);
	free(vs);
}
