/* SPDX-License-Identifier: Apache-2.0
 *
 * shared.c - clients and issuers that several tenants name: at a path without a tenant they are nobody's
 *
 * Process: mcpgw-compile.  Owns: the list of them, the job's.
 */
#include <stdlib.h>

#include "policy/compiler/job.h"

void
shared_note(struct job *j, const struct source *s, const struct conf_node *n, struct span name)
{
	j->shared = list_more(j->shared, j->shared_count, sizeof(*j->shared));
	j->shared[j->shared_count++] = (struct shared_name){ .name = job_dup(j, name),
	    .file = job_fmt(j, "%s", s->shown), .line = n->line, .column = n->column, .tenant = j->tenant_index };
}

static int
shared_cmp(const void *a, const void *b)
{
	const struct shared_name	*x = a, *y = b;
	const int			 r = span_cmp(x->name, y->name);

	return r != 0 ? r : x->tenant < y->tenant ? -1 : x->tenant > y->tenant;
}

void
shared_check(struct job *j)
{
	if (j->shared_count > 1)
		qsort(j->shared, j->shared_count, sizeof(*j->shared), shared_cmp);
	for (size_t i = 1; i < j->shared_count; i++) {
		const struct shared_name	*one = &j->shared[i - 1], *two = &j->shared[i];

		if (one->tenant == two->tenant || !span_eq(one->name, two->name))
			continue;
		job_note(j, NOTE_WARNING, two->file, two->line, two->column, NULL,
		    "\"%.*s\" is named by %s:%u too: who names no tenant in the path (/t/TENANT) is refused",
		    SHOWN(two->name), one->file, one->line);
	}
}
