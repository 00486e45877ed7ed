/* SPDX-License-Identifier: Apache-2.0
 *
 * rollback.c - the policy that served before, kept for `mcpgwctl rollback`
 *
 * Process: master.
 * Owns:    descriptors of sealed snapshots.
 * Trusts:  them, as they were verified when they were made.
 *
 * A reload that changes nothing keeps what is kept: the way back leads to another policy.  Nothing is kept over a
 * restart, which reads the files.
 */
#include <fcntl.h>
#include <string.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "master/master.h"
#include "policy/renumber.h"

#define KINDS	(1u << SNAP_POLICY | 1u << SNAP_PROFILE | 1u << SNAP_SECRETS)

void
rollback_init(struct rollback *b)
{
	*b = (struct rollback){ .from = 0 };
	snapset_init(&b->before);
}

void
rollback_fini(struct rollback *b)
{
	snapset_fini(&b->before);
}

static struct span
consumer_of(const struct snapitem *item)
{
	return span_make(item->head.consumer, strnlen(item->head.consumer, sizeof(item->head.consumer)));
}

static bool
same_content(const struct snapset *a, const struct snapset *b)
{
	const struct snapitem	*other;

	for (size_t i = 0; i < a->count; i++) {
		if ((KINDS & 1u << a->items[i].head.kind) == 0)
			continue;
		other = snapset_find(b, (enum snap_kind)a->items[i].head.kind, consumer_of(&a->items[i]));
		if (other == NULL || other->head.content_hash != a->items[i].head.content_hash)
			return false;
	}
	return true;
}

/* Every kind of a policy in `from`: as they are, or numbered anew. */
static int
copy(const struct snapset *from, uint64_t generation, struct snapset *to)
{
	int	fd, r = 0;

	for (size_t i = 0; i < from->count && r == 0; i++) {
		const struct snapitem	*item = &from->items[i];
		const uint64_t		 number = generation == 0 ? item->head.generation : generation;

		if ((KINDS & 1u << item->head.kind) == 0)
			continue;
		if (generation != 0)
			r = renumber_copy(item->fd, generation, &fd);
		else if ((fd = fcntl(item->fd, F_DUPFD_CLOEXEC, 0)) == -1)
			r = E_SYS;
		if (r == 0)
			r = snapset_take(to, &fd, item->head.kind, consumer_of(item), number);
	}
	if (r != 0)
		snapset_fini(to);
	return r;
}

bool
rollback_save(struct master *m, const struct snapset *next, struct snapset *was)
{
	int	r;

	snapset_init(was);
	if (m->policy_generation == 0 || (same_content(&m->in_force, next) && same_content(next, &m->in_force)))
		return false;
	if ((r = copy(&m->in_force, 0, was)) != 0)
		log_warn(NULL, "generation %llu cannot be kept for a rollback: %s",
		    (unsigned long long)m->policy_generation, err_text(r));
	return true;
}

void
rollback_kept(struct master *m, struct snapset *was)
{
	snapset_fini(&m->rollback.before);
	m->rollback.before = *was;
	snapset_init(was);
}

int
rollback_take(struct master *m, uint64_t generation, struct snapset *out)
{
	snapset_init(out);
	if (snapset_find(&m->rollback.before, SNAP_POLICY, SPAN_NONE) == NULL)
		return E_NOTFOUND;
	return copy(&m->rollback.before, generation, out);
}
