/* SPDX-License-Identifier: Apache-2.0
 *
 * server.c - one profile of the tenant: its facts, its verdict, its failures
 *
 * Process: mcpgw-runner.  Owns: the list of servers, each with a copy of the facts it needs.
 * Trusts:  the profile snapshot, as far as snap_at() vouches for it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "policy/policy.h"
#include "sandbox/notify.h"
#include "sandbox/runner/call.h"
#include "sandbox/runner/instance.h"
#include "sandbox/runner/native.h"
#include "sandbox/runner/server.h"
#include "sandbox/runner/subscribe.h"

#define BACKOFF_FIRST_MS	1000
#define BACKOFF_MOST_MS		60000
#define SERVED_MS		1000		/* up for so long: not a crash at the start */
#define STEADY_MS		30000	/* up for this long: what failed before is forgotten */
#define TELL_STEP		10

static void
server_free(struct server *s)
{
	for (size_t i = 0; i < s->writable_count; i++)
		free(s->writable[i]);
	free(s->writable);
	learn_free(&s->learnt);
	subs_forget_server(s);
	snap_release(&s->profile);
	free(s);
}

static void
server_describe(struct server *s, const struct rec_profile *rec)
{
	static const char *const	tiers[] = {
		[TIER_RUNTIME] = "runtime", [TIER_STRICT] = "strict", [TIER_OFF] = "off",
	};
	static const char *const	nets[] = {
		[NET_NONE] = "none", [NET_LOOPBACK] = "loopback", [NET_HOST] = "host",
	};
	char				net[24];

	if (rec->net == NET_LIST)
		snprintf(net, sizeof(net), "%u host%s", rec->reach_count, rec->reach_count == 1 ? "" : "s");
	else
		snprintf(net, sizeof(net), "%s", rec->net < 3 ? nets[rec->net] : "?");
	snprintf(s->jail, sizeof(s->jail), "jail %s, net %s", rec->tier < 3 ? tiers[rec->tier] : "?", net);
}

void
server_log_start(struct server *s, uint32_t pid, const char *why)
{
	char	text[160];

	snprintf(text, sizeof(text), "%llu %s%s%s", (unsigned long long)++s->starts, s->jail,
	    why[0] == '\0' ? "" : ", ", why);
	ring_line(s->ring, loop_wall_ms(s->r->loop), pid, "start", span_of(text));
}

/* "14 s", "0.5 s". */
static void
seconds(uint64_t ms, char to[32])
{
	snprintf(to, 32, "%.*f s", ms < 10000 ? 1 : 0, (double)ms / 1000);
}

void
server_log_exit(struct server *s, uint32_t pid, const char *how, bool failed)
{
	const uint64_t	now = loop_now_ms(s->r->loop);
	char		text[RUNNER_TEXT], wait[32];

	/* The word is the line's kind. */
	if (strncmp(how, "exit ", 5) == 0)
		how += 5;
	if (failed && s->next_try_ms > now) {
		seconds(s->next_try_ms - now, wait);
		snprintf(text, sizeof(text), "%.400s; next try in %s", how, wait);
	} else {
		snprintf(text, sizeof(text), "%s", how);
	}
	ring_line(s->ring, loop_wall_ms(s->r->loop), pid, "exit", span_of(text));
}

static int
server_read_binds(struct server *s, const struct snap *profile, const struct rec_profile *rec)
{
	if (rec->bind_count == 0 || rec->bind_count > snap_count(profile, SECTION_BIND))
		return 0;
	if ((s->writable = calloc(rec->bind_count, sizeof(*s->writable))) == NULL)
		return E_NOMEM;
	for (uint32_t i = 0; i < rec->bind_count; i++) {
		const struct rec_bind	*bind = SNAP_AT(profile, BIND, (uint64_t)rec->bind_first + i);
		struct span		 path;

		if (bind == NULL || (bind->flags & (BIND_WRITABLE | BIND_STATE)) != BIND_WRITABLE)
			continue;
		path = snap_text(profile, bind->source);
		if ((s->writable[s->writable_count] = strndup(path.p == NULL ? "" : path.p, path.n)) == NULL)
			return E_NOMEM;
		s->writable_count++;
	}
	return 0;
}

static int
server_new(struct runner *r, const struct rec_profile *rec, struct server **out)
{
	const struct rec_filter	*filter;
	struct server		*s;
	int			 res;

	*out = NULL;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return E_NOMEM;
	s->r = r;
	s->hash = rec->hash;
	snprintf(s->name, sizeof(s->name), "%.*s", SPAN_FMT(snap_text(r->profile, rec->server)));
	if ((s->ring = ring_of(&r->rings, s->name)) == NULL) {
		server_free(s);
		return E_NOMEM;
	}
	server_describe(s, rec);
	s->start_timeout_ms = rec->start_timeout_ms > 0 ? rec->start_timeout_ms : 20000;
	s->idle_ms = rec->idle_ms > 0 ? rec->idle_ms : 600000;
	/* Its key does not come again. */
	s->per_call = rec->isolation == ISOLATION_CALL;
	if (s->per_call)
		s->idle_ms = 1;
	s->native = (rec->flags & SERVER_FLAG_NATIVE) != 0;
	if (s->native)
		s->profile = snap_hold(r->profile);
	s->stop_ms = rec->stop_ms > 0 ? rec->stop_ms : 2000;
	s->max_instances = rec->max_instances > 0 ? rec->max_instances : 1;
	filter = rec->filter == 0 ? NULL : SNAP_AT(r->profile, FILTER, (uint64_t)rec->filter - 1);
	s->listener = filter != NULL && filter->listener != 0;
	s->era_pinned = rec->era == ERA_PIN_LEGACY || rec->era == ERA_PIN_MODERN;
	s->era = rec->era == ERA_PIN_LEGACY ? ERA_LEGACY :
	    rec->era == ERA_PIN_MODERN ? ERA_MODERN : ERA_UNKNOWN;
	if ((res = server_read_binds(s, r->profile, rec)) != 0) {
		server_free(s);
		return res;
	}
	s->next = r->servers;
	r->servers = s;
	*out = s;
	return 0;
}

int
server_get(struct runner *r, uint64_t hash, struct span name, struct server **out)
{
	const struct rec_profile	*rec;
	struct server			*s;
	int				 res;

	*out = NULL;
	for (s = r->servers; s != NULL; s = s->next)
		if (s->hash == hash)
			break;
	if (s == NULL) {
		if (r->profile == NULL || (rec = policy_profile_find(r->profile, hash)) == NULL)
			return E_NOTFOUND;
		if ((res = server_new(r, rec, &s)) != 0)
			return res;
	}
	if (s->retired || (name.p != NULL && !span_is(name, s->name)))
		return E_NOTFOUND;
	*out = s;
	return 0;
}

/* Of a server that is configured, or has tools still. */
static bool
is_of_use(const char *name, void *arg)
{
	const struct runner		*r = arg;
	const struct rec_profile	*rec;

	for (const struct server *s = r->servers; s != NULL; s = s->next)
		if (strcmp(s->name, name) == 0)
			return true;
	for (uint64_t i = 0; (rec = SNAP_AT(r->profile, PROFILE, i)) != NULL; i++)
		if (span_is(snap_text(r->profile, rec->server), name))
			return true;
	return false;
}

void
servers_refresh(struct runner *r)
{
	for (struct server *s = r->servers; s != NULL; s = s->next) {
		s->retired = policy_profile_find(r->profile, s->hash) == NULL;
		if (!s->retired)
			continue;
		instances_retire(s);
		natives_retire(s);
	}
	rings_drop(&r->rings, is_of_use, r);
	r->kick = true;
}

/* Another server of this name speaks for it towards the master. */
static bool
has_successor(const struct server *s)
{
	for (const struct server *o = s->r->servers; o != NULL; o = o->next)
		if (o != s && !o->retired && strcmp(o->name, s->name) == 0)
			return true;
	return false;
}

static void
server_tell(struct server *s)
{
	struct msg_SERVER_STATE	 m = { .tenant = span_of(s->r->tenant), .server = span_of(s->name) };
	char			 error[RUNNER_TEXT] = "", times[48] = "";
	size_t			 up = s->native ? s->tool_count : instances_up(s);

	m.instances = (uint32_t)up;
	m.tools = SERVER_TOOLS_UNKNOWN;
	m.state = up > 0 ? SERVER_STATE_UP : !s->broken ? SERVER_STATE_IDLE :
	    s->no_jail ? SERVER_STATE_NO_JAIL : SERVER_STATE_BROKEN;
	if (m.state == SERVER_STATE_BROKEN || m.state == SERVER_STATE_NO_JAIL) {
		m.next_try_ms = s->next_try_ms;
		if (s->failures > 1)
			snprintf(times, sizeof(times), " x%u", s->failures);
		snprintf(error, sizeof(error), "%.400s%s", s->why, times);
	} else if (s->network_refused > 0) {
		if (s->network_told >= TELL_STEP)
			snprintf(times, sizeof(times), " %llu times or more", (unsigned long long)s->network_told);
		snprintf(error, sizeof(error), "wanted the network%s; allow with \"net\", or find out what it needs: "
		    "mcpgwctl server learn %s --for 10m", times, s->name);
	}
	m.error = span_of(error);
	if (m.state == s->told.state && m.instances == s->told.instances &&
	    m.next_try_ms == s->told.next_try_ms && strcmp(error, s->told_error) == 0)
		return;
	if (chan_send(&s->r->master, MSG_TYPE_SERVER_STATE, 0, &m, NULL, 0) != 0)
		return;
	s->told = m;
	memcpy(s->told_error, error, sizeof(error));
}

void
servers_tell(struct runner *r)
{
	for (struct server *s = r->servers; s != NULL; s = s->next) {
		if (s->touched && !(s->retired && has_successor(s)))
			server_tell(s);
		s->touched = false;
	}
}

void
servers_settle(struct runner *r)
{
	struct server	**at = &r->servers, *s;

	servers_tell(r);
	while ((s = *at) != NULL) {
		if (s->retired && s->instances == NULL && s->tool_count == 0 && s->native_count == 0) {
			*at = s->next;
			server_free(s);
			continue;
		}
		at = &s->next;
	}
}

static bool
is_of_no_use(const char *name, void *arg)
{
	(void)name;
	(void)arg;
	return false;
}

void
servers_free(struct runner *r)
{
	struct server	*s;

	while ((s = r->servers) != NULL) {
		r->servers = s->next;
		server_free(s);
	}
	rings_drop(&r->rings, is_of_no_use, NULL);
}

void
server_failed(struct server *s, uint64_t up_ms, const char *why)
{
	uint64_t	wait = BACKOFF_FIRST_MS;
	bool		served = up_ms >= SERVED_MS;

	if (up_ms >= STEADY_MS)
		s->failures = 0;
	/* Who served and dies once is started again at once: only its own calls fail. */
	if (served && s->failures == 0)
		wait = 0;
	for (unsigned i = served ? 1 : 0; i < s->failures && wait < BACKOFF_MOST_MS; i++)
		wait *= 2;
	if (wait > BACKOFF_MOST_MS)
		wait = BACKOFF_MOST_MS;
	s->failures++;
	s->broken = true;
	s->failed_ms = loop_now_ms(s->r->loop);
	s->next_try_ms = s->failed_ms + wait;
	snprintf(s->why, sizeof(s->why), "%s", why);
	if (wait > 0 && !s->exiting) {
		char	text[RUNNER_TEXT], when[32];

		seconds(wait, when);
		snprintf(text, sizeof(text), "next try in %s: %.400s", when, why);
		ring_line(s->ring, loop_wall_ms(s->r->loop), 0, "wait", span_of(text));
	}
	s->touched = true;
}

void
server_came_up(struct server *s)
{
	s->no_jail = s->broken = false;
	s->touched = true;
}

void
server_ended_well(struct server *s, uint64_t up_ms)
{
	if (up_ms >= STEADY_MS)
		s->failures = 0;
	s->touched = true;
}

int
server_may_start(const struct server *s, char *text, size_t text_bytes)
{
	uint64_t	now = loop_now_ms(s->r->loop);

	if (s->failures == 0 || now >= s->next_try_ms)
		return 0;
	snprintf(text, text_bytes, "%s: next try in %llu s: %.400s", s->name,
	    (unsigned long long)((s->next_try_ms - now + 999) / 1000), s->why);
	return E_AGAIN;
}

void
servers_restart(struct runner *r, struct span name, uint32_t *stopped, uint32_t *finishing)
{
	*stopped = *finishing = 0;
	for (struct server *s = r->servers; s != NULL; s = s->next) {
		if (!span_is(name, s->name))
			continue;
		s->failures = 0;
		s->next_try_ms = 0;
		s->broken = s->no_jail = false;
		s->touched = true;
		refusals_clear(&s->refusals);
		instances_yield(s, stopped, finishing);
		if (s->native)
			*finishing += (uint32_t)s->tool_count;
	}
	r->kick = true;
}

/* The newest call that the tool has, and of how many; background work is nobody's. */
static unsigned
newest_call(const struct instance *i, const struct call **newest)
{
	unsigned	count = 0;

	for (const struct call *c = i->calls; c != NULL; c = c->next)
		if (c->state == CALL_SENT && !c->list) {
			*newest = c;
			count++;
		}
	return count;
}

int
servers_refusals(const struct runner *r, struct span name, struct buf *to)
{
	int	e = 0;

	for (const struct server *s = r->servers; s != NULL && e == 0; s = s->next)
		if (!s->retired && span_is(name, s->name))
			e = refusals_write(&s->refusals, to);
	return e;
}

static void
server_refused(struct server *s, int domain, const struct instance *i, const struct call *c)
{
	unsigned	running = c != NULL;

	if (i != NULL)
		running = newest_call(i, &c);
	refusals_add(&s->refusals, domain, loop_wall_ms(s->r->loop), c == NULL ? "" : c->request, running);
	if (domain != AF_INET && domain != AF_INET6)
		return;
	/* A tool may try without end; the master hears of the first time, the tenth, the hundredth. */
	if (++s->network_refused < s->network_told * TELL_STEP)
		return;
	s->network_told = s->network_refused;
	s->touched = true;
	if (s->network_refused > 1)
		return;
	log_notice(SERVER_SUBJECT(s), "a tool wanted the network and was refused; allow with \"net\"");
}

int
server_on_notify(struct server *s, int listener, const struct instance *i, const struct call *c)
{
	struct notify_event	event;
	int			r = notify_take(listener, &event);

	if (r == 0 && event.domain != -1)
		server_refused(s, event.domain, i, c);
	return r;
}
