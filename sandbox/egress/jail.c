/* SPDX-License-Identifier: Apache-2.0
 *
 * jail.c - one tool's network: its sockets, what it may reach, what it was refused
 *
 * Process: mcpgw-egress.
 * Owns:    the sockets, a hold on the policy it began with, the names it asked for.
 * Trusts:  neither its tool nor its spawner.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "policy/policy.h"
#include "sandbox/egress/accept.h"
#include "sandbox/egress/account.h"
#include "sandbox/egress/conn.h"
#include "sandbox/egress/dns.h"
#include "sandbox/egress/jail.h"
#include "sandbox/egress/spawners.h"

#define SERVER_NAME_MAX	256

_Static_assert(REACH_PORTS_MAX <= JAIL_PORTS_MAX, "a jail listens at every port of a list");

int
jail_new(struct spawner *owner, uint64_t id, struct jail **out)
{
	struct jail	*j = calloc(1, sizeof(*j));

	*out = j;
	if (j == NULL)
		return E_NOMEM;
	j->e = spawner_egress(owner);
	j->owner = owner;
	j->id = id;
	j->begins = JAIL_BEGINS_MAX;
	return 0;
}

static void
close_sockets(struct jail *j)
{
	for (unsigned i = 0; i < j->sock_count; i++) {
		loop_io_fini(&j->socks[i]->io);
		fd_close(&j->socks[i]->fd);
		free(j->socks[i]);
	}
	j->e->sock_count -= j->sock_count;
	spawner_use(j->owner)->socks -= j->sock_count;
	j->sock_count = 0;
}

void
jail_free(struct jail *j)
{
	close_sockets(j);
	while (j->conns != NULL)
		conn_end(j->conns, AUDIT_OUTCOME_CANCELLED, 0);
	while (j->dnsconns != NULL)
		dnsconn_free(j->dnsconns);
	names_fini(&j->names);
	snap_release(&j->policy);
	free((void *)(uintptr_t)j->wants.p);
	free(j);
}

/* --- sockets -------------------------------------------------------------------------------------- */

static int
option(int fd, int which)
{
	int		v = -1;
	socklen_t	n = sizeof(v);

	return getsockopt(fd, SOL_SOCKET, which, &v, &n) == -1 ? -1 : v;
}

static bool
is_as_said(int fd, enum egress_socket kind)
{
	int	domain = option(fd, SO_DOMAIN);

	if (domain != AF_INET && domain != AF_INET6)
		return false;
	if (kind == EGRESS_SOCKET_DNS_UDP)
		return option(fd, SO_TYPE) == SOCK_DGRAM && option(fd, SO_PROTOCOL) == IPPROTO_UDP;
	return option(fd, SO_TYPE) == SOCK_STREAM && option(fd, SO_PROTOCOL) == IPPROTO_TCP &&
	    option(fd, SO_ACCEPTCONN) == 1;
}

int
jail_add_socket(struct jail *j, enum egress_socket kind, uint32_t port, int *fd)
{
	struct jsock	*s;
	int		 r;

	if (j->wants.p != NULL || kind < EGRESS_SOCKET_TCP || kind >= EGRESS_SOCKET_LIMIT || port == 0 ||
	    port > UINT16_MAX || !is_as_said(*fd, kind))
		return E_FORMAT;
	if (j->sock_count == EGRESS_SOCKETS_MAX)
		return E_FULL;
	/* Nobody has more than is left for all others. */
	if (spawner_use(j->owner)->socks >= j->e->socks_max - j->e->sock_count) {
		log_warn_repeat(LOG_SUBJECT("tenant", spawner_tenant(j->owner).p), "no way out by port %u for a tool: "
		    "its tenant's tools have %zu sockets; raise LimitNOFILE, or list fewer ports", port,
		    spawner_use(j->owner)->socks);
		fd_close(fd);
		return 0;
	}
	if ((r = fd_set_nonblock(*fd)) != 0)
		return r;
	if ((s = malloc(sizeof(*s))) == NULL)
		return E_NOMEM;
	*s = (struct jsock){ .jail = j, .fd = *fd, .kind = kind, .port = (uint16_t)port };
	*fd = -1;
	j->socks[j->sock_count++] = s;
	j->e->sock_count++;
	spawner_use(j->owner)->socks++;
	if (kind == EGRESS_SOCKET_DNS_UDP)
		dns_prepare(s->fd);
	loop_io_init(j->e->loop, &s->io, s->fd, kind == EGRESS_SOCKET_DNS_UDP ? dns_on_datagram : accept_on_ready, s);
	return 0;
}

static void
listen_again(struct jail *j)
{
	j->paused = false;
	if ((j->policy == NULL && !j->unknown) || j->e->draining)
		return;
	for (unsigned i = 0; i < j->sock_count; i++)
		loop_io_arm(&j->socks[i]->io, LOOP_READ);
}

void
jail_pause(struct jail *j)
{
	j->paused = true;
	for (unsigned i = 0; i < j->sock_count; i++)
		if (j->socks[i]->kind != EGRESS_SOCKET_DNS_UDP)
			loop_io_arm(&j->socks[i]->io, 0);
}

void
jail_begun(struct jail *j)
{
	if (j->begins > 0)
		j->begins--;
	if (j->begins == 0 && !j->paused)
		jail_pause(j);
}

void
jail_stop(struct jail *j)
{
	close_sockets(j);
}

/* --- whose it is ---------------------------------------------------------------------------------- */

/* Until when, by a clock that nobody sets. */
static void
learn_begin(struct jail *j)
{
	uint64_t	now = loop_wall_ms(j->e->loop), until = j->server->learn_until_ms;

	if ((j->server->flags & SERVER_FLAG_LEARN) != 0 && now < until && !spawner_is_learnt(j->owner, j->wants, until))
		j->learn_until_ms = loop_now_ms(j->e->loop) + (until - now);
}

void
jail_learnt(struct jail *j)
{
	j->learn_until_ms = 0;
}

static bool
serve_by(struct jail *j, struct snap *policy)
{
	const struct rec_server	*s;

	if (policy == NULL || (s = policy_server_find(policy, spawner_tenant(j->owner), j->wants)) == NULL)
		return false;
	if (s->kind != SERVER_STDIO || s->net != NET_LIST || s->profile != j->profile)
		return false;
	j->policy = snap_hold(policy);
	j->server = s;
	learn_begin(j);
	listen_again(j);
	return true;
}

int
jail_look(struct jail *j)
{
	if (j->policy != NULL || (j->wants.p != NULL &&
	    (serve_by(j, j->e->snaps.current[SNAP_POLICY]) || serve_by(j, j->e->before))))
		return 0;
	return E_NOTFOUND;
}

int
jail_open(struct jail *j, uint64_t profile, struct span server)
{
	char	*copy;

	if (j->wants.p != NULL || server.n == 0 || server.n > SERVER_NAME_MAX)
		return E_FORMAT;
	if ((copy = strndup(server.p, server.n)) == NULL)
		return E_NOMEM;
	j->wants = span_of(copy);
	j->profile = profile;
	j->wait_until_ms = loop_now_ms(j->e->loop) + JAIL_POLICY_WAIT_MS;
	(void)jail_look(j);
	return 0;
}

/* Closing them would leave its connections waiting, as the spawner has its sockets too. */
void
jail_tick(struct jail *j)
{
	j->refusals = 0;
	j->begins = j->begins + JAIL_BEGINS_TICK < JAIL_BEGINS_MAX ? j->begins + JAIL_BEGINS_TICK : JAIL_BEGINS_MAX;
	if (j->policy == NULL && !j->unknown && j->wants.p != NULL && loop_now_ms(j->e->loop) >= j->wait_until_ms) {
		log_warn(LOG_SUBJECT("tenant", spawner_tenant(j->owner).p),
		    "a tool of \"%s\" gets no way out: no policy has this server as it was started; restart it",
		    j->wants.p);
		j->unknown = true;
		listen_again(j);
	} else if (j->paused) {
		listen_again(j);
	}
}

/* --- what may pass -------------------------------------------------------------------------------- */

static bool
is_learning(const struct jail *j)
{
	return loop_now_ms(j->e->loop) < j->learn_until_ms && loop_wall_ms(j->e->loop) < j->server->learn_until_ms;
}

void
jail_decide(const struct jail *j, const struct reach_host *host, uint16_t port, struct verdict *out)
{
	const struct rec_reach	*r;

	*out = (struct verdict){ .rule = SPAN_LIT("default") };
	if (host->is_address && (out->why = reach_never(&host->address)) != NULL)
		return;
	if ((r = reach_find(j->policy, j->server->reach_first, j->server->reach_count, host, port)) != NULL) {
		out->pass = true;
		out->rule = snap_text(j->policy, r->path);
		out->to_port = r->to_port != 0 ? r->to_port : port;
		if (r->kind == REACH_NAME) {
			out->address.family = r->family;
			memcpy(out->address.bytes, r->bytes, sizeof(out->address.bytes));
		}
		return;
	}
	if (port == 0 || !is_learning(j))
		return;
	/* Names are looked at when they are resolved. */
	if (host->is_address && (out->why = addr_special(&host->address)) != NULL)
		return;
	out->pass = out->learned = true;
	out->rule = SPAN_LIT("learning");
}

bool
jail_knows(const struct jail *j, const struct reach_host *name)
{
	return reach_find_any_port(j->policy, j->server->reach_first, j->server->reach_count, name) != NULL ||
	    is_learning(j);
}

/* --- what did not --------------------------------------------------------------------------------- */

/* Is this the first time? */
static bool
note(struct jail *j, struct span object, const char *method)
{
	uint64_t	hash = hash64(&j->e->key, object) ^ hash64(&j->e->key, span_of(method));

	for (size_t i = 0; i < JAIL_NOTED_MAX; i++)
		if (j->noted[i] == hash)
			return false;
	j->noted[j->noted_next] = hash;
	j->noted_next = (j->noted_next + 1) % JAIL_NOTED_MAX;
	return true;
}

/* A tool in a loop fills neither disk nor log: it gets slower. */
static void
count_refusal(struct jail *j)
{
	if (++j->refusals >= JAIL_REFUSALS_MAX && !j->paused)
		jail_pause(j);
}

static void
record(struct jail *j, struct span object, const char *method, int error)
{
	static const struct verdict	no = { .rule = { "default", 7 } };
	struct audit_fields		f;

	account_start(j, object, method, &no, &f);
	account_finish(AUDIT_OUTCOME_REFUSED, error, &f);
	if (spool_once(j->e->spool, requestid_next(&j->e->ids, loop_wall_ms(j->e->loop)), account_generation(j),
	    &f) != 0)
		log_warn_repeat(LOG_SUBJECT("server", j->wants.p), "a refused connection could not be recorded");
}

void
jail_refused(struct jail *j, struct span object, const char *method, int error, const char *why)
{
	static struct log_repeat	repeat;

	count_refusal(j);
	record(j, object, method, error);
	if (!note(j, object, method) || !log_repeat_ok(&repeat, 5))
		return;
	if (why != NULL)
		log_notice(LOG_SUBJECT("server", j->wants.p), "its tool was refused %.*s: %s", SPAN_FMT(object), why);
	else
		log_notice(LOG_SUBJECT("server", j->wants.p),
		    "its tool was refused %.*s; to let it pass, add \"%.*s\" to %.*s.net", SPAN_FMT(object),
		    SPAN_FMT(object), SPAN_FMT(snap_text(j->policy, j->server->path)));
}

void
jail_refused_room(struct jail *j, struct span object, const char *method)
{
	count_refusal(j);
	record(j, object, method, E_FULL);
	log_warn_repeat(LOG_SUBJECT("server", j->wants.p),
	    "a connection of its tool is refused: %u are open, %zu of its tenant and %zu of all tools",
	    j->conn_count, spawner_use(j->owner)->conns, j->e->conn_count + j->e->dnsconn_count);
}

void
jail_refused_name(struct jail *j, struct span name)
{
	static struct log_repeat	repeat;

	if (j->refusals >= JAIL_REFUSALS_MAX || !note(j, name, "dns"))
		return;
	j->refusals++;
	record(j, name, "dns", E_NET_LIST);
	if (log_repeat_ok(&repeat, 5))
		log_notice(LOG_SUBJECT("server", j->wants.p),
		    "its tool was refused the name %.*s; to let it pass, add \"%.*s:PORT\" to %.*s.net", SPAN_FMT(name),
		    SPAN_FMT(name),
		    SPAN_FMT(snap_text(j->policy, j->server->path)));
}
