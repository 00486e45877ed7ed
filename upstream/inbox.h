/* SPDX-License-Identifier: Apache-2.0
 *
 * inbox.h - who waits for an answer that comes on another stream than its request went, by request id
 */
#ifndef UPSTREAM_INBOX_H
#define UPSTREAM_INBOX_H

#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"

#define INBOX_BUCKETS	64

struct inbox;
struct inbox_seat;

/* It has one more or one less. */
typedef void inbox_fn(struct inbox *in);

struct inbox {			/* embedded; its seats leave before it goes */
	struct inbox_seat	*buckets[INBOX_BUCKETS];
	size_t			 count;
	inbox_fn		*on_change;
};

struct inbox_seat {		/* embedded in what waits; all zero: it does not */
	struct inbox		*in;
	struct inbox_seat	*next, **link;
	uint64_t		 id;
};

void			inbox_init(struct inbox *in, inbox_fn *on_change);
/* id: decimal, no other's in it. */
void			inbox_put(struct inbox *in, struct inbox_seat *s, struct span id);
/* No-op when it does not wait. */
void			inbox_leave(struct inbox_seat *s);
/* The one that waits for an answer with this raw id, or NULL. */
struct inbox_seat	*inbox_find(const struct inbox *in, struct span id);
/* Any, or NULL. */
struct inbox_seat	*inbox_first(const struct inbox *in);

#endif
