/* SPDX-License-Identifier: Apache-2.0
 *
 * steady.h - steady load from clients that never retry: they count what they were not answered, and what was wrong
 *
 * Each call adds two numbers that no other call adds, so that an answer to another request is seen.
 */
#ifndef TESTS_HARNESS_STEADY_H
#define TESTS_HARNESS_STEADY_H

#include <pthread.h>
#include <stdatomic.h>

#include "tests/harness/mcp.h"

#define STEADY_MAX	32

enum steady_kind {
	STEADY_KEEPS,		/* one connection, for as long as the gateway keeps it */
	STEADY_SHORT,		/* one for each request */
	STEADY_LEGACY,		/* a session, which must outlive everything; on one connection */
};

struct steady;

struct steady_client {
	struct steady		*of;
	enum steady_kind	 kind;
	char			 address[320], path[128], key[256], tool[64];
	unsigned		 pause_us;	/* between two requests */
	unsigned		 number;
	pthread_t		 thread;
};

struct steady {
	struct steady_client	 clients[STEADY_MAX];
	unsigned		 count;
	atomic_bool		 stop;
	atomic_uint		 sent, well;
	atomic_uint		 refused;	/* no connection was to be had */
	atomic_uint		 reset;		/* it ended before the answer */
	atomic_uint		 wrong;		/* an error, or another's answer */
	atomic_uint		 longest_ms;
	pthread_mutex_t		 lock;
	char			 first[600];	/* what was first not well */
};

void	steady_init(struct steady *s);
/* Another client, which calls `tool` (two numbers a and b, their sum as text) at this path; nothing is sent yet. */
void	steady_add(struct steady *s, enum steady_kind kind, const char *address, const char *path, const char *key,
	    const char *tool, unsigned pause_us);
/* Each sends until steady_end(), which waits for the answers under way. */
void	steady_start(struct steady *s);
void	steady_end(struct steady *s);
/* Requests that were not well, of whichever kind; says what was first. */
unsigned steady_failed(struct steady *s);

#endif
