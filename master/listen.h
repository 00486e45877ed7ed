/* SPDX-License-Identifier: Apache-2.0
 *
 * listen.h - listening sockets: opened by the master, shared by all workers
 */
#ifndef MASTER_LISTEN_H
#define MASTER_LISTEN_H

#include "ipc/codec.h"
#include "policy/params.h"

#define LISTENERS_MAX	8
#define LISTEN_ADDRESS	128

struct listener {
	enum listen_kind kind;
	int		 fd;
	uint32_t	 number;			/* no other one's, to workers */
	char		 asked[LISTEN_ADDRESS];		/* as the parameter says */
	char		 address[LISTEN_ADDRESS];	/* the real one: port 0 became a number */
};

struct listeners {
	struct listener	items[LISTENERS_MAX];
	size_t		count;
	uint32_t	last_number;
};

/* Opens what the parameters name; what is in `open` already is the same socket again, so that nobody who waits there
 * is lost.  system: the unix socket is for group mcpgw.  On an error `open` is as it was, the rest closed, and *why (of
 * why_bytes) says which and what to do: E_EXISTS (in use), E_FORMAT (not an address), E_SYS. */
must_check int	listen_open(struct listeners *l, const struct listeners *open, const struct params *p, bool system,
		    char *why, size_t why_bytes);
/* Closes; unix sockets are removed, but not those that `keep` has, too. */
void		listen_give_up(struct listeners *l, const struct listeners *keep);
void		listen_close(struct listeners *l);
bool		listen_has(const struct listeners *l, uint32_t number);
/* run_dir/ready: one line each, "mcp 127.0.0.1:8080". */
must_check int	listen_write_ready(const struct listeners *l, int run_fd);
const char	*listen_kind_name(enum listen_kind k);

/* A listening unix socket in place of a dead one: mode, and group when it exists.  E_EXISTS when
 * somebody answers there.  *fd is the caller's. */
must_check int	listen_unix(const char *path, int type, unsigned mode, const char *group, int *fd);

/* "pid 3120 (node)", whoever listens on this TCP address; empty when it cannot be seen. */
struct sockaddr;
void		holder_find(const struct sockaddr *sa, char *who, size_t who_bytes);

#endif
