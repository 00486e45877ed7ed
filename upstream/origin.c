/* SPDX-License-Identifier: Apache-2.0
 *
 * origin.c - what is known of a server, whoever calls it: which names ask, has it streams
 *
 * Process: worker.  Owns: one origin per profile, while anybody holds it, or it has no streams.
 * Trusts:  nothing; what is wrong here costs that server's own calls.
 */
#include <stdlib.h>

#include "lib/bug.h"
#include "upstream/origin.h"

/* The server may be changed for one that has streams, and its sessions may outlive that. */
#define STREAMLESS_MS	(60 * UINT64_C(60000))

static void
drop(struct origin **link)
{
	struct origin	*o = *link;

	*link = o->next;
	learn_free(&o->learnt);
	free(o);
}

struct origin *
origin_find(struct upstream *u, uint64_t profile)
{
	struct origin	**link = &u->origins, *o = NULL;

	while (*link != NULL) {
		if ((*link)->profile == profile)
			o = *link;
		else if ((*link)->refs == 0 && !origin_is_streamless(*link)) {
			drop(link);
			continue;
		}
		link = &(*link)->next;
	}
	if (o == NULL) {
		if ((o = calloc(1, sizeof(*o))) == NULL)
			return NULL;
		o->u = u;
		o->profile = profile;
		o->next = u->origins;
		u->origins = o;
	}
	o->refs++;
	return o;
}

void
origin_unref(struct origin **op)
{
	struct origin	*o = *op, **link;

	*op = NULL;
	if (o == NULL)
		return;
	BUG_ON(o->refs == 0);
	if (--o->refs > 0 || origin_is_streamless(o))
		return;
	for (link = &o->u->origins; *link != o; link = &(*link)->next)
		;
	drop(link);
}

void
origin_free_all(struct upstream *u)
{
	while (u->origins != NULL) {
		BUG_ON(u->origins->refs > 0);
		drop(&u->origins);
	}
}

void
origin_set_streamless(struct origin *o)
{
	o->streamless_until_ms = loop_now_ms(o->u->loop) + STREAMLESS_MS;
}

bool
origin_is_streamless(const struct origin *o)
{
	return loop_now_ms(o->u->loop) < o->streamless_until_ms;
}

bool
origin_streamless_now(const struct upstream *u, uint64_t profile)
{
	const struct origin	*o;

	for (o = u->origins; o != NULL && o->profile != profile; o = o->next)
		;
	return o != NULL && origin_is_streamless(o);
}
