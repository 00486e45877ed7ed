/* SPDX-License-Identifier: Apache-2.0
 *
 * quotas.c - marks of quotas: what counts as used is on disk before it is used
 *
 * Process: mcpgw-store.
 * Owns:    the quotas it knows; the slots of REGION_QUOTAS, but for what is counted in them.
 * Trusts:  nothing in a slot further than its use: a worker that lies about its calls is not found out here.
 *
 * A mark is moved ahead of what was used, in one transaction for all that are due, and only then shown to the workers.
 * So whatever is killed, a restart takes for used at least what was: the rest of the mark is lost, at most what
 * QUOTA_MARK calls ahead.  An end in order writes what was used to the last call.
 */
#include <stdlib.h>
#include <sysexits.h>

#include "lib/log.h"
#include "shm/quota.h"
#include "store/quotadb.h"
#include "store/store.h"

#define GATHER_MS	1		/* marks that are moved together */
#define KNOWN_MAX	65536
#define TABLE		(2 * KNOWN_MAX)
#define GRACE_MS	UINT64_C(3600000)	/* a slot is kept for so long after its period: clocks are set back */
#define KEEP_MS		UINT64_C(3024000000)	/* and a row, 35 days */
#define SWEEP_LEAST	1024
#define SWEEP_MS	100		/* from one sweep to the next, at least */
#define TIDY_MS		UINT64_C(86400000)

struct quota_known {
	uint64_t		 key;
	uint64_t		 mark;		/* on disk */
	uint64_t		 want, hard, ends_ms;
	uint32_t		 warn;
	bool			 warned, due;
	struct span		 of;		/* behind it */
	struct quota_known	*due_next;
};

static struct quota_known **
place_of(struct store *s, uint64_t key)
{
	size_t	i = key % TABLE;

	while (s->quotas.table[i] != NULL && s->quotas.table[i]->key != key)
		i = (i + 1) % TABLE;
	return &s->quotas.table[i];
}

static uint64_t
at_most(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t
before(uint64_t now, uint64_t ms)
{
	return now > ms ? now - ms : 0;
}

/* Those whose period is over, and rows on disk that nobody asks for any more. */
static void
known_sweep(struct store *s)
{
	const uint64_t		 now = loop_wall_ms(s->loop), past_ms = before(now, GRACE_MS);
	struct quota_known	**old = s->quotas.table, *k;
	int			 r;

	if (s->quotas.count < s->quotas.sweep_at || now - s->quotas.swept_ms < SWEEP_MS ||
	    (s->quotas.table = calloc(TABLE, sizeof(*old))) == NULL) {
		s->quotas.table = old;
		return;
	}
	s->quotas.swept_ms = now;
	for (size_t i = 0; i < TABLE; i++) {
		if ((k = old[i]) == NULL)
			continue;
		if (k->due || k->ends_ms >= past_ms) {
			*place_of(s, k->key) = k;
			continue;
		}
		s->quotas.count--;
		free(k);
	}
	free(old);
	s->quotas.sweep_at = at_most(2 * s->quotas.count, KNOWN_MAX);
	if (s->quotas.sweep_at < SWEEP_LEAST)
		s->quotas.sweep_at = SWEEP_LEAST;
	if (now - s->quotas.tidied_ms < TIDY_MS)
		return;
	s->quotas.tidied_ms = now;
	if ((r = quotadb_load(s->db, before(now, KEEP_MS), 0, NULL, NULL)) != 0)
		log_warn(NULL, "quotas of long ago are kept: %s", store_why(s, r));
}

static struct quota_known *
known_add(struct store *s, struct span of, uint64_t ends_ms)
{
	const uint64_t		 key = quota_key(&s->quotas.region, of);
	struct quota_known	**at = place_of(s, key), *k;
	char			*copy;

	if (*at != NULL)
		return *at;
	if (s->quotas.count >= KNOWN_MAX || of.n == 0 || of.n > QUOTADB_OF_MAX ||
	    (k = calloc(1, sizeof(*k) + of.n)) == NULL)
		return NULL;
	copy = (char *)(k + 1);
	memcpy(copy, of.p, of.n);
	k->key = key;
	k->of = span_make(copy, of.n);
	k->ends_ms = ends_ms;
	s->quotas.count++;
	return *at = k;
}

/* One that was let go may be asked for again: a clock was set back, or a call took long. */
static struct quota_known *
known_make(struct store *s, struct span of, uint64_t ends_ms)
{
	struct quotadb_row	 row;
	struct quota_known	*k = *place_of(s, quota_key(&s->quotas.region, of));
	int			 r;

	if (k != NULL)
		return k;
	if (of.n == 0 || of.n > QUOTADB_OF_MAX)
		return NULL;
	known_sweep(s);
	if ((r = quotadb_get(s->db, of, &row)) != 0 && r != E_NOTFOUND) {
		log_warn_repeat(NULL, "what was used of a quota cannot be read: %s", store_why(s, r));
		return NULL;
	}
	if ((k = known_add(s, of, ends_ms)) != NULL && r == 0) {
		k->mark = at_most(row.used, QUOTA_MAX);
		k->warned = row.warned;
	}
	return k;
}

static struct quota_slot *
slot_of(struct store *s, const struct quota_known *k)
{
	return quota_slot_make(&s->quotas.region, k->key, k->mark, k->ends_ms, before(loop_wall_ms(s->loop), GRACE_MS));
}

/* --- moving marks --------------------------------------------------------------------------------- */

/* "tenant acme calls 2026-11" */
static struct span
words_of(const struct quota_known *k, char *to, size_t room)
{
	size_t	n = 0;

	for (size_t i = 0; i < k->of.n && n + 1 < room; i++)
		if (k->of.p[i] != '\0')
			to[n++] = k->of.p[i];
		else if (n > 0 && to[n - 1] != ' ')
			to[n++] = ' ';
	while (n > 0 && to[n - 1] == ' ')
		n--;
	return span_make(to, n);
}

static bool
warn_is_due(const struct quota_known *k, uint64_t used)
{
	return !k->warned && k->warn > 0 && used >= k->hard / 100 * k->warn + k->hard % 100 * k->warn / 100;
}

static void
warn(struct quota_known *k, uint64_t used)
{
	char	words[QUOTADB_OF_MAX];

	log_warn(NULL, "quota: %.*s: %llu of %llu used; calls are refused when all of it is",
	    SPAN_FMT(words_of(k, words, sizeof(words))), (unsigned long long)used, (unsigned long long)k->hard);
}

/* All that are due, in one transaction. */
static void
marks_write(struct store *s)
{
	struct quotadb_row	 rows[STORE_MARKS_MAX];
	struct quota_known	*k, *next, *told[STORE_MARKS_MAX];
	struct quota_slot	*slot;
	size_t			 n = 0, warnings = 0;
	int			 r;

	loop_timer_disarm(&s->quotas.write);
	for (k = s->quotas.due; k != NULL; k = k->due_next) {
		if ((slot = slot_of(s, k)) != NULL && warn_is_due(k, atomic_load(&slot->used)))
			told[warnings++] = k;
		rows[n++] = (struct quotadb_row){ k->of, k->want, k->ends_ms,
		    k->warned || (warnings > 0 && told[warnings - 1] == k) };
	}
	if ((r = quotadb_put(s->db, rows, n)) != 0)
		log_err(NULL, "what was used of quotas cannot be kept, so calls with one are refused: %s",
		    store_why(s, r));
	for (k = s->quotas.due; k != NULL; k = next) {
		next = k->due_next;
		k->due = false;
		if (r != 0)
			continue;
		k->mark = k->want;
		if ((slot = slot_of(s, k)) != NULL)
			atomic_store(&slot->mark, k->mark);
	}
	for (size_t i = 0; r == 0 && i < warnings; i++) {
		told[i]->warned = true;
		if ((slot = slot_of(s, told[i])) != NULL)
			warn(told[i], atomic_load(&slot->used));
	}
	s->quotas.due = NULL;
	s->quotas.due_count = 0;
}

static void
on_write(struct loop_timer *t, void *arg)
{
	(void)t;
	marks_write(arg);
}

static void
due_add(struct store *s, struct quota_known *k)
{
	if (k->due)
		return;
	k->due = true;
	k->due_next = s->quotas.due;
	s->quotas.due = k;
	if (++s->quotas.due_count == STORE_MARKS_MAX)
		marks_write(s);
	else if (!s->quotas.write.armed)
		loop_timer_arm(&s->quotas.write, GATHER_MS);
}

void
store_quota_mark(struct store *s, const struct msg_QUOTA_MARK *m)
{
	struct quota_known	*k = known_make(s, m->of, m->ends_ms);
	struct quota_slot	*slot = k == NULL ? NULL : slot_of(s, k);
	uint64_t		 used, want;

	if (slot == NULL) {
		log_warn_repeat(NULL, "no room for another quota; its calls are refused");
		return;
	}
	k->hard = at_most(m->hard, QUOTA_MAX);
	k->warn = at_most(m->warn, 100) & 127;
	if (m->reset != 0) {
		atomic_store(&slot->used, 0);
		k->warned = false;
	}
	used = at_most(atomic_load(&slot->used), QUOTA_MAX);
	want = used >= k->hard ? used : at_most(used + at_most(m->ahead, QUOTA_MAX), k->hard);
	/* What is on disk already may be known to be. */
	if (m->reset == 0 && !k->due)
		atomic_store(&slot->mark, k->mark);
	if (m->reset == 0 && want <= (k->due ? k->want : k->mark) && !warn_is_due(k, used))
		return;
	k->want = m->reset == 0 && want < k->mark ? k->mark : want;
	due_add(s, k);
}

/* --- from one start to the next ------------------------------------------------------------------- */

static int
on_row(const struct quotadb_row *row, void *arg)
{
	struct store		*s = arg;
	struct quota_known	*k = known_add(s, row->of, row->ends_ms);

	if (k == NULL)
		return 0;
	k->mark = at_most(row->used, QUOTA_MAX);
	k->warned = row->warned;
	/* One that ended has a slot when somebody asks for it: a clock was set back then. */
	if (k->ends_ms > loop_wall_ms(s->loop))
		(void)slot_of(s, k);
	return 0;
}

/* Workers may be counting on by marks that the store before has shown them, and taken back on disk when it ended. */
static void
marks_take_up(struct store *s)
{
	const uint64_t		 now = loop_wall_ms(s->loop);
	struct quota_known	*k;
	struct quota_slot	*slot;

	for (size_t i = 0; i < TABLE; i++) {
		if ((k = s->quotas.table[i]) == NULL || k->ends_ms <= now || (slot = slot_of(s, k)) == NULL)
			continue;
		k->want = at_most(atomic_load(&slot->mark), QUOTA_MAX);
		if (k->want > k->mark)
			due_add(s, k);
	}
}

void
store_quotas_init(struct store *s)
{
	const uint64_t	now = loop_wall_ms(s->loop);
	int		r;

	loop_timer_init(s->loop, &s->quotas.write, on_write, s);
	if ((s->quotas.table = calloc(TABLE, sizeof(struct quota_known *))) == NULL)
		r = E_NOMEM;
	else
		r = quotadb_load(s->db, before(now, KEEP_MS), before(now, GRACE_MS), on_row, s);
	s->quotas.sweep_at = SWEEP_LEAST;
	s->quotas.tidied_ms = now;
	if (r != 0)
		fatal(EX_TEMPFAIL, "what was used of quotas cannot be read: %s", store_why(s, r));
	marks_take_up(s);
}

/* What is left of the marks was not used.  Where workers count on, for a store that comes after this one, that one
 * takes them up. */
void
store_quotas_fini(struct store *s)
{
	struct quotadb_row	 rows[STORE_MARKS_MAX], *row;
	struct quota_slot	*slot;
	size_t			 n = 0;
	int			 r = 0;

	marks_write(s);
	for (size_t i = 0; r == 0 && i < TABLE; i++) {
		struct quota_known	*k = s->quotas.table[i];

		if (k == NULL || k->ends_ms + GRACE_MS < loop_wall_ms(s->loop) || (slot = slot_of(s, k)) == NULL)
			continue;
		row = &rows[n];
		*row = (struct quotadb_row){ k->of, at_most(atomic_load(&slot->used), QUOTA_MAX), k->ends_ms,
		    k->warned };
		if (row->used != k->mark && ++n == STORE_MARKS_MAX) {
			r = quotadb_put(s->db, rows, n);
			n = 0;
		}
	}
	if (r == 0)
		r = quotadb_put(s->db, rows, n);
	if (r != 0)
		log_warn(NULL, "what was used of quotas is kept as of some calls more: %s", store_why(s, r));
	for (size_t i = 0; i < TABLE; i++)
		free(s->quotas.table[i]);
	free(s->quotas.table);
	region_unmap(&s->quotas.region);
}
