/* SPDX-License-Identifier: Apache-2.0
 *
 * origin.c - what is known of a legacy server, whoever calls it: which names ask, has it streams
 *
 * Process: worker.  Owns: one origin per profile, while anybody holds it.
 * Trusts:  nothing; what is wrong here costs that server's own calls.
 */
#include <stdlib.h>

#include "lib/bug.h"
#include "upstream/origin.h"

/* The server may be changed for one that has streams, and its sessions may outlive that. */
#define STREAMLESS_MS	(60 * UINT64_C(60000))

struct origin *
origin_find(struct upstream *u, uint64_t profile)
{
	struct origin	*o;

	for (o = u->origins; o != NULL && o->profile != profile; o = o->next)
		;
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
	if (--o->refs > 0)
		return;
	for (link = &o->u->origins; *link != o; link = &(*link)->next)
		;
	*link = o->next;
	learn_free(&o->learnt);
	free(o);
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
