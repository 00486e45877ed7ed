/* SPDX-License-Identifier: Apache-2.0
 *
 * resolve.c - addresses of names, by c-ares on our loop
 *
 * Process: mcpgw-egress, mcpgw-scout.
 * Owns:    the channel, its sockets' events, lookups under way, a small cache.
 * Trusts:  name servers for nothing but addresses: all of them are looked at before one is used.
 */
#include <ares.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/bug.h"
#include "lib/log.h"
#include "lib/resolve.h"

#define SOCKETS_MAX	32
#define LOOKUPS_MAX	1024
#define CACHE_MAX	256
#define CACHE_MS_MAX	(5 * 60 * 1000)
#define QUERY_MS	1500
#define QUERY_TRIES	2
#define SERVERS_BYTES	1024

struct asocket {
	struct loop_io	 io;
	int		 fd;		/* c-ares's; -1: free */
};

struct cached {
	char		*name;		/* NULL: free */
	uint64_t	 until_ms;
	struct resolved	 what;
};

struct resolver {
	struct loop			*loop;
	ares_channel			 channel;
	struct ares_addr_port_node	*own_servers;
	char				 servers[SERVERS_BYTES];	/* in force; "": own_servers */
	struct asocket			 sockets[SOCKETS_MAX];
	struct loop_timer		 timer;
	unsigned			 lookups;
	struct lookup			*all;		/* these */
	struct cached			 cache[CACHE_MAX];
	unsigned			 cache_next;
};

struct lookup {
	struct resolver	 *r;
	resolved_fn	 *fn;		/* NULL: cancelled */
	void		 *arg;
	struct lookup	**owner;	/* set to NULL before it calls back */
	const void	 *whom;		/* only compared: it may be gone */
	struct lookup	 *next, **back;
	char		  name[];
};

size_t
resolved_in_order(const struct resolved *what, struct addr *to)
{
	size_t	n = 0;

	for (int pass = 0; pass < 2; pass++)
		for (unsigned i = 0; i < what->count; i++)
			if ((what->found[i].family == AF_INET) == (pass == 0))
				to[n++] = what->found[i];
	return n;
}

/* --- c-ares on the loop --------------------------------------------------------------------------- */

static void
timer_set(struct resolver *r)
{
	struct timeval	tv, *t = ares_timeout(r->channel, NULL, &tv);

	loop_timer_disarm(&r->timer);
	if (t != NULL)
		loop_timer_arm(&r->timer, (uint64_t)t->tv_sec * 1000 + (uint64_t)t->tv_usec / 1000 + 1);
}

static void
on_timer(struct loop_timer *t, void *arg)
{
	struct resolver	*r = arg;

	(void)t;
	ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	timer_set(r);
}

static void
on_socket(struct loop_io *io, unsigned what, void *arg)
{
	struct resolver	*r = arg;
	struct asocket	*s = (struct asocket *)(void *)((char *)io - offsetof(struct asocket, io));
	int		 fd = s->fd;

	/* The socket may be closed, and its place be another's, when this comes back. */
	ares_process_fd(r->channel, what & LOOP_READ ? fd : ARES_SOCKET_BAD,
	    what & LOOP_WRITE ? fd : ARES_SOCKET_BAD);
	timer_set(r);
}

static void
on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct resolver	*r = arg;
	struct asocket	*s = NULL;

	for (size_t i = 0; i < SOCKETS_MAX; i++)
		if (r->sockets[i].fd == fd)
			s = &r->sockets[i];
	for (size_t i = 0; i < SOCKETS_MAX && s == NULL && (readable || writable); i++)
		if (r->sockets[i].fd == -1) {
			s = &r->sockets[i];
			s->fd = fd;
			loop_io_init(r->loop, &s->io, fd, on_socket, r);
		}
	/* Without a place its question takes until the timeout. */
	if (s == NULL)
		return;
	if (readable || writable) {
		loop_io_arm(&s->io, (readable ? LOOP_READ : 0) | (writable ? LOOP_WRITE : 0));
		return;
	}
	loop_io_fini(&s->io);
	s->fd = -1;
}

int
resolver_new(struct loop *l, bool search, struct resolver **out)
{
	struct ares_options	 o = {
		.flags = (search ? 0 : ARES_FLAG_NOSEARCH) | ARES_FLAG_NOALIASES, .timeout = QUERY_MS,
		.tries = QUERY_TRIES, .lookups = (char *)(uintptr_t)"b", .sock_state_cb = on_socket_state,
	};
	struct resolver		*r;

	*out = NULL;
	if ((r = calloc(1, sizeof(*r))) == NULL)
		return E_NOMEM;
	r->loop = l;
	for (size_t i = 0; i < SOCKETS_MAX; i++)
		r->sockets[i].fd = -1;
	loop_timer_init(l, &r->timer, on_timer, r);
	o.sock_state_cb_data = r;
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS ||
	    ares_init_options(&r->channel, &o, ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
	    ARES_OPT_SOCK_STATE_CB) != ARES_SUCCESS) {
		free(r);
		return E_SYS;
	}
	if (ares_get_servers_ports(r->channel, &r->own_servers) != ARES_SUCCESS) {
		resolver_free(&r);
		return E_NOMEM;
	}
	*out = r;
	return 0;
}

void
resolver_free(struct resolver **rp)
{
	struct resolver	*r = *rp;

	*rp = NULL;
	if (r == NULL)
		return;
	/* Each lookup hears of it, and calls nobody since r is on its way out. */
	r->loop = NULL;
	ares_destroy(r->channel);
	ares_free_data(r->own_servers);
	loop_timer_disarm(&r->timer);
	for (size_t i = 0; i < CACHE_MAX; i++)
		free(r->cache[i].name);
	free(r);
}

int
resolver_set_servers(struct resolver *r, struct span servers)
{
	char	csv[SERVERS_BYTES];
	size_t	n = 0;
	int	status;

	servers = span_trim(servers);
	if (span_is(servers, r->servers))
		return 0;
	if (servers.n >= sizeof(csv))
		return E_FORMAT;
	for (size_t i = 0; i < servers.n; i++)
		if (servers.p[i] != ' ' && servers.p[i] != '\t')
			csv[n++] = servers.p[i];
		else if (csv[n - 1] != ',')
			csv[n++] = ',';
	csv[n] = '\0';
	/* It takes no others while it asks these. */
	ares_cancel(r->channel);
	status = n == 0 ? ares_set_servers_ports(r->channel, r->own_servers) :
	    ares_set_servers_ports_csv(r->channel, csv);
	timer_set(r);
	if (status != ARES_SUCCESS)
		return E_FORMAT;
	memcpy(r->servers, servers.p == NULL ? "" : servers.p, servers.n);
	r->servers[servers.n] = '\0';
	/* Others may know others. */
	for (size_t i = 0; i < CACHE_MAX; i++)
		r->cache[i].until_ms = 0;
	return 0;
}

/* --- lookups -------------------------------------------------------------------------------------- */

static struct cached *
cache_find(struct resolver *r, const char *name)
{
	for (size_t i = 0; i < CACHE_MAX; i++)
		if (r->cache[i].name != NULL && r->cache[i].until_ms > loop_now_ms(r->loop) &&
		    strcmp(r->cache[i].name, name) == 0)
			return &r->cache[i];
	return NULL;
}

static void
cache_put(struct resolver *r, const char *name, const struct resolved *what, uint64_t ms)
{
	struct cached	*c = &r->cache[r->cache_next];
	char		*copy;

	if (ms == 0 || (copy = strdup(name)) == NULL)
		return;
	r->cache_next = (r->cache_next + 1) % CACHE_MAX;
	free(c->name);
	*c = (struct cached){ .name = copy, .what = *what,
	    .until_ms = loop_now_ms(r->loop) + (ms < CACHE_MS_MAX ? ms : CACHE_MS_MAX) };
}

/* All addresses, and for how long they hold. */
static uint64_t
take_addresses(const struct ares_addrinfo *ai, struct resolved *out)
{
	uint64_t	 ttl_s = UINT32_MAX;
	const char	*special;
	struct addr	 a;
	uint16_t	 port;

	for (const struct ares_addrinfo_node *n = ai->nodes; n != NULL; n = n->ai_next) {
		if (addr_from_sockaddr(n->ai_addr, n->ai_addrlen, &a, &port) != 0)
			continue;
		if (n->ai_ttl >= 0 && (uint64_t)n->ai_ttl < ttl_s)
			ttl_s = (uint64_t)n->ai_ttl;
		special = addr_special(&a);
		if (special != NULL && out->special == NULL) {
			out->special = special;
			out->bad = a;
		}
		if (out->count < RESOLVE_ADDRESSES_MAX)
			out->found[out->count++] = a;
	}
	return ttl_s * 1000;
}

static int
error_of(int status)
{
	switch (status) {
	case ARES_SUCCESS:
		return 0;
	case ARES_ETIMEOUT:
		return E_TIMEOUT;
	case ARES_ENOMEM:
		return E_NOMEM;
	default:
		return E_NET_NAME;
	}
}

static void
on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *ai)
{
	struct lookup	*k = arg;
	struct resolver	*r = k->r;
	struct resolved	 what = { .error = error_of(status),
	    .none = status == ARES_ENOTFOUND || status == ARES_ENODATA };
	uint64_t	 ms = 0;

	(void)timeouts;
	r->lookups--;
	*k->back = k->next;
	if (k->next != NULL)
		k->next->back = k->back;
	if (ai != NULL) {
		if (what.error == 0)
			what.ttl_ms = ms = take_addresses(ai, &what);
		ares_freeaddrinfo(ai);
	}
	if (what.error == 0 && what.count == 0) {
		what.error = E_NET_NAME;
		what.none = true;
	}
	if (r->loop == NULL)
		k->fn = NULL;
	else if (what.error == 0)
		cache_put(r, k->name, &what, ms);
	if (k->owner != NULL)
		*k->owner = NULL;
	if (k->fn != NULL)
		k->fn(&what, k->arg);
	free(k);
}

static unsigned
lookups_of(const struct resolver *r, const void *whom)
{
	unsigned	n = 0;

	for (const struct lookup *k = r->all; k != NULL; k = k->next)
		n += k->whom == whom;
	return n;
}

void
resolver_find(struct resolver *r, const char *name, const void *whom, resolved_fn *fn, void *arg, struct lookup **out)
{
	static const struct ares_addrinfo_hints	hints = { .ai_flags = ARES_AI_NOSORT, .ai_family = AF_UNSPEC,
	    .ai_socktype = SOCK_STREAM };
	struct cached				*c = cache_find(r, name);
	struct resolved				 what = { 0 };
	struct lookup				*k = NULL;
	size_t					 bytes = strlen(name) + 1;

	*out = NULL;
	if (c != NULL) {
		what = c->what;
		what.ttl_ms = 0;
		fn(&what, arg);
		return;
	}
	if (lookups_of(r, whom) >= LOOKUPS_MAX - r->lookups)
		what.error = E_FULL;
	else if ((k = calloc(1, sizeof(*k) + bytes)) == NULL)
		what.error = E_NOMEM;
	if (k == NULL) {
		fn(&what, arg);
		return;
	}
	*k = (struct lookup){ .r = r, .fn = fn, .arg = arg, .owner = out, .whom = whom, .next = r->all,
	    .back = &r->all };
	memcpy(k->name, name, bytes);
	if (r->all != NULL)
		r->all->back = &k->next;
	r->all = k;
	r->lookups++;
	*out = k;
	ares_getaddrinfo(r->channel, name, NULL, &hints, on_answer, k);
	timer_set(r);
}

void
lookup_cancel(struct lookup **kp)
{
	struct lookup	*k = *kp;

	*kp = NULL;
	if (k == NULL)
		return;
	k->fn = NULL;
	k->owner = NULL;
}
