/* SPDX-License-Identifier: Apache-2.0
 *
 * stores.h - what tests of a gateway's durable tables ask of it, again and again
 */
#ifndef TESTS_FAULT_STORES_H
#define TESTS_FAULT_STORES_H

#include "tests/harness/gateway.h"

/* A gateway with DEMO_SERVERS, DEMO_RULES and these parameters (NULL: none), and the keys of both agents of these. */
extern char	stores_writer[256], stores_reader[256];
void	stores_begin(struct gateway *g, const char *conf);

/* 0: refused; else whether that tool of the server notes was called with this key (NULL: none). */
int	stores_call(const struct gateway *g, const char *key, const char *tool);
/* Of this program of the gateway, or 0. */
pid_t	stores_pid(const struct gateway *g, const char *program);
off_t	stores_bytes(const char *path);

/* Nobody may do what he might not before; and whoever might may still. */
void	stores_expect_no_more(const struct gateway *g, const char *what);
void	stores_expect_as_before(const struct gateway *g, const char *what);

/* Of a gateway that has ended: its state is kept; its state is what was kept. */
void	stores_keep(const struct gateway *g);
void	stores_put_back(const struct gateway *g);

/* For wait_until(): a key can be added, arg is a const struct gateway. */
bool	stores_take_keys(void *arg);
/* The audit is whole, and has so many calls of list_notes. */
struct stores_records {
	const struct gateway	*g;
	size_t			 count;
};
bool	stores_recorded(void *arg);

#endif
