/* SPDX-License-Identifier: Apache-2.0
 *
 * test_store.c - the program mcpgw-store, with the test as its master
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "lib/fd.h"
#include "policy/build.h"
#include "shm/quota.h"
#include "tests/unit/child/child.h"

struct bench {
	char		path[64];
	struct child	c;
	int		region;
	union msg_any	m;
};

static void
bench_start(struct bench *b)
{
	child_start(&b->c, ROLE_STORE);
	b->c.region = b->region;
	child_boot(&b->c, 7, DIR_STORE, b->path, 0);
}

static void
bench_init(struct bench *b)
{
	folder_make(b->path);
	cr_assert(eq(int, region_create(REGION_QUOTAS, 1, &b->region), 0));
	bench_start(b);
}

static void
bench_fini(struct bench *b)
{
	cr_expect(eq(int, child_wait(&b->c), 0));
	fd_close(&b->region);
	folder_remove(b->path);
}

static int
add(struct bench *b, const char *name, unsigned char digest)
{
	char			bytes[32], public_name[16];
	struct msg_STORE_KEY_ADD a = { .digest = span_make(bytes, sizeof(bytes)), .name = span_of(name),
	    .agent = SPAN_LIT("backend"),
	    .tenant = SPAN_LIT("default"), .ends_ms = 99 };

	memset(bytes, digest, sizeof(bytes));
	snprintf(public_name, sizeof(public_name), "mgk_%08x", digest);
	a.public_name = span_of(public_name);
	child_say(&b->c, MSG_TYPE_STORE_KEY_ADD, 5, &a, -1);
	cr_expect(eq(u64, child_hear(&b->c, MSG_TYPE_STORE_DONE, &b->m, NULL), 5));
	cr_expect(b->m.STORE_DONE.line.n > 0);
	return b->m.STORE_DONE.error;
}

static int
revoke_key(struct bench *b, const char *name)
{
	struct msg_STORE_KEY_REVOKE r = { .name = span_of(name) };

	child_say(&b->c, MSG_TYPE_STORE_KEY_REVOKE, 6, &r, -1);
	cr_expect(eq(u64, child_hear(&b->c, MSG_TYPE_STORE_DONE, &b->m, NULL), 6));
	return b->m.STORE_DONE.error;
}

static struct snap *
dump(struct bench *b, uint32_t want)
{
	struct msg_STORE_DUMP	d = { 0 };
	struct snap		*s;
	int			 fd;

	child_say(&b->c, MSG_TYPE_STORE_DUMP, 77, &d, -1);
	cr_expect(eq(u64, child_hear(&b->c, MSG_TYPE_STORE_DUMPED, &b->m, &fd), 77));
	cr_expect(eq(u32, b->m.STORE_DUMPED.keys, want));
	cr_assert(eq(int, snap_map(fd, &s), 0));
	close(fd);
	cr_expect(eq(u32, snap_head(s)->kind, SNAP_DUMP));
	cr_expect(eq(u64, snap_count(s, SECTION_KEY), want));
	return s;
}

Test(store, dumps_what_was_added_and_not_what_was_revoked)
{
	struct bench		b;
	struct snap		*s;
	const struct rec_key	*k;

	bench_init(&b);
	s = dump(&b, 0);
	snap_release(&s);
	cr_expect(eq(int, add(&b, "ci", 9), 0));
	cr_expect(eq(int, add(&b, "dev", 4), 0));
	cr_expect(eq(int, add(&b, "dev", 5), E_EXISTS));
	cr_expect(eq(int, add(&b, "", 6), E_FORMAT));
	s = dump(&b, 2);
	k = SNAP_AT(s, KEY, 0);
	cr_expect(eq(int, k->digest[0], 4));
	cr_expect(span_is(snap_text(s, k->name), "dev"));
	cr_expect(span_is(snap_text(s, k->agent), "backend"));
	cr_expect(span_is(snap_text(s, k->tenant), "default"));
	cr_expect(span_is(snap_text(s, k->public_name), "mgk_00000004"));
	cr_expect(eq(u64, k->ends_ms, 99));
	cr_expect(k->created_ms > UINT64_C(1700000000000));
	snap_release(&s);
	cr_expect(eq(int, revoke_key(&b, "dev"), 0));
	cr_expect(eq(int, revoke_key(&b, "dev"), E_NOTFOUND));
	s = dump(&b, 1);
	snap_release(&s);
	bench_fini(&b);
}

Test(store, what_it_answered_for_survives_kill_9)
{
	struct bench	b;
	struct snap	*s;

	bench_init(&b);
	for (unsigned char i = 1; i <= 20; i++) {
		char name[16];

		snprintf(name, sizeof(name), "key %u", i);
		cr_assert(eq(int, add(&b, name, i), 0));
		kill(b.c.pid, SIGKILL);
		cr_expect(eq(int, child_wait(&b.c), 128 + SIGKILL));
		bench_start(&b);
		s = dump(&b, i);
		snap_release(&s);
	}
	bench_fini(&b);
}

static int
small_policy(uint64_t generation)
{
	struct build	*p;
	struct stext	 t;
	uint64_t	 length;
	int		 fd;

	cr_assert(eq(int, build_new(SNAP_POLICY, "", &p), 0));
	cr_assert(eq(int, build_text(p, SPAN_LIT("some text"), &t), 0));
	cr_assert(eq(int, build_seal(p, generation, &fd, &length), 0));
	build_free(&p);
	return fd;
}

static int
save(struct bench *b, int fd, uint64_t generation)
{
	struct msg_STORE_POLICY_SAVE p = { .generation = generation };

	child_say(&b->c, MSG_TYPE_STORE_POLICY_SAVE, 8, &p, fd);
	cr_expect(eq(u64, child_hear(&b->c, MSG_TYPE_STORE_DONE, &b->m, NULL), 8));
	return b->m.STORE_DONE.error;
}

Test(store, gives_back_the_last_good_policy_and_refuses_what_is_none)
{
	struct msg_STORE_POLICY_LOAD	load = { 0 };
	struct snap_head		head;
	struct bench			b;
	int				fd, junk;

	bench_init(&b);
	child_say(&b.c, MSG_TYPE_STORE_POLICY_LOAD, 9, &load, -1);
	cr_expect(eq(u64, child_hear(&b.c, MSG_TYPE_STORE_DONE, &b.m, NULL), 9));
	cr_expect(eq(int, b.m.STORE_DONE.error, E_NOTFOUND));
	fd = small_policy(41);
	cr_expect(eq(int, save(&b, fd, 41), 0));
	close(fd);
	cr_assert(eq(int, fd_memfd_sealed("junk", SPAN_LIT("no snapshot"), &junk), 0));
	cr_expect(save(&b, junk, 42) != 0);
	close(junk);
	kill(b.c.pid, SIGKILL);
	child_wait(&b.c);
	bench_start(&b);
	child_say(&b.c, MSG_TYPE_STORE_POLICY_LOAD, 10, &load, -1);
	cr_expect(eq(u64, child_hear(&b.c, MSG_TYPE_STORE_POLICY_LOADED, &b.m, &fd), 10));
	cr_expect(eq(u64, b.m.STORE_POLICY_LOADED.generation, 41));
	cr_expect(eq(int, snap_check(fd, &head), 0));
	cr_expect(eq(u64, head.generation, 41));
	close(fd);
	bench_fini(&b);
}

Test(store, answers_ping_and_leaves_when_drained)
{
	struct msg_PING		ping = { .token = 123 };
	struct msg_DRAIN	drain = { .within_ms = 1000 };
	struct bench		b;

	bench_init(&b);
	child_say(&b.c, MSG_TYPE_PING, 0, &ping, -1);
	child_hear(&b.c, MSG_TYPE_PING, &b.m, NULL);
	cr_expect(eq(u64, b.m.PING.token, 123));
	child_say(&b.c, MSG_TYPE_DRAIN, 0, &drain, -1);
	bench_fini(&b);
}

static void
become_nobody(void)
{
	if (geteuid() == 0)
		cr_assert(setgid(65534) == 0 && setuid(65534) == 0);
}

#define DIGEST "0101010101010101010101010101010101010101010101010101010101010101"
#define OTHER_DIGEST "0202020202020202020202020202020202020202020202020202020202020202"

static int
offline(struct bench *b, char *out, const char *command, const char *name)
{
	char	*add_args[] = { "--offline", b->path, "key-add", DIGEST, "mgk_01010101", (char *)name,
	    "backend", "default", "0", "tools:call a", "dev", "", "eng", "8", NULL };
	char	*revoke_args[] = { "--offline", b->path, "key-revoke", (char *)name, "", "", NULL };
	char	*rotate_args[] = { "--offline", b->path, "key-rotate", OTHER_DIGEST, "mgk_02020202", (char *)name, "",
	    "3600000", "0", "8", NULL };
	char	*args[] = { "--offline", b->path, (char *)command, (char *)name, NULL };

	return child_run(ROLE_STORE, strcmp(command, "key-add") == 0 ? add_args :
	    strcmp(command, "key-revoke") == 0 ? revoke_args : strcmp(command, "key-rotate") == 0 ? rotate_args : args,
	    out, 4096);
}

Test(store, without_a_master_mcpgwctl_runs_it_itself)
{
	struct bench	b;
	char		out[4096], *list[] = { "--list", b.path, NULL };

	folder_make(b.path);
	cr_expect(eq(int, child_run(ROLE_STORE, list, out, sizeof(out)), 0), "no store yet");
	cr_expect(eq(str, (char *)out, ""));
	cr_expect(eq(int, offline(&b, out, "key-add", "ci \"x\""), 0));
	cr_expect(eq(int, offline(&b, out, "key-add", "ci \"x\""), 0), "the same again");
	cr_expect(eq(int, offline(&b, out, "key-add", "other"), EX_DATAERR), "not under another name");
	cr_expect(eq(int, child_run(ROLE_STORE, list, out, sizeof(out)), 0));
	cr_expect(strstr(out, "{\"name\":\"ci \\\"x\\\"\",\"key\":\"mgk_01010101\",\"agent\":\"backend\","
	    "\"tenant\":\"default\",\"created\":\"20") == out, "%s", out);
	cr_expect(strstr(out, ",\"scopes\":[\"a\",\"tools:call\"],\"roles\":[\"dev\"],\"workspace\":\"eng\",\"by\":7}") != NULL,
	    "%s", out);
	cr_expect(eq(int, offline(&b, out, "key-rotate", "nobody"), EX_DATAERR));
	cr_expect(eq(int, offline(&b, out, "key-rotate", "ci \"x\""), 0));
	cr_expect(eq(int, child_run(ROLE_STORE, list, out, sizeof(out)), 0));
	cr_expect(strstr(out, "mgk_02020202") != NULL && strstr(out, "\"ends\":\"") != NULL, "%s", out);
	cr_expect(eq(int, offline(&b, out, "key-revoke", "nobody"), EX_DATAERR));
	cr_expect(eq(int, offline(&b, out, "key-revoke", "ci \"x\""), 0));
	cr_expect(eq(int, child_run(ROLE_STORE, list, out, sizeof(out)), 0));
	cr_expect(eq(str, (char *)out, ""));
	cr_expect(eq(int, offline(&b, out, "key-eat", "x"), EX_USAGE));
	folder_remove(b.path);
}

Test(store, a_running_gateway_excludes_the_offline_writer_not_the_reader)
{
	struct bench	b;
	char		out[4096], *list[] = { "--list", b.path, NULL };

	bench_init(&b);
	cr_assert(eq(int, add(&b, "ci", 3), 0));
	cr_expect(eq(int, offline(&b, out, "key-add", "dev"), EX_TEMPFAIL));
	cr_expect(eq(int, offline(&b, out, "key-revoke", "ci"), EX_TEMPFAIL));
	cr_expect(eq(int, child_run(ROLE_STORE, list, out, sizeof(out)), 0));
	cr_expect(strstr(out, "\"ci\"") != NULL);
	bench_fini(&b);
}

Test(store, root_leaves_files_that_the_owner_can_use)
{
	struct bench	b;
	struct stat	st;
	char		out[4096], name[128];

	if (geteuid() != 0)
		cr_skip("needs root");
	folder_make(b.path);
	cr_assert(eq(int, chown(b.path, 65534, 65534), 0));
	cr_expect(eq(int, offline(&b, out, "key-add", "ci"), 0));
	snprintf(name, sizeof(name), "%s/data.mdb", b.path);
	cr_assert(eq(int, stat(name, &st), 0));
	cr_expect(eq(uint, st.st_uid, 65534));
	snprintf(name, sizeof(name), "%s/lock", b.path);
	cr_assert(eq(int, stat(name, &st), 0));
	cr_expect(eq(uint, st.st_uid, 65534));
	folder_remove(b.path);
}

Test(store, before_the_first_start_an_owner_makes_the_folder)
{
	struct bench	b;
	char		out[4096], top[64];

	become_nobody();
	folder_make(top);
	snprintf(b.path, sizeof(b.path), "%.30s/state/store", top);
	if (offline(&b, out, "key-list", NULL) == 127) {
		folder_remove(top);
		cr_skip("nobody cannot reach the build tree");
	}
	cr_expect(eq(int, offline(&b, out, "key-add", "ci"), 0));
	cr_expect(eq(int, offline(&b, out, "key-list", NULL), 0));
	cr_expect(strstr(out, "\"ci\"") != NULL);
	folder_remove(top);
}

/* ---- quotas ---------------------------------------------------------------------------------------- */

#define DAY	SPAN_LIT("tenant\0acme\0\0calls\0" "2026-11-30\0")
#define HARD	1000
#define AHEAD	10

#define DAYS	100
#define OF_A_DAY 1000
#define MANY	600		/* more than are written together, and no multiple of that */

struct counter {
	struct region	r;
	uint64_t	key;
};

static void
counter_init(struct counter *c, struct bench *b)
{
	cr_assert(eq(int, region_map(b->region, REGION_QUOTAS, &c->r), 0));
	c->key = quota_key(&c->r, DAY);
}

static void
mark(struct bench *b, bool reset)
{
	const struct msg_QUOTA_MARK m = { .of = DAY, .hard = HARD, .ahead = AHEAD, .warn = 80, .ends_ms = UINT64_MAX / 2,
	    .reset = reset };

	child_say(&b->c, MSG_TYPE_QUOTA_MARK, 0, &m, -1);
}

static uint64_t
used(const struct counter *c)
{
	uint64_t	n;

	(void)quota_read(&c->r, c->key, &n);
	return n;
}

/* As a worker does it: asks, waits, and counts. */
static void
use(struct counter *c, struct bench *b, unsigned calls)
{
	enum quota_verdict	v = QUOTA_UNMARKED;
	bool			wants;

	for (unsigned i = 0, tries = 0; i < calls; tries++) {
		v = quota_take(&c->r, c->key, 1, HARD, AHEAD, &wants);
		if (wants)
			mark(b, false);
		i += v == QUOTA_OK;
		if (v == QUOTA_UNMARKED)
			usleep(1000);
		cr_assert(v != QUOTA_EMPTY && tries < 100000, "call %u of %u: verdict %d, try %u, used %llu", i, calls, (int)v, tries,
		    (unsigned long long)used(c));
	}
}

/* As after a start of the whole gateway: shared memory is new. */
static void
bench_again(struct bench *b, struct counter *c)
{
	region_unmap(&c->r);
	fd_close(&b->region);
	cr_assert(eq(int, region_create(REGION_QUOTAS, 1, &b->region), 0));
	bench_start(b);
	counter_init(c, b);
}

Test(store, remembers_what_was_used_of_a_quota_to_the_last_call_when_it_ends_in_order)
{
	struct bench	b;
	struct counter	c;
	bool		wants;

	bench_init(&b);
	counter_init(&c, &b);
	cr_expect(eq(int, quota_take(&c.r, c.key, 1, HARD, AHEAD, &wants), QUOTA_UNMARKED));
	use(&c, &b, 123);
	cr_expect(eq(int, child_wait(&b.c), 0));
	bench_again(&b, &c);
	cr_expect(eq(u64, used(&c), 123));
	use(&c, &b, HARD - 123);
	cr_expect(eq(int, quota_take(&c.r, c.key, 1, HARD, AHEAD, &wants), QUOTA_EMPTY));
	cr_expect(not(wants));
	cr_expect(eq(int, child_wait(&b.c), 0));
	bench_again(&b, &c);
	cr_expect(eq(int, quota_take(&c.r, c.key, 1, HARD, AHEAD, &wants), QUOTA_EMPTY));
	mark(&b, true);
	for (int i = 0; i < 1000 && used(&c) > 0; i++)
		usleep(1000);
	use(&c, &b, 1);
	cr_expect(eq(u64, used(&c), 1));
	region_unmap(&c.r);
	bench_fini(&b);
}

/* Killed with all of its gateway at any moment: nothing is forgotten, and what is lost is bounded. */
Test(store, forgets_nothing_of_a_quota_when_all_is_killed)
{
	struct bench	b;
	struct counter	c;
	uint64_t	really = 0, before = 0;

	bench_init(&b);
	counter_init(&c, &b);
	for (unsigned round = 1; round <= 20; round++) {
		use(&c, &b, round * 2);
		really += round * 2;
		before = used(&c);
		kill(b.c.pid, SIGKILL);
		cr_expect(eq(int, child_wait(&b.c), 128 + SIGKILL));
		bench_again(&b, &c);
		cr_expect(used(&c) >= before, "round %u: %llu of %llu", round, (unsigned long long)used(&c),
		    (unsigned long long)before);
		cr_expect(used(&c) <= before + AHEAD);
	}
	cr_expect(used(&c) >= really);
	region_unmap(&c.r);
	bench_fini(&b);
}

/* The store alone is killed: the workers' counts stand, and go on when it is back. */
Test(store, finds_the_counts_of_workers_when_it_alone_is_killed)
{
	struct bench	b;
	struct counter	c;

	bench_init(&b);
	counter_init(&c, &b);
	for (unsigned round = 1; round <= 10; round++) {
		use(&c, &b, 7);
		kill(b.c.pid, SIGKILL);
		cr_expect(eq(int, child_wait(&b.c), 128 + SIGKILL));
		bench_start(&b);
		cr_expect(eq(u64, used(&c), 7 * round));
	}
	region_unmap(&c.r);
	bench_fini(&b);
}

static struct span
of_day(struct counter *c, unsigned day, unsigned number)
{
	static char	text[64];

	snprintf(text, sizeof(text), "agent a%u calls day %u", number, day);
	c->key = quota_key(&c->r, span_of(text));
	return span_of(text);
}

static void
mark_of_day(struct bench *b, struct counter *c, unsigned day, unsigned number)
{
	struct msg_QUOTA_MARK	m = { .of = of_day(c, day, number), .hard = HARD, .ahead = AHEAD };
	struct timespec		now;

	clock_gettime(CLOCK_REALTIME, &now);
	m.ends_ms = ((uint64_t)now.tv_sec + day * UINT64_C(86400) - DAYS * UINT64_C(86400)) * 1000;
	child_say(&b->c, MSG_TYPE_QUOTA_MARK, 0, &m, -1);
}

/* A store that runs for as long lets go of each day's, and still has the last. */
Test(store, has_room_for_quotas_of_any_number_of_days, .timeout = 120)
{
	enum quota_verdict	v;
	struct bench		b;
	struct counter		c;
	bool			wants;

	bench_init(&b);
	counter_init(&c, &b);
	for (unsigned day = 0; day <= DAYS; day++) {
		for (unsigned i = 0; i < OF_A_DAY; i++)
			mark_of_day(&b, &c, day, i);
		v = QUOTA_UNMARKED;
		/* As a worker: what ended long ago by the store's clock may lose its place to another such one. */
		for (unsigned tries = 1; tries < 2000 && v == QUOTA_UNMARKED; tries++) {
			v = quota_take(&c.r, c.key, 1, HARD, AHEAD, &wants);
			if (v == QUOTA_UNMARKED && tries % 200 == 0)
				mark_of_day(&b, &c, day, OF_A_DAY - 1);
			if (v == QUOTA_UNMARKED)
				usleep(1000);
		}
		cr_assert(eq(int, v, QUOTA_OK), "day %u", day);
	}
	/* What it let go of is not forgotten: that of 30 days ago is on disk. */
	mark_of_day(&b, &c, DAYS - 30, OF_A_DAY - 1);
	for (unsigned tries = 0; tries < 5000 && !quota_read(&c.r, c.key, &(uint64_t){ 0 }); tries++)
		usleep(1000);
	cr_expect(used(&c) > 0, "%llu", (unsigned long long)used(&c));
	region_unmap(&c.r);
	bench_fini(&b);
}

/* All of them, whatever number is written together. */
Test(store, remembers_many_quotas_to_the_last_call, .timeout = 60)
{
	struct bench	b;
	struct counter	c;
	bool		wants;

	bench_init(&b);
	counter_init(&c, &b);
	for (unsigned i = 0; i < MANY; i++) {
		mark_of_day(&b, &c, DAYS + 1, i);
		for (unsigned tries = 0; quota_take(&c.r, c.key, 1, HARD, AHEAD, &wants) != QUOTA_OK; tries++) {
			cr_assert(tries < 5000, "quota %u", i);
			usleep(1000);
		}
	}
	cr_expect(eq(int, child_wait(&b.c), 0));
	bench_again(&b, &c);
	for (unsigned i = 0; i < MANY; i++) {
		(void)of_day(&c, DAYS + 1, i);
		cr_expect(used(&c) == 1, "quota %u: %llu", i, (unsigned long long)used(&c));
	}
	region_unmap(&c.r);
	bench_fini(&b);
}
