/* SPDX-License-Identifier: Apache-2.0
 *
 * query.h - short-lived mcpgw-audit processes that answer mcpgwctl under the writer's uid
 */
#ifndef MASTER_QUERY_H
#define MASTER_QUERY_H

#include <sys/queue.h>
#include <sys/types.h>

#include "lib/err.h"
#include "lib/span.h"

struct ctl_conn;
struct master;
struct query;

LIST_HEAD(queries, query);

/* `mcpgw-audit --query ARG... DIR`; args: each ended by NUL, borrowed.  out and err stay the
 * caller's.  ctlsock_on_query_end() tells its exit code.  0, E_TOOBIG, E_NOMEM or E_SYS. */
must_check int	query_start(struct master *m, struct ctl_conn *c, struct span args, int out, int err);
/* Nobody waits for it any more: ends it. */
void		query_forget(struct master *m, struct ctl_conn *c);
/* A process ended that is no child of the table. */
void		query_on_exit(struct master *m, pid_t pid, int wait_status);
/* Ends all. */
void		query_kill_all(struct master *m);

#endif
