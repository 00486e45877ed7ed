/* SPDX-License-Identifier: Apache-2.0
 *
 * groups.h - rows that a decision cannot tell apart, counted: who, what, and how it was decided
 */
#ifndef AUDIT_AUDITOR_GROUPS_H
#define AUDIT_AUDITOR_GROUPS_H

#include "audit/db.h"
#include "lib/buf.h"

#define GROUPS_MAX	(256 * 1024)

struct groups;

/* E_NOMEM. */
must_check int	groups_new(struct groups **out);
void		groups_free(struct groups **g);
/* Counts the row among its like.  E_FULL: there are too many kinds of them; E_NOMEM. */
must_check int	groups_add(struct groups *g, const struct auditdb_row *row);
/* Each as a line of JSON, in the order in which they came first: {"tenant", "principal", "how", "agent", "server",
 * "kind", "object", "client", "decision", "count", "first_ms", "last_ms"}.  fn may drain `to`; not 0 ends it. */
typedef int groups_line_fn(void *arg);
must_check int	groups_print(const struct groups *g, struct buf *to, groups_line_fn *fn, void *arg);

#endif
