/* SPDX-License-Identifier: Apache-2.0
 *
 * spool.c - the worker's side of the audit: records into preallocated segments
 *
 * Process: worker.
 * Owns:    the descriptors of at most two segments, and the records not yet written.
 * Trusts:  the master for the segments; nothing of a record's content.
 *
 * Where a record goes is settled when it is formatted: into the current segment, or, when that cannot
 * hold it, into the next, and from then on all follow it there.  So the buffer is two runs of bytes,
 * one per segment, and what a segment must still hold is known without asking the kernel.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "audit/seghead.h"
#include "audit/spool.h"
#include "lib/bug.h"
#include "lib/fd.h"
#include "lib/log.h"

#define SPOOL_MAGIC	0x5b001001u
#define RETRY_MS	1000
#define JUMP_MS		2000	/* of the wall clock against the monotonic one: it was set, or we were suspended */
#define SEGMENT_ROOM	(SEGMENT_BYTES - sizeof(struct segment_head))

struct slot {
	int		 fd;
	uint32_t	 number;
	uint64_t	 at;		/* where the next write goes */
	size_t		 used;		/* bytes of the buffer that go there */
	uint64_t	 last_seq;	/* of them */
};

struct spool {
	uint32_t		 magic;
	struct loop		*loop;
	struct loop_timer	 retry;
	const struct spool_ops	*ops;
	void			*arg;
	_Atomic uint64_t	*published;
	struct slot		 cur, next;
	char			*buf;		/* room for two segments; touched as it is used */
	uint32_t		 wanted;	/* asked for; 0 = nothing is */
	bool			 goes_on, failing, ask_later;
	uint64_t		 seq, kept_seq;
	uint64_t		 unmarked;	/* dropped, and no mark says so yet */
	int64_t			 ahead_ms;	/* the wall clock of the monotonic one, as of the last mark or turn */
	struct spool_counts	 counts;
};

static const struct slot no_slot = { .fd = -1, .at = sizeof(struct segment_head) };

static size_t
room_cur(const struct spool *s)
{
	if (s->cur.fd == -1 || s->next.used > 0)
		return 0;
	return SEGMENT_BYTES - s->cur.at - s->cur.used;
}

static size_t
room_next(const struct spool *s)
{
	return s->next.fd == -1 ? 0 : SEGMENT_ROOM - s->next.used;
}

/* Can `bytes` be placed now, and afterwards the ends of `open` calls?  Ends fill the rest of the
 * current segment first, but only one of the two is counted on. */
static bool
fits(const struct spool *s, size_t bytes, uint64_t open)
{
	uint64_t	ends = open * RECORD_END_MAX;

	if (bytes <= room_cur(s))
		return ends <= room_cur(s) - bytes || ends <= room_next(s);
	return bytes + ends <= room_next(s);
}

static void
want_next(struct spool *s)
{
	uint32_t	number = s->cur.number + 1;

	if (s->next.fd != -1 || s->wanted != 0 || s->ask_later)
		return;
	if (s->cur.fd != -1 && s->cur.at + s->cur.used < SEGMENT_BYTES / 2)
		return;
	s->wanted = number;
	s->ops->want_segment(number, s->arg);
}

static int
write_at(int fd, struct span bytes, uint64_t at)
{
	while (bytes.n > 0) {
		ssize_t n = pwrite(fd, bytes.p, bytes.n, (off_t)at);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return E_SYS;
		if (n == 0) {
			errno = ENOSPC;
			return E_SYS;
		}
		bytes = span_part(bytes, (size_t)n, bytes.n);
		at += (uint64_t)n;
	}
	return 0;
}

/* The run of the current segment.  After an error the same bytes go to the same place again. */
static int
write_cur(struct spool *s)
{
	if (s->cur.used == 0)
		return 0;
	if (write_at(s->cur.fd, span_make(s->buf, s->cur.used), s->cur.at) != 0)
		return E_SYS;
	memmove(s->buf, s->buf + s->cur.used, s->next.used);
	s->cur.at += s->cur.used;
	s->cur.used = 0;
	s->kept_seq = s->cur.last_seq;
	s->counts.writes++;
	if (s->published != NULL)
		atomic_store_explicit(s->published, (uint64_t)s->cur.number << 32 | s->cur.at,
		    memory_order_release);
	return 0;
}

static int
write_all(struct spool *s)
{
	int	r;

	if ((r = write_cur(s)) != 0 || s->next.used == 0)
		return r;
	fd_close(&s->cur.fd);
	s->cur = s->next;
	s->next = no_slot;
	return write_cur(s);
}

static void
flush_failed(struct spool *s)
{
	s->counts.failed_writes++;
	log_warn_repeat(NULL, "audit segment %u cannot be written, calls are %s: %m", s->cur.number,
	    s->goes_on ? "taken without a record" : "refused");
	s->failing = true;
	loop_timer_arm(&s->retry, RETRY_MS);
	if (!s->goes_on)
		s->ops->not_kept(s->kept_seq + 1, s->arg);
}

int
spool_flush(struct spool *s)
{
	if (s->cur.used + s->next.used == 0)
		return 0;
	if (write_all(s) != 0) {
		flush_failed(s);
		return E_AUDIT;
	}
	if (s->failing)
		log_notice(NULL, "audit segment %u can be written again", s->cur.number);
	s->failing = false;
	return 0;
}

/* Formats behind what is there; the caller has made sure that it fits. */
static int
place(struct spool *s, struct record *r)
{
	char		*to = s->buf + s->cur.used + s->next.used;
	size_t		 bytes;
	struct slot	*slot;
	int		 e;

	r->seq = s->seq + 1;
	r->wall_ns = loop_wall_ms(s->loop) * 1000000;
	if ((e = record_encode(r, to, RECORD_MAX, &bytes)) != 0)
		return e;
	slot = bytes <= room_cur(s) ? &s->cur : &s->next;
	BUG_ON(slot == &s->next && bytes > room_next(s));
	slot->used += bytes;
	slot->last_seq = r->seq;
	s->seq = r->seq;
	s->counts.records++;
	return 0;
}

static void
drop(struct spool *s)
{
	s->counts.dropped++;
	s->unmarked++;
}

/* What was not kept under `continue` is at least counted where it is missing. */
static void
mark_dropped(struct spool *s)
{
	struct record	r = { .kind = RECORD_MARK };
	char		text[64];
	int		n;

	if (s->unmarked == 0 || s->failing || !fits(s, RECORD_END_MAX, s->counts.open))
		return;
	n = snprintf(text, sizeof(text), "%llu records could not be kept",
	    (unsigned long long)s->unmarked);
	r.f.mark = span_make(text, (size_t)n);
	if (place(s, &r) == 0)
		s->unmarked = 0;
}

/* Times of records before and after it are not to be compared. */
static void
mark_jump(struct spool *s)
{
	struct record	r = { .kind = RECORD_MARK };
	int64_t		ahead_ms = (int64_t)(loop_wall_ms(s->loop) - loop_now_ms(s->loop));
	int64_t		by_ms = ahead_ms - s->ahead_ms;
	char		text[96];
	int		n;

	if (by_ms > -JUMP_MS && by_ms < JUMP_MS) {
		s->ahead_ms = ahead_ms;
		return;
	}
	if (s->failing || !fits(s, RECORD_END_MAX, s->counts.open))
		return;				/* said as soon as there is room */
	n = snprintf(text, sizeof(text), "the clock went %s by %lld s", by_ms < 0 ? "back" : "forward",
	    (long long)(by_ms < 0 ? -by_ms : by_ms) / 1000);
	r.f.mark = span_make(text, (size_t)n);
	if (place(s, &r) == 0)
		s->ahead_ms = ahead_ms;
}

static void
spool_at_turn_end(void *arg)
{
	struct spool	*s = arg;

	MAGIC_CHECK(s, SPOOL_MAGIC);
	mark_dropped(s);
	mark_jump(s);
	if (!s->failing)
		(void)spool_flush(s);
	want_next(s);
}

static void
spool_on_retry(struct loop_timer *t, void *arg)
{
	struct spool	*s = arg;

	(void)t;
	MAGIC_CHECK(s, SPOOL_MAGIC);
	s->ask_later = false;
	if (s->failing)
		(void)spool_flush(s);
}

int
spool_new(struct loop *l, const struct spool_ops *ops, void *arg, _Atomic uint64_t *published,
    struct spool **out)
{
	struct spool	*s;

	*out = NULL;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return E_NOMEM;
	if ((s->buf = malloc(2 * SEGMENT_BYTES)) == NULL) {
		free(s);
		return E_NOMEM;
	}
	s->magic = SPOOL_MAGIC;
	s->loop = l;
	s->ops = ops;
	s->arg = arg;
	s->published = published;
	s->cur = s->next = no_slot;
	s->ahead_ms = (int64_t)(loop_wall_ms(l) - loop_now_ms(l));
	loop_timer_init(l, &s->retry, spool_on_retry, s);
	loop_at_turn_end(l, LOOP_RANK_AUDIT, spool_at_turn_end, s);
	*out = s;
	return 0;
}

void
spool_free(struct spool **sp)
{
	struct spool	*s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	(void)write_all(s);
	loop_timer_disarm(&s->retry);
	fd_close(&s->cur.fd);
	fd_close(&s->next.fd);
	free(s->buf);
	s->magic = 0;
	free(s);
}

void
spool_set_continue(struct spool *s, bool on)
{
	s->goes_on = on;
}

void
spool_add_segment(struct spool *s, int fd, uint32_t number)
{
	uint32_t	last = s->next.fd != -1 ? s->next.number : s->cur.number;

	if (number == s->wanted)
		s->wanted = 0;
	if (number <= last || s->next.fd != -1) {
		fd_close(&fd);
		return;
	}
	if (s->cur.fd == -1) {
		s->cur.fd = fd;
		s->cur.number = number;
	} else {
		s->next.fd = fd;
		s->next.number = number;
	}
}

void
spool_no_segment(struct spool *s, uint32_t number)
{
	if (number != s->wanted)
		return;
	s->wanted = 0;
	s->ask_later = true;
	loop_timer_arm(&s->retry, RETRY_MS);
}

bool
spool_may_call(const struct spool *s)
{
	return s->goes_on || (!s->failing && fits(s, RECORD_MAX, (uint64_t)s->counts.open + 1));
}

int
spool_begin(struct spool *s, uint64_t request, uint64_t generation, const struct audit_fields *f,
    uint64_t *begin_seq)
{
	struct record	r = { .kind = RECORD_BEGIN, .request = request, .generation = generation,
	    .f = *f };

	*begin_seq = 0;
	if ((s->failing && !s->goes_on) || !fits(s, RECORD_MAX, (uint64_t)s->counts.open + 1) ||
	    place(s, &r) != 0) {
		if (!s->goes_on)
			return E_AUDIT;
		drop(s);
		return 0;
	}
	s->counts.open++;
	*begin_seq = r.seq;
	return 0;
}

void
spool_end(struct spool *s, uint64_t begin_seq, uint64_t request, uint64_t generation,
    const struct audit_fields *f)
{
	struct record	r = { .kind = RECORD_END, .begin_seq = begin_seq, .request = request,
	    .generation = generation, .f = *f };

	if (begin_seq == 0) {
		drop(s);
		return;
	}
	BUG_ON(s->counts.open == 0);
	r.f.mark = SPAN_NONE;
	if (place(s, &r) != 0) {
		/* Only the cut of an overlong word needs memory. */
		r.f.error = SPAN_NONE;
		BUG_ON(place(s, &r) != 0);
	}
	s->counts.open--;
}

int
spool_once(struct spool *s, uint64_t request, uint64_t generation, const struct audit_fields *f)
{
	struct record	r = { .kind = RECORD_ONCE, .request = request, .generation = generation,
	    .f = *f };

	r.f.mark = SPAN_NONE;
	if ((s->failing && !s->goes_on) || !fits(s, RECORD_MAX, s->counts.open) || place(s, &r) != 0) {
		if (!s->goes_on)
			return E_AUDIT;
		drop(s);
	}
	return 0;
}

bool
spool_is_kept(const struct spool *s, uint64_t seq)
{
	return seq <= s->kept_seq;
}

bool
spool_may_dispatch(const struct spool *s, uint64_t begin_seq)
{
	return s->goes_on || (begin_seq != 0 && spool_is_kept(s, begin_seq));
}

struct spool_counts
spool_counts(const struct spool *s)
{
	return s->counts;
}
