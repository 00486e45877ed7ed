/* SPDX-License-Identifier: Apache-2.0
 *
 * kept.c - the last events of streams, kept for clients who come back for them
 *
 * Process: worker.  Owns: the events, and what each principal has of them.
 * Trusts:  its caller for what an event is.
 */
#include <stdlib.h>

#include "lib/bug.h"
#include "worker/streams/kept.h"

#define KEPT_MAGIC	0x4e970001u
#define BUCKETS		1024

/* Before each event's text. */
struct kept_head {
	uint64_t	at;
	uint64_t	bytes;
};

struct kept_owner {
	struct kept_owner	*next;
	uint64_t		 principal;
	size_t			 bytes, streams;
};

struct kept_store {
	struct kept_limits	 limits;
	kept_gone_fn		*gone;
	void			*arg;
	size_t			 bytes, streams;
	struct kept		*oldest, *newest;	/* that have ended */
	struct kept		*by_number[BUCKETS];
	struct kept_owner	*owners[BUCKETS];
};

/* --- whose it is ------------------------------------------------------------------------------ */

static struct kept_owner **
owner_find(struct kept_store *s, uint64_t principal)
{
	struct kept_owner	**at = &s->owners[principal % BUCKETS];

	while (*at != NULL && (*at)->principal != principal)
		at = &(*at)->next;
	return at;
}

static void
owner_leave(struct kept *k)
{
	struct kept_owner	*o = k->owner, **at;

	k->owner = NULL;
	k->store->streams--;
	if (--o->streams > 0)
		return;
	at = owner_find(k->store, o->principal);
	*at = o->next;
	free(o);
}

static void
count(struct kept *k, size_t more, size_t less)
{
	k->owner->bytes += more - less;
	k->store->bytes += more - less;
}

/* --- pushing out ------------------------------------------------------------------------------ */

static void
push_out(struct kept *k)
{
	struct kept_store	*s = k->store;

	kept_fini(k);
	s->gone(k, s->arg);
}

/* The first that ended, of this owner; of any: NULL. */
static bool
push_out_one(struct kept_store *s, const struct kept_owner *o)
{
	struct kept	*k = s->oldest;

	while (k != NULL && o != NULL && k->owner != o)
		k = k->newer;
	if (k == NULL)
		return false;
	push_out(k);
	return true;
}

static void
drop(struct kept *k, size_t n)
{
	buf_drain(&k->events, n);
	count(k, 0, n);
	if (k->writing)
		k->open -= n;
}

/* Its oldest event, but not the one that is being written. */
static bool
drop_oldest(struct kept *k)
{
	struct span		all = buf_rest(&k->events);
	struct kept_head	head;

	if (all.n == 0 || (k->writing && k->open == 0))
		return false;
	memcpy(&head, all.p, sizeof(head));
	k->lost = head.at;
	drop(k, sizeof(head) + (size_t)head.bytes);
	return true;
}

static bool
fits(size_t used, size_t n, size_t limit)
{
	return used <= limit && n <= limit - used;
}

static bool
make_room(struct kept *k, size_t n)
{
	struct kept_store		*s = k->store;
	const struct kept_limits	*l = &s->limits;

	while (!fits(buf_rest(&k->events).n, n, l->stream_bytes))
		if (!drop_oldest(k))
			return false;
	while (!fits(k->owner->bytes, n, l->owner_bytes))
		if (!push_out_one(s, k->owner) && !drop_oldest(k))
			return false;
	while (!fits(s->bytes, n, l->bytes))
		if (!push_out_one(s, NULL) && !drop_oldest(k))
			return false;
	return true;
}

/* --- writing ---------------------------------------------------------------------------------- */

static struct kept **
bucket_of(struct kept_store *s, const uint64_t number[2])
{
	return &s->by_number[number[1] % BUCKETS];
}

int
kept_begin(struct kept_store *s, struct kept *k, uint64_t principal, const uint64_t number[2])
{
	const struct kept_limits	*l = &s->limits;
	struct kept_owner		**at = owner_find(s, principal), *o = *at;

	memset(k, 0, sizeof(*k));
	if (l->bytes == 0 || (o != NULL && o->streams >= l->owner_streams && !push_out_one(s, o)) ||
	    (s->streams >= l->streams && !push_out_one(s, NULL)))
		return E_FULL;
	/* Pushing out may have taken the owner along. */
	if (*(at = owner_find(s, principal)) == NULL && (*at = calloc(1, sizeof(*o))) == NULL)
		return E_NOMEM;
	o = *at;
	o->principal = principal;
	o->streams++;
	s->streams++;
	k->magic = KEPT_MAGIC;
	k->store = s;
	k->owner = o;
	memcpy(k->number, number, sizeof(k->number));
	k->bucket_next = *bucket_of(s, number);
	*bucket_of(s, number) = k;
	/* The limits bound it. */
	buf_init(&k->events, SIZE_MAX / 2);
	return 0;
}

static void
add(struct kept *k, struct span bytes)
{
	if (k->skipping)
		return;
	if (make_room(k, bytes.n) && buf_put(&k->events, bytes) == 0) {
		count(k, bytes.n, 0);
		return;
	}
	/* Nothing before a gap can be resumed. */
	k->skipping = true;
	k->lost = k->open_at;
	count(k, 0, buf_rest(&k->events).n);
	buf_fini(&k->events);
}

void
kept_event_begin(struct kept *k, uint64_t at)
{
	const struct kept_head	head = { .at = at };

	MAGIC_CHECK(k, KEPT_MAGIC);
	k->open = buf_rest(&k->events).n;
	k->open_at = at;
	k->writing = true;
	k->skipping = false;
	add(k, span_make(&head, sizeof(head)));
}

void
kept_put(struct kept *k, struct span text)
{
	MAGIC_CHECK(k, KEPT_MAGIC);
	add(k, text);
}

void
kept_event_end(struct kept *k)
{
	struct kept_head	head = { .at = k->open_at };
	char			*to;

	MAGIC_CHECK(k, KEPT_MAGIC);
	k->writing = false;
	if (k->skipping)
		return;
	to = k->events.data + k->events.at + k->open;
	head.bytes = buf_rest(&k->events).n - k->open - sizeof(head);
	memcpy(to, &head, sizeof(head));
}

void
kept_end(struct kept *k, uint64_t now_ms)
{
	struct kept_store	*s = k->store;

	MAGIC_CHECK(k, KEPT_MAGIC);
	if (k->ended)
		return;
	k->ended = true;
	k->ended_ms = now_ms;
	k->older = s->newest;
	*(k->older == NULL ? &s->oldest : &k->older->newer) = k;
	s->newest = k;
}

void
kept_fini(struct kept *k)
{
	struct kept_store	*s = k->store;
	struct kept		**at;

	MAGIC_CHECK(k, KEPT_MAGIC);
	for (at = bucket_of(s, k->number); *at != k; at = &(*at)->bucket_next)
		;
	*at = k->bucket_next;
	if (k->ended) {
		*(k->older == NULL ? &s->oldest : &k->older->newer) = k->newer;
		*(k->newer == NULL ? &s->newest : &k->newer->older) = k->older;
	}
	count(k, 0, buf_rest(&k->events).n);
	owner_leave(k);
	buf_fini(&k->events);
	k->magic = 0;
}

/* --- reading ---------------------------------------------------------------------------------- */

struct kept *
kept_find(const struct kept_store *s, const uint64_t number[2])
{
	struct kept	*k = s->by_number[number[1] % BUCKETS];

	while (k != NULL && memcmp(k->number, number, sizeof(k->number)) != 0)
		k = k->bucket_next;
	return k;
}

bool
kept_has_after(const struct kept *k, uint64_t at)
{
	return at >= k->lost;
}

bool
kept_has_any_after(const struct kept *k, uint64_t at)
{
	return k->open_at > at;
}

size_t
kept_each_after(const struct kept *k, uint64_t at, kept_event_fn *fn, void *arg)
{
	struct span		left = buf_rest(&k->events);
	struct kept_head	head;
	size_t			n = 0;

	if (k->writing && !k->skipping)
		left = span_part(left, 0, k->open);
	while (left.n > 0) {
		memcpy(&head, left.p, sizeof(head));
		left = span_part(left, sizeof(head), left.n);
		if (head.at > at) {
			fn(span_part(left, 0, (size_t)head.bytes), arg);
			n++;
		}
		left = span_part(left, (size_t)head.bytes, left.n);
	}
	return n;
}

uint64_t
kept_expire(struct kept_store *s, uint64_t until_ms)
{
	while (s->oldest != NULL && s->oldest->ended_ms <= until_ms)
		push_out(s->oldest);
	return s->oldest == NULL ? 0 : s->oldest->ended_ms;
}

/* --- all of them ------------------------------------------------------------------------------ */

int
kept_store_new(kept_gone_fn *gone, void *arg, struct kept_store **out)
{
	struct kept_store	*s = calloc(1, sizeof(*s));

	if ((*out = s) == NULL)
		return E_NOMEM;
	s->gone = gone;
	s->arg = arg;
	return 0;
}

void
kept_store_free(struct kept_store **sp)
{
	struct kept_store	*s = *sp;

	*sp = NULL;
	BUG_ON(s != NULL && s->streams > 0);
	free(s);
}

void
kept_set_limits(struct kept_store *s, const struct kept_limits *limits)
{
	s->limits = *limits;
}

size_t
kept_bytes(const struct kept_store *s)
{
	return s->bytes;
}
