/* SPDX-License-Identifier: Apache-2.0
 *
 * test_pindb.c - definitions of tools, and what was decided about each
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/kv.h"
#include "store/pindb.h"
#include "store/pinsnap.h"
#include "tests/unit/child/child.h"

#define SUSPECT	1u
#define OWN	2u

struct bench {
	char		 path[64];
	struct keydb	*db;
	uint64_t	 now;
	enum pin_mode	 mode;
};

static void
bench_init(struct bench *b)
{
	*b = (struct bench){ .now = 1000 };
	folder_make(b->path);
	cr_assert(keydb_open(b->path, false, &b->db) == 0);
}

static void
bench_fini(struct bench *b)
{
	keydb_close(&b->db);
	folder_remove(b->path);
}

/* As mcp/pin.h writes them. */
static void
put(struct buf *b, unsigned char digest, uint32_t flags, const char *tool, const char *object)
{
	char	d[PINDB_DIGEST_BYTES];

	memset(d, digest, sizeof(d));
	cr_assert(buf_put(b, span_make(d, sizeof(d))) == 0 && buf_put_u32(b, flags) == 0 &&
	    buf_put_u32(b, (uint32_t)strlen(tool)) == 0 && buf_put_str(b, tool) == 0 &&
	    buf_put_u32(b, (uint32_t)strlen(object)) == 0 && buf_put_str(b, object) == 0 && buf_put_u32(b, 0) == 0);
}

static int
see_batch(struct bench *b, const char *server, struct span batch, uint32_t *changed)
{
	const struct pindb_seen	what = { .tenant = SPAN_LIT("default"), .server = span_of(server),
	    .identity = SPAN_LIT("/bin/x"), .batch = batch, .mode = b->mode, .now_ms = ++b->now, .by = 7 };

	return pindb_seen(b->db, &what, changed);
}

/* How many rows came or changed. */
static uint32_t
see(struct bench *b, const char *tool, unsigned char digest, uint32_t flags)
{
	uint32_t	changed;
	struct buf	batch;

	buf_init(&batch, 65536);
	put(&batch, digest, flags, tool, "{}");
	cr_assert(see_batch(b, "tracker", buf_rest(&batch), &changed) == 0);
	buf_fini(&batch);
	return changed;
}

static int
decide(struct bench *b, enum pin_decision what, const char *tool, const char *hash, bool all)
{
	const struct pindb_decision	d = { .tenant = SPAN_LIT("default"), .server = SPAN_LIT("tracker"),
	    .tool = span_of(tool), .hash = span_of(hash), .what = what, .all = all, .now_ms = ++b->now, .by = 1 };
	uint32_t			count;

	return pindb_decide(b->db, &d, &count);
}

/* "a1 h2 r3": what each of a tool's definitions came to. */
struct states {
	const char	*tool;
	char		 text[1024];
};

static int
note(const struct pindb_pin *pin, void *arg)
{
	struct states	*s = arg;
	size_t		 used = strlen(s->text);

	if (span_is(pin->tool, s->tool))
		snprintf(s->text + used, sizeof(s->text) - used, "%s%c%u", used > 0 ? " " : "", "?ahr"[pin->state],
		    (unsigned char)pin->digest.p[0]);
	return 0;
}

static const char *
states(struct bench *b, const char *tool)
{
	static struct states	s;

	s = (struct states){ .tool = tool };
	cr_assert(pindb_each(b->db, note, &s) == 0);
	return s.text;
}

#define EXPECT_STATES(b, tool, want) cr_expect(strcmp(states(b, tool), want) == 0, "%s: %s", tool, states(b, tool))

Test(pindb, approves_what_is_seen_first_and_holds_what_comes_after)
{
	struct bench	b;
	uint64_t	before, after;

	bench_init(&b);
	cr_expect(see(&b, "create", 1, 0) == 1);
	EXPECT_STATES(&b, "create", "a1");
	cr_assert(pindb_generation(b.db, &before) == 0);
	cr_expect(see(&b, "create", 1, 0) == 0);
	cr_assert(pindb_generation(b.db, &after) == 0 && after == before);
	cr_expect(see(&b, "create", 2, 0) == 1);
	cr_assert(pindb_generation(b.db, &after) == 0 && after == before + 1);
	EXPECT_STATES(&b, "create", "a1 h2");
	cr_expect(see(&b, "suspect", 3, SUSPECT) == 1);
	EXPECT_STATES(&b, "suspect", "h3");
	cr_expect(see(&b, "own", 4, OWN | SUSPECT) == 1 && see(&b, "own", 5, OWN) == 1);
	EXPECT_STATES(&b, "own", "a4 a5");
	b.mode = PIN_MODE_MANUAL;
	cr_expect(see(&b, "manual", 6, 0) == 1);
	EXPECT_STATES(&b, "manual", "h6");
	b.mode = PIN_MODE_APPROVE;
	cr_expect(see(&b, "manual", 6, SUSPECT) == 1 && see(&b, "manual", 6, 0) == 0);
	EXPECT_STATES(&b, "manual", "a6");
	bench_fini(&b);
}

Test(pindb, decides_about_what_waits)
{
	struct bench	b;

	bench_init(&b);
	see(&b, "t", 0x11, 0);
	cr_expect(decide(&b, PIN_APPROVE, "t", "", false) == E_NOTFOUND);
	cr_expect(decide(&b, PIN_APPROVE, "none", "", false) == E_NOTFOUND);
	see(&b, "t", 0x22, 0);
	cr_expect(decide(&b, PIN_APPROVE, "t", "", false) == 0);
	EXPECT_STATES(&b, "t", "a17 a34");
	see(&b, "t", 0x33, 0);
	cr_expect(decide(&b, PIN_REJECT, "t", "", false) == 0);
	EXPECT_STATES(&b, "t", "a17 a34 r51");
	/* It stays so, until it changes again. */
	cr_expect(see(&b, "t", 0x33, 0) == 0);
	see(&b, "t", 0x44, 0);
	see(&b, "t", 0x55, 0);
	cr_expect(decide(&b, PIN_APPROVE, "t", "", false) == E_RANGE);
	EXPECT_STATES(&b, "t", "a17 a34 r51 h68 h85");
	cr_expect(decide(&b, PIN_APPROVE, "t", "5555", false) == 0);
	cr_expect(decide(&b, PIN_APPROVE, "t", "9999", false) == E_NOTFOUND);
	EXPECT_STATES(&b, "t", "a17 a34 r51 h68 a85");
	see(&b, "u", 0x66, SUSPECT);
	cr_expect(decide(&b, PIN_REJECT, "", "", false) == 0);		/* all that wait, of all its tools */
	EXPECT_STATES(&b, "t", "a17 a34 r51 r68 a85");
	EXPECT_STATES(&b, "u", "r102");
	/* Nothing waits: what was decided otherwise is meant. */
	cr_expect(decide(&b, PIN_APPROVE, "u", "", false) == 0);
	EXPECT_STATES(&b, "u", "a102");
	cr_expect(decide(&b, PIN_REJECT, "t", "", false) == 0);
	EXPECT_STATES(&b, "t", "r17 r34 r51 r68 r85");
	cr_expect(decide(&b, PIN_FORGET, "t", "", false) == 0);
	EXPECT_STATES(&b, "t", "");
	see(&b, "t", 0x77, 0);
	EXPECT_STATES(&b, "t", "a119");
	bench_fini(&b);
}

Test(pindb, bounds_what_one_tool_may_cost)
{
	struct bench	b;
	char		hash[8];

	bench_init(&b);
	for (unsigned i = 1; i <= 20; i++)
		see(&b, "t", (unsigned char)i, 0);
	EXPECT_STATES(&b, "t", "a1 h17 h18 h19 h20");
	for (unsigned i = 21; i <= 40; i++) {
		see(&b, "t", (unsigned char)i, 0);
		snprintf(hash, sizeof(hash), "%02x", i);
		cr_assert(decide(&b, i % 2 == 0 ? PIN_APPROVE : PIN_REJECT, "t", hash, false) == 0);
	}
	EXPECT_STATES(&b, "t", "h18 h19 h20 a26 a28 a30 a32 r33 a34 r35 a36 r37 a38 r39 a40");
	bench_fini(&b);
}

Test(pindb, takes_no_batch_that_is_none)
{
	struct bench	b;
	struct buf	good, bad;
	uint32_t	changed;
	char		long_name[600];

	bench_init(&b);
	buf_init(&good, 65536);
	put(&good, 1, 0, "one", "{\"name\":\"one\"}");
	put(&good, 2, 0, "two", "{\"name\":\"two\"}");
	for (size_t n = 1; n < good.used; n++) {
		int	r = see_batch(&b, "cut", span_part(buf_rest(&good), 0, n), &changed);

		/* Where the first definition ends it is whole. */
		cr_expect((r == 0) == (n == good.used / 2), "%zu bytes", n);
	}
	cr_expect(see_batch(&b, "", buf_rest(&good), &changed) == E_FORMAT);
	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	cr_expect(see_batch(&b, long_name, buf_rest(&good), &changed) == E_FORMAT);
	buf_init(&bad, 65536);
	put(&bad, 1, 0, long_name, "{}");
	cr_expect(see_batch(&b, "long", buf_rest(&bad), &changed) == E_FORMAT);
	EXPECT_STATES(&b, "two", "");
	buf_fini(&good);
	buf_fini(&bad);
	bench_fini(&b);
}

Test(pindb, holds_one_server_to_its_part, .timeout = 60)
{
	struct bench	b;
	struct buf	batch;
	uint32_t	changed;
	char		name[32];
	int		r = 0;

	bench_init(&b);
	buf_init(&batch, 8 << 20);
	for (unsigned round = 0; r == 0 && round < 3; round++) {
		buf_clear(&batch);
		for (unsigned i = 0; i < 10000; i++) {
			snprintf(name, sizeof(name), "t%u_%u", round, i);
			put(&batch, 1, 0, name, "{}");
		}
		r = see_batch(&b, "tracker", buf_rest(&batch), &changed);
	}
	cr_expect(r == E_FULL);
	/* Others have room all the same. */
	cr_expect(see_batch(&b, "other", span_part(buf_rest(&batch), 0, batch.used / 10000), &changed) == 0 || changed == 0);
	buf_fini(&batch);
	bench_fini(&b);
}

/* Rows of nobody, so that there are as many as may be. */
static void
fill(struct bench *b, uint32_t n)
{
	static const char *const	names[] = { "pin" };
	struct kv			*kv;
	struct kv_txn			*t;
	char				 key[3 * PINDB_DIGEST_BYTES];

	keydb_close(&b->db);
	cr_assert(kv_open(b->path, names, 1, UINT64_C(64) << 20, 0, &kv) == 0 && kv_begin(kv, true, &t) == 0);
	memset(key, 0xff, sizeof(key));
	for (uint32_t i = 0; i < n; i++) {
		kv_put_be32(key + sizeof(key) - 4, i);
		cr_assert(kv_append(t, 0, span_make(key, sizeof(key)), SPAN_LIT("")) == 0);
	}
	cr_assert(kv_commit(&t) == 0);
	kv_close(&kv);
	cr_assert(keydb_open(b->path, false, &b->db) == 0);
}

/* A server that is full of itself takes from others what they have not yet, and nothing of what they have. */
Test(pindb, that_is_full_knows_what_it_knows, .timeout = 60)
{
	struct bench	b;
	struct buf	batch;
	uint32_t	changed;

	bench_init(&b);
	see(&b, "one", 1, 0);
	see(&b, "two", 1, 0);
	see(&b, "two", 2, 0);
	fill(&b, PINDB_MAX - 3);
	cr_expect(see(&b, "one", 1, 0) == 0);
	buf_init(&batch, 65536);
	put(&batch, 1, 0, "one", "{}");
	put(&batch, 1, 0, "three", "{}");
	cr_expect(see_batch(&b, "tracker", buf_rest(&batch), &changed) == E_FULL && changed == 0);
	b.mode = PIN_MODE_APPROVE;
	cr_expect(see(&b, "two", 2, 0) == 1, "no row more");
	buf_fini(&batch);
	bench_fini(&b);
}

Test(pindb, makes_snapshots_for_workers_and_for_people)
{
	struct bench		b;
	struct pinsnap		p;
	struct snap		*s;
	const struct rec_pin	*pin;
	int			 fd;

	bench_init(&b);
	see(&b, "a", 9, 0);
	see(&b, "b", 3, 0);
	see(&b, "b", 5, 0);
	see(&b, "c", 7, SUSPECT);
	cr_assert(pinsnap_make(b.db, &p) == 0 && p.held == 2 && strcmp(p.first, "tracker.c") == 0);
	cr_assert(snap_map(p.fd, &s) == 0 && snap_head(s)->kind == SNAP_PINS && snap_head(s)->generation == p.generation);
	for (uint64_t i = 0; i < 4; i++) {
		pin = SNAP_AT(s, PIN, i);
		cr_assert(pin != NULL);
		cr_expect(pin->digest[0] == 3 + 2 * i && pin->object.bytes == 0);
	}
	snap_release(&s);
	close(p.fd);
	cr_assert(pinsnap_dump(b.db, SPAN_LIT("default"), SPAN_LIT("tracker"), SPAN_LIT("b"), &fd) == 0);
	cr_assert(snap_map(fd, &s) == 0 && snap_count(s, SECTION_PIN) == 2);
	pin = SNAP_AT(s, PIN, 0);
	cr_expect(span_is(snap_text(s, pin->object), "{}") && span_is(snap_text(s, pin->identity), "/bin/x"));
	snap_release(&s);
	close(fd);
	bench_fini(&b);
}

/* A row that cannot be read is no approval. */
Test(pindb, refuses_pins_that_are_damaged)
{
	static const char *const	names[] = { "key", "keyname", "policy", "meta", "pin" };
	struct bench			b;
	struct kv			*kv;
	struct kv_txn			*t;
	struct pinsnap			 p;
	char				 key[96];

	bench_init(&b);
	see(&b, "a", 9, 0);
	keydb_close(&b.db);
	memset(key, 0x55, sizeof(key));
	cr_assert(kv_open(b.path, names, 5, 64 << 20, 0, &kv) == 0 && kv_begin(kv, true, &t) == 0);
	cr_assert(kv_put(t, 4, span_make(key, sizeof(key)), SPAN_LIT("no such thing")) == 0 && kv_commit(&t) == 0);
	kv_close(&kv);
	cr_assert(keydb_open(b.path, false, &b.db) == 0);
	cr_expect(pinsnap_make(b.db, &p) == E_FORMAT && p.fd == -1);
	bench_fini(&b);
}
