/* SPDX-License-Identifier: Apache-2.0
 *
 * kept.h - the last events of streams, kept for clients who come back for them
 *
 * Bounded in bytes and in streams, for the worker, for each principal and for each stream.  Where there is no
 * room a stream that has ended is pushed out, the one that ended first; else the writer's own oldest events
 * are.  What is not kept cannot be had again, and nothing else is wrong.
 */
#ifndef WORKER_STREAMS_KEPT_H
#define WORKER_STREAMS_KEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"

struct kept_limits {
	size_t	bytes, owner_bytes, stream_bytes;
	size_t	streams, owner_streams;
};

struct kept_store;
struct kept_owner;

struct kept {			/* one stream; embedded by whoever writes it */
	uint32_t		 magic;
	struct kept_store	*store;
	struct kept_owner	*owner;
	struct kept		*bucket_next;
	struct kept		*older, *newer;	/* among those that have ended */
	uint64_t		 number[2];
	uint64_t		 ended_ms;
	uint64_t		 lost;		/* where the last event stands that is not kept */
	struct buf		 events;	/* each behind a struct kept_head */
	size_t			 open;		/* where in them the one begins that is being written */
	uint64_t		 open_at;
	bool			 writing, skipping, ended;
};

/* A stream that had ended was pushed out; its owner frees it. */
typedef void kept_gone_fn(struct kept *k, void *arg);
/* One whole event.  Borrowed for the call. */
typedef void kept_event_fn(struct span text, void *arg);

/* No limit is above 0 before kept_set_limits().  E_NOMEM. */
must_check int	kept_store_new(kept_gone_fn *gone, void *arg, struct kept_store **out);
/* No stream is in it any more. */
void		kept_store_free(struct kept_store **s);
void		kept_set_limits(struct kept_store *s, const struct kept_limits *limits);
size_t		kept_bytes(const struct kept_store *s);

/* A stream of this principal begins.  0; E_FULL: no room for one more; E_NOMEM.  After an error k is nothing. */
must_check int	kept_begin(struct kept_store *s, struct kept *k, uint64_t principal, const uint64_t number[2]);
/* An event that stands at `at`, which only grows; its text in any number of pieces; and its end. */
void		kept_event_begin(struct kept *k, uint64_t at);
void		kept_put(struct kept *k, struct span text);
void		kept_event_end(struct kept *k);
/* Nothing more comes: from now on it may be pushed out. */
void		kept_end(struct kept *k, uint64_t now_ms);
/* Forgets it; the gone function is not called. */
void		kept_fini(struct kept *k);

/* The stream of this number, or NULL; valid until the next call of this header that is not a question. */
struct kept	*kept_find(const struct kept_store *s, const uint64_t number[2]);
/* Is every whole event behind this place still here? */
bool		kept_has_after(const struct kept *k, uint64_t at);
/* Is there any? */
bool		kept_has_any_after(const struct kept *k, uint64_t at);
/* Those, in order; how many. */
size_t		kept_each_after(const struct kept *k, uint64_t at, kept_event_fn *fn, void *arg);
/* Pushes out what ended at or before this time; when the next one ended, 0: none is left. */
uint64_t	kept_expire(struct kept_store *s, uint64_t until_ms);

#endif
