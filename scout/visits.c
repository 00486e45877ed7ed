/* SPDX-License-Identifier: Apache-2.0
 *
 * visits.c - can HTTP upstreams be connected to?
 *
 * Process: mcpgw-scout.
 * Owns:    a visit for each HTTP server, or each of its endpoints, and the connections that are under way.
 * Trusts:  no server: nothing is sent to it, but what TLS needs and a GET where "health" has a path, and of what it
 *          says nothing is read beyond a status.
 *
 * Addresses are tried one after the other, as a call would.  With https the certificate is looked at as a call would.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/bug.h"
#include "lib/log.h"
#include "policy/endpoints.h"
#include "scout/control.h"
#include "scout/knock.h"
#include "scout/names.h"
#include "scout/visits.h"
#include "upstream/cable.h"

#define VISIT_MAGIC	0x5c0d7151u
#define LEAST_MS	1000
#define TEXT_MAX	300
/* Visits in a row that change what calls are told of an endpoint, where nobody said otherwise. */
#define UNHEALTHY	2
#define HEALTHY		1

enum visit_state { VISIT_WAITS, VISIT_CONNECTS, VISIT_SECURES, VISIT_KNOCKS };

struct place {			/* where it goes: a server's one url, or an endpoint */
	struct span	host, url_host;
	uint32_t	address_first, address_count, port, https;
};

struct visit {
	uint32_t		 magic;
	enum visit_state	 state;
	struct visits		*of;
	uint64_t		 profile;
	const struct rec_server	*server;	/* in the policy */
	const struct rec_endpoint *endpoint;	/* NULL: it has one url */
	const struct rec_balance *said;		/* or NULL */
	struct place		 at;
	struct knock		*knock;		/* while it knocks */
	unsigned		 good, bad;	/* in a row */
	bool			 sick;
	uint64_t		 next_ms;
	struct addr		 to[NAME_ADDRESSES_MAX];
	size_t			 count, tried;
	struct cable		 cable;
	struct loop_io		 io;
	struct loop_timer	 timer;
	bool			 told;		/* at all: a scout before us may have said otherwise */
	char			 error[TEXT_MAX];	/* of the last one that ended; "" none */
	bool			 ended;		/* one did */
	char			 reported[TEXT_MAX];	/* the last error that was; "" none */
};

struct visits {
	struct scout		*s;
	struct block_pool	 blocks;	/* of those that knock */
	struct snap		*policy;
	struct sites		*sites;
	struct visit		*all;
	size_t			 count, running;
	struct loop_timer	 timer;		/* the next one's turn */
};

static void	visits_turn(struct visits *vs);

/* ---- what is made of it ------------------------------------------------------------------------- */

/* Of a server at several places: what is wrong with all of them; "" when one is well, NULL while that is not known. */
static const char *
server_error(const struct visit *v)
{
	const struct visits	*vs = v->of;
	bool			 known = true;

	if (v->endpoint == NULL)
		return v->error;
	for (size_t i = 0; i < vs->count; i++) {
		if (vs->all[i].server != v->server)
			continue;
		if (vs->all[i].ended && vs->all[i].error[0] == '\0')
			return "";
		known &= vs->all[i].ended;
	}
	return known ? v->error : NULL;
}

/* The one visit of a server that knows what was said of it. */
static struct visit *
speaker(struct visit *v)
{
	struct visits	*vs = v->of;

	for (size_t i = 0; i < vs->count; i++)
		if (vs->all[i].server == v->server)
			return &vs->all[i];
	return v;
}

static void
report(struct visit *v, const char *error)
{
	struct visit	*s = speaker(v);

	snprintf(v->error, sizeof(v->error), "%s", error);
	v->ended = true;
	if ((error = server_error(v)) == NULL || (s->told && strcmp(s->reported, error) == 0))
		return;
	s->told = true;
	snprintf(s->reported, sizeof(s->reported), "%s", error);
	control_report(v->of->s, policy_tenant_name(v->of->policy, v->server->tenant),
	    snap_text(v->of->policy, v->server->name), s->reported);
}

static void
set_sick(struct visit *v, bool sick, const char *error)
{
	if (v->sick == sick || v->endpoint == NULL)
		return;
	v->sick = sick;
	log_notice(NULL, "server %.*s: endpoint %.*s is %s%s", SPAN_FMT(snap_text(v->of->policy, v->server->name)),
	    SPAN_FMT(snap_text(v->of->policy, v->endpoint->url)), sick ? "out of order: " : "well again",
	    sick ? error : "");
	names_news(v->of->s->names);
}

/* One visit came to its end; "": it is well. */
static void
judge(struct visit *v, const char *error)
{
	unsigned	good = v->said != NULL && v->said->healthy != 0 ? v->said->healthy : HEALTHY;
	unsigned	bad = v->said != NULL && v->said->unhealthy != 0 ? v->said->unhealthy : UNHEALTHY;

	report(v, error);
	v->good = error[0] == '\0' ? v->good + 1 : 0;
	v->bad = error[0] == '\0' ? 0 : v->bad + 1;
	if (v->sick ? v->good >= good : v->bad >= bad)
		set_sick(v, !v->sick, error);
}

int
visits_put_sick(const struct visits *vs, struct build *b)
{
	struct rec_sick	rec;
	int		r = 0;

	/* In order of profiles, as visits are. */
	for (size_t i = 0; i < vs->count && r == 0; i++) {
		rec.profile = vs->all[i].profile;
		if (vs->all[i].sick)
			r = build_add(b, SECTION_SICK, &rec, NULL);
	}
	return r;
}

/* ---- one visit --------------------------------------------------------------------------------- */

static uint64_t
interval_of(const struct visit *v)
{
	return v->said != NULL && v->said->health_ms != 0 ? v->said->health_ms : v->of->s->check_ms;
}

static void
stop(struct visit *v)
{
	if (v->state != VISIT_WAITS)
		v->of->running--;
	v->state = VISIT_WAITS;
	loop_io_fini(&v->io);
	loop_timer_disarm(&v->timer);
	knock_free(&v->knock);
	cable_close(&v->cable);
}

static void
end(struct visit *v, const char *error)
{
	struct visits	*vs = v->of;
	uint64_t	 ms = interval_of(v), least = v->said != NULL && v->said->health_ms != 0 ? 0 : LEAST_MS;

	stop(v);
	judge(v, error);
	v->next_ms = ms == 0 ? UINT64_MAX : loop_now_ms(vs->s->loop) + (ms < least ? least : ms);
	visits_turn(vs);
}

static void	on_io(struct loop_io *io, unsigned what, void *arg);

static void
connect_next(struct visit *v, const char *error)
{
	while (v->tried < v->count) {
		loop_io_fini(&v->io);
		if (cable_connect(&v->cable, &v->to[v->tried++], (uint16_t)v->at.port) != 0)
			continue;
		loop_io_init(v->of->s->loop, &v->io, v->cable.fd, on_io, v);
		loop_io_arm(&v->io, LOOP_WRITE);
		return;
	}
	end(v, error);
}

/* The connection is there: is that enough? */
static int
knock(struct visit *v, bool *writes, const char **why)
{
	int	r;

	if (v->said == NULL || v->said->health_path.bytes == 0)
		return 0;
	if (v->knock == NULL) {
		v->state = VISIT_KNOCKS;
		cable_begin(&v->cable, 0);
		if ((r = knock_new(&v->of->blocks, v->at.url_host, snap_text(v->of->policy, v->said->health_path),
		    &v->knock)) != 0)
			return r;
	}
	return knock_go(v->knock, &v->cable, writes, why);
}

static void
on_io(struct loop_io *io, unsigned what, void *arg)
{
	struct visit	*v = arg;
	const char	*why = "out of memory";
	bool		 writes = false;
	int		 r = 0;

	(void)io;
	(void)what;
	MAGIC_CHECK(v, VISIT_MAGIC);
	if (v->state == VISIT_CONNECTS) {
		if (cable_connected(&v->cable, &why) != 0) {
			connect_next(v, why);
			return;
		}
		v->state = VISIT_SECURES;
	}
	if (v->state == VISIT_SECURES && v->at.https != 0)
		r = cable_secure(&v->cable, v->of->sites, v->profile, &writes, &why);
	if (r == 0)
		r = knock(v, &writes, &why);
	if (r == E_AGAIN)
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
	end(v, v->state == VISIT_SECURES ? "the TLS handshake took too long" : v->state == VISIT_KNOCKS ?
	    "its health path does not answer in time" : "connecting took too long");
}

/* Its addresses; or why there are none, NULL when that is not known yet. */
static const char *
locate(struct visit *v, char room[TEXT_MAX])
{
	struct span			 host = v->at.host;
	const struct rec_address	*a;
	const struct name_known		*known;

	v->count = 0;
	if (host.n == 0) {
		for (uint32_t i = 0; i < v->at.address_count && v->count < NAME_ADDRESSES_MAX; i++) {
			if ((a = SNAP_AT(v->of->policy, ADDRESS, (uint64_t)v->at.address_first + i)) == NULL)
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
		set_sick(v, true, why);
		return;
	}
	if (v->count == 0)
		return;
	if (interval_of(v) == 0) {
		report(v, "");		/* it has a name again, and more is not asked */
		set_sick(v, false, "");
		return;
	}
	v->tried = 0;
	v->state = VISIT_CONNECTS;
	vs->running++;
	loop_timer_arm(&v->timer, v->said != NULL && v->said->health_timeout_ms != 0 ? v->said->health_timeout_ms :
	    vs->s->connect_ms);
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
		if (span_eq(vs->all[i].at.host, host)) {
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
	uint64_t		 ms = interval_of(v), most = ms == 0 ? UINT64_MAX : loop_now_ms(vs->s->loop) + ms;

	if (o == NULL)
		return;
	v->told = o->told;
	v->ended = o->ended;
	v->sick = o->sick;
	v->good = o->good;
	v->bad = o->bad;
	memcpy(v->error, o->error, sizeof(v->error));
	memcpy(v->reported, o->reported, sizeof(v->reported));
	v->next_ms = o->state != VISIT_WAITS ? 0 : o->next_ms < most ? o->next_ms : most;
}

static void
add(struct visits *vs, const struct rec_server *s, const struct rec_endpoint *e)
{
	struct visit	*v = &vs->all[vs->count++];

	*v = (struct visit){ .magic = VISIT_MAGIC, .of = vs, .profile = e != NULL ? e->profile : s->profile,
	    .server = s, .endpoint = e, .said = policy_balance_of(vs->policy, s), .cable = { .fd = -1 } };
	v->at = e == NULL ? (struct place){ snap_text(vs->policy, s->host), snap_text(vs->policy, s->url_host),
	    s->address_first, s->address_count, s->port, s->https } :
	    (struct place){ snap_text(vs->policy, e->host), snap_text(vs->policy, e->url_host), e->address_first,
	    e->address_count, e->port, e->https };
}

void
visits_set_policy(struct visits *vs, struct snap *policy)
{
	const struct rec_endpoint	*e;
	const struct rec_server		*s;
	struct visit			*old = vs->all;
	size_t				 old_count = vs->count;
	uint64_t			 n = snap_count(policy, SECTION_SERVER);

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
	if ((vs->all = calloc(n + snap_count(policy, SECTION_ENDPOINT) + 1, sizeof(*vs->all))) == NULL)
		log_err(NULL, "out of memory: no server is looked at");
	for (uint64_t i = 0; vs->all != NULL && i < n; i++) {
		if ((s = SNAP_AT(policy, SERVER, i)) == NULL || s->kind != SERVER_HTTP ||
		    (s->flags & SERVER_FLAG_DISABLED) != 0)
			continue;
		if (s->endpoint_count == 0)
			add(vs, s, NULL);
		for (uint32_t k = 0; (e = policy_endpoint_at(policy, s, k)) != NULL; k++)
			add(vs, s, e);
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
	block_pool_init(&vs->blocks, SCOUT_VISITS_MAX);
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
	block_pool_fini(&vs->blocks);
	snap_release(&vs->policy);
	free(vs);
}
