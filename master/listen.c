/* SPDX-License-Identifier: Apache-2.0
 *
 * listen.c - listening sockets: opened once by the master, shared by all workers
 *
 * Process: master.
 * Owns:    the sockets: they outlive every worker, so no queued connection is ever reset by a death.
 * Trusts:  the parameters' form no further than getaddrinfo() with numbers only.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "master/listen.h"
#include "policy/listens.h"

#define READY_BYTES	2048
#define NEAR_STEP	10	/* from a port that is taken to the next one to propose */
#define NEAR_TRIES	8

const char *
listen_kind_name(enum listen_kind k)
{
	switch (k) {
	case LISTEN_MCP:
		return "mcp";
	case LISTEN_ADMIN:
		return "admin";
	case LISTEN_TLS:
	case LISTEN_TLS_MAY:
	case LISTEN_TLS_MUST:
		return "tls";
	case LISTEN_LOCAL:
	case LISTEN_KIND_LIMIT:
	default:
		return "local";
	}
}

/* "127.0.0.1:8080", "[::1]:8080", "localhost:8080". */
static int
address_parse(struct span text, struct addrinfo **out)
{
	static const struct addrinfo	 hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV |
	    AI_PASSIVE, .ai_socktype = SOCK_STREAM };
	char				 copy[LISTEN_ADDRESS], *host = copy, *port;

	if (text.n == 0 || text.n >= sizeof(copy))
		return E_FORMAT;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	if ((port = strrchr(copy, ':')) == NULL)
		return E_FORMAT;
	*port++ = '\0';
	if (host[0] == '[' && port - host >= 3 && port[-2] == ']') {
		host++;
		port[-2] = '\0';
	} else if (strchr(host, ':') != NULL) {
		return E_FORMAT;
	}
	if (strcmp(host, "localhost") == 0)
		host = (char *)(uintptr_t)"127.0.0.1";
	return getaddrinfo(host[0] == '\0' ? NULL : host, port, &hints, out) == 0 ? 0 : E_FORMAT;
}

static void
address_print(const struct sockaddr *sa, socklen_t bytes, char *to, size_t room)
{
	char	host[64] = "?", port[16] = "?";

	(void)getnameinfo(sa, bytes, host, sizeof(host), port, sizeof(port),
	    NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(to, room, sa->sa_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

/* An address of the same host that can be had now, for a line of help; empty when none near this port can. */
static void
address_near(const struct addrinfo *ai, char *to, size_t room)
{
	struct sockaddr_storage	 sa = { 0 };
	in_port_t		*port = ai->ai_family == AF_INET6 ? &((struct sockaddr_in6 *)&sa)->sin6_port :
				    &((struct sockaddr_in *)&sa)->sin_port;
	int			 fd, taken = -1;

	to[0] = '\0';
	memcpy(&sa, ai->ai_addr, ai->ai_addrlen);
	for (int i = 0; i < NEAR_TRIES && taken == -1 && ntohs(*port) < UINT16_MAX - NEAR_STEP; i++) {
		*port = htons((uint16_t)(ntohs(*port) + NEAR_STEP));
		if ((fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
			return;
		taken = bind(fd, (struct sockaddr *)&sa, ai->ai_addrlen);
		fd_close(&fd);
	}
	if (taken == 0)
		address_print((struct sockaddr *)&sa, ai->ai_addrlen, to, room);
}

/* Of "ADDRESS:PORT", the address. */
static int
host_bytes(struct span text)
{
	size_t	n = text.n;

	while (n > 0 && text.p[n - 1] != ':')
		n--;
	return n > 0 ? (int)n - 1 : 0;
}

static int
open_tcp(struct listener *l, const char *param, struct span text, char *why, size_t why_bytes)
{
	struct addrinfo		*ai = NULL;
	struct sockaddr_storage	 real;
	socklen_t		 bytes = sizeof(real);
	char			 who[96], another[LISTEN_ADDRESS];
	int			 on = 1, r;

	if ((r = address_parse(text, &ai)) != 0) {
		snprintf(why, why_bytes, "%s %.*s: not an address; write it like 127.0.0.1:8080",
		    param, SPAN_FMT(text));
		return r;
	}
	l->fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	r = E_SYS;
	if (l->fd == -1)
		goto fail;
	(void)setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ai->ai_family == AF_INET6)
		(void)setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(l->fd, ai->ai_addr, ai->ai_addrlen) == -1 || listen(l->fd, SOMAXCONN) == -1 ||
	    getsockname(l->fd, (struct sockaddr *)&real, &bytes) == -1)
		goto fail;
	address_print((struct sockaddr *)&real, bytes, l->address, sizeof(l->address));
	freeaddrinfo(ai);
	return 0;
 fail:
	if (errno == EADDRINUSE) {
		r = E_EXISTS;
		holder_find(ai->ai_addr, who, sizeof(who));
		address_near(ai, another, sizeof(another));
		snprintf(why, why_bytes, "%s %.*s: in use%s%s. Choose another: mcpgwctl conf -e %s=%s", param,
		    SPAN_FMT(text), who[0] == '\0' ? "" : " by ", who, param, another);
	} else if (errno == EADDRNOTAVAIL) {
		snprintf(why, why_bytes, "%s %.*s: this machine has no such address; to see those it has: ip address",
		    param, SPAN_FMT(text));
	} else if (errno == EACCES) {
		/* net.ipv4.ip_unprivileged_port_start says from where on. */
		snprintf(why, why_bytes, "%s %.*s: such a low port takes root, or a service that has "
		    "CAP_NET_BIND_SERVICE. Choose another: mcpgwctl conf -e %s=%.*s:8080", param, SPAN_FMT(text), param,
		    host_bytes(text), text.p);
	} else {
		snprintf(why, why_bytes, "%s %.*s: %s", param, SPAN_FMT(text), strerror(errno));
	}
	fd_close(&l->fd);
	freeaddrinfo(ai);
	return r;
}

/* Does anybody still answer at this socket? */
static bool
unix_is_alive(const struct sockaddr_un *sa, int type)
{
	int	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool	alive;

	alive = fd != -1 && (connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) == 0 ||
	    errno == EAGAIN);
	fd_close(&fd);
	return alive;
}

int
listen_unix(const char *path, int type, unsigned mode, const char *group, int *out)
{
	struct sockaddr_un	 sa = { .sun_family = AF_UNIX };
	struct group		*gr;
	mode_t			 mask;
	int			 fd, saved;

	*out = -1;
	if (strlen(path) >= sizeof(sa.sun_path)) {
		errno = ENAMETOOLONG;
		return E_TOOBIG;
	}
	strcpy(sa.sun_path, path);
	if (unix_is_alive(&sa, type)) {
		errno = EADDRINUSE;
		return E_EXISTS;
	}
	(void)unlink(path);
	if ((fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1)
		return E_SYS;
	/* Nobody else may connect before owner and mode are right. */
	mask = umask(0177);
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == -1) {
		saved = errno;
		umask(mask);
		fd_close(&fd);
		errno = saved;
		return E_SYS;
	}
	umask(mask);
	gr = group == NULL ? NULL : getgrnam(group);
	if (gr != NULL && chown(path, (uid_t)-1, gr->gr_gid) == -1)
		gr = NULL;
	if ((gr != NULL && chmod(path, (mode_t)mode) == -1) || listen(fd, SOMAXCONN) == -1) {
		saved = errno;
		fd_close(&fd);
		(void)unlink(path);
		errno = saved;
		return E_SYS;
	}
	*out = fd;
	return 0;
}

static int
open_local(struct listener *l, struct span text, bool system, char *why, size_t why_bytes)
{
	int	r;

	if (text.n >= sizeof(l->address)) {
		snprintf(why, why_bytes, "socket %.*s: longer than the %d characters a unix socket may have",
		    SPAN_FMT(text), (int)sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
		return E_FORMAT;
	}
	snprintf(l->address, sizeof(l->address), "%.*s", SPAN_FMT(text));
	r = listen_unix(l->address, SOCK_STREAM, 0660, system ? "mcpgw" : NULL, &l->fd);
	if (r != 0)
		snprintf(why, why_bytes, "socket %s: %s", l->address, strerror(errno));
	return r;
}

/* What the parameters want, in the order of `ready`. */
struct wanted {
	enum listen_kind kind;
	struct span	 text;
};

static enum listen_kind
kind_of(const struct listens_entry *e)
{
	if (!e->tls)
		return LISTEN_MCP;
	return e->client == LISTENS_CLIENT_REQUIRED ? LISTEN_TLS_MUST :
	    e->client == LISTENS_CLIENT_OPTIONAL ? LISTEN_TLS_MAY : LISTEN_TLS;
}

static int
want_all(const struct params *p, struct wanted w[LISTENERS_MAX], size_t *n, char *why, size_t why_bytes)
{
	struct span		list = p->listen;
	struct listens_entry	e;

	*n = 0;
	while (listens_next(&list, &e)) {
		if (*n == LISTENS_MAX) {
			snprintf(why, why_bytes, "listen: more than %d addresses", LISTENS_MAX);
			return E_FORMAT;
		}
		w[(*n)++] = (struct wanted){ kind_of(&e), e.address };
	}
	if (p->admin_listen.n > 0)
		w[(*n)++] = (struct wanted){ LISTEN_ADMIN, p->admin_listen };
	if (p->socket.n > 0)
		w[(*n)++] = (struct wanted){ LISTEN_LOCAL, p->socket };
	return 0;
}

/* One that is open already at what was asked for in the same words; a unix socket is none for TCP.  Of several the
 * one of this kind: port 0 may be asked for twice. */
static const struct listener *
find_open(const struct listeners *l, const struct wanted *w)
{
	const struct listener	*other = NULL;

	for (size_t i = 0; i < l->count; i++) {
		if (!span_is(w->text, l->items[i].asked) ||
		    (l->items[i].kind == LISTEN_LOCAL) != (w->kind == LISTEN_LOCAL))
			continue;
		if (l->items[i].kind == w->kind)
			return &l->items[i];
		other = &l->items[i];
	}
	return other;
}

static int
open_one(struct listener *l, const struct wanted *w, const struct listener *open, bool system, char *why,
    size_t why_bytes)
{
	if (open != NULL) {
		memcpy(l->address, open->address, sizeof(l->address));
		if (open->kind == w->kind)
			l->number = open->number;
		if ((l->fd = fcntl(open->fd, F_DUPFD_CLOEXEC, 0)) != -1)
			return 0;
		snprintf(why, why_bytes, "%s %s: %s", listen_kind_name(w->kind), l->address, strerror(errno));
		return E_SYS;
	}
	if (w->kind == LISTEN_LOCAL)
		return open_local(l, w->text, system, why, why_bytes);
	return open_tcp(l, w->kind == LISTEN_ADMIN ? "admin_listen" : "listen", w->text, why, why_bytes);
}

int
listen_open(struct listeners *l, const struct listeners *open, const struct params *p, bool system, char *why,
    size_t why_bytes)
{
	struct wanted	w[LISTENERS_MAX];
	struct listeners left = *open;		/* what nobody of `w` has yet */
	size_t		n;
	int		r;

	*l = (struct listeners){ .last_number = open->last_number };
	r = want_all(p, w, &n, why, why_bytes);
	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct listener	*had = find_open(&left, &w[i]);
		struct listener		*one = &l->items[l->count++];

		*one = (struct listener){ .kind = w[i].kind, .fd = -1, .number = ++l->last_number };
		snprintf(one->asked, sizeof(one->asked), "%.*s", SPAN_FMT(w[i].text));
		r = open_one(one, &w[i], had, system, why, why_bytes);
		if (had != NULL)
			left.items[had - left.items].asked[0] = '\0';
	}
	if (r != 0)
		listen_give_up(l, open);
	return r;
}

static bool
has_address(const struct listeners *l, const char *address)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->items[i].kind == LISTEN_LOCAL && strcmp(l->items[i].address, address) == 0)
			return true;
	return false;
}

void
listen_give_up(struct listeners *l, const struct listeners *keep)
{
	for (size_t i = 0; i < l->count; i++) {
		if (l->items[i].kind == LISTEN_LOCAL && l->items[i].fd != -1 && !has_address(keep, l->items[i].address))
			(void)unlink(l->items[i].address);
		fd_close(&l->items[i].fd);
	}
	l->count = 0;
}

void
listen_close(struct listeners *l)
{
	static const struct listeners	none;

	listen_give_up(l, &none);
}

bool
listen_has(const struct listeners *l, uint32_t number)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->items[i].number == number)
			return true;
	return false;
}

int
listen_write_ready(const struct listeners *l, int run_fd)
{
	char	text[READY_BYTES];
	size_t	at = 0;
	int	fd, r;

	for (size_t i = 0; i < l->count; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s %s\n",
		    listen_kind_name(l->items[i].kind), l->items[i].address);
	fd = openat(run_fd, "ready.new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd == -1)
		return E_SYS;
	r = fd_write_all(fd, span_make(text, at));
	fd_close(&fd);
	/* Whoever sees the file sees all of it. */
	if (r == 0 && renameat(run_fd, "ready.new", run_fd, "ready") == -1)
		r = E_SYS;
	return r;
}
