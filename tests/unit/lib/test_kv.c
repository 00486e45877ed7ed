/* SPDX-License-Identifier: Apache-2.0
 *
 * test_kv.c - durable tables of bytes
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/kv.h"

static const char *const names[] = { "a", "b" };
static char path[64];

static void
folder(void)
{
	strcpy(path, "/tmp/mcpgw-kv-XXXXXX");
	cr_assert(mkdtemp(path) != NULL);
}

static void
gone(void)
{
	char	name[128];

	snprintf(name, sizeof(name), "%s/data.mdb", path);
	unlink(name);
	snprintf(name, sizeof(name), "%s/lock.mdb", path);
	unlink(name);
	snprintf(name, sizeof(name), "%s/lock", path);
	unlink(name);
	rmdir(path);
}

static int
put_number(struct kv_txn *t, uint64_t n, struct span value)
{
	char	key[8];

	kv_put_be64(key, n);
	return kv_put(t, 0, span_make(key, 8), value);
}

Test(kv, keeps_what_was_committed_and_nothing_else, .init = folder, .fini = gone)
{
	struct kv	*kv;
	struct kv_txn	*t;
	struct span	 v;

	cr_expect(eq(int, kv_open(path, names, 2, 1 << 20, KV_READ_ONLY, &kv), E_NOTFOUND));
	cr_assert(eq(int, kv_open(path, names, 2, 1 << 20, 0, &kv), 0));
	cr_assert(eq(int, kv_begin(kv, true, &t), 0));
	cr_expect(eq(int, kv_put(t, 0, SPAN_LIT("k"), SPAN_LIT("v")), 0));
	cr_expect(eq(int, kv_add(t, 0, SPAN_LIT("k"), SPAN_LIT("w")), E_EXISTS));
	cr_expect(eq(int, kv_put(t, 1, SPAN_LIT("k"), SPAN_LIT("")), 0));
	cr_assert(eq(int, kv_commit(&t), 0));
	cr_assert(eq(int, kv_begin(kv, true, &t), 0));
	cr_expect(eq(int, kv_del(t, 0, SPAN_LIT("k")), 0));
	cr_expect(eq(int, kv_del(t, 0, SPAN_LIT("k")), E_NOTFOUND));
	kv_abort(&t);
	cr_expect(t == NULL);
	kv_close(&kv);
	cr_assert(eq(int, kv_open(path, names, 2, 1 << 20, KV_READ_ONLY, &kv), 0));
	cr_assert(eq(int, kv_begin(kv, false, &t), 0));
	cr_expect(eq(int, kv_get(t, 0, SPAN_LIT("k"), &v), 0));
	cr_expect(span_is(v, "v"));
	cr_expect(eq(int, kv_get(t, 1, SPAN_LIT("k"), &v), 0));
	cr_expect(eq(sz, v.n, 0));
	cr_expect(eq(int, kv_get(t, 1, SPAN_LIT("x"), &v), E_NOTFOUND));
	kv_abort(&t);
	kv_close(&kv);
}

Test(kv, has_one_writer_and_one_format, .init = folder, .fini = gone)
{
	struct kv	*kv, *other;

	cr_assert(eq(int, kv_open(path, names, 2, 1 << 20, 0, &kv), 0));
	cr_expect(eq(int, kv_open(path, names, 2, 1 << 20, 0, &other), E_EXISTS));
	cr_expect(eq(int, kv_check_format(kv, 1, 7), 0));
	cr_expect(eq(int, kv_check_format(kv, 1, 7), 0));
	cr_expect(eq(int, kv_check_format(kv, 1, 8), E_VERSION));
	kv_close(&kv);
	cr_assert(eq(int, kv_open(path, names, 2, 1 << 20, KV_READ_ONLY, &kv), 0));
	cr_expect(eq(int, kv_check_format(kv, 1, 7), 0));
	cr_expect(eq(int, kv_check_format(kv, 1, 8), E_VERSION));
	cr_expect(eq(int, kv_check_format(kv, 0, 7), E_NOTFOUND), "a reader notes nothing");
	kv_close(&kv);
}

Test(kv, walks_numbers_in_their_order, .init = folder, .fini = gone)
{
	static const uint64_t	numbers[] = { 300, 1, UINT64_MAX, 256, 255, 0 };
	static const uint64_t	sorted[] = { 0, 1, 255, 256, 300, UINT64_MAX };
	struct kv		*kv;
	struct kv_txn		*t;
	struct kv_cursor	*c;
	struct span		 k, v;
	char			 at[8];

	cr_assert(eq(int, kv_open(path, names, 1, 1 << 20, 0, &kv), 0));
	cr_assert(eq(int, kv_begin(kv, true, &t), 0));
	for (size_t i = 0; i < 6; i++)
		cr_assert(eq(int, put_number(t, numbers[i], SPAN_LIT("x")), 0));
	cr_assert(eq(int, kv_cursor_open(t, 0, &c), 0));
	for (size_t i = 0; i < 6; i++) {
		cr_assert(eq(int, kv_cursor_move(c, i == 0 ? KV_FIRST : KV_NEXT, &k, &v), 0));
		cr_expect(eq(u64, kv_get_be64(k.p), sorted[i]));
	}
	cr_expect(eq(int, kv_cursor_move(c, KV_NEXT, &k, &v), E_NOTFOUND));
	cr_assert(eq(int, kv_cursor_move(c, KV_LAST, &k, &v), 0));
	cr_assert(eq(int, kv_cursor_move(c, KV_PREV, &k, &v), 0));
	cr_expect(eq(u64, kv_get_be64(k.p), 300));
	kv_put_be64(at, 2);
	cr_assert(eq(int, kv_cursor_seek(c, span_make(at, 8), &k, &v), 0));
	cr_expect(eq(u64, kv_get_be64(k.p), 255));
	cr_assert(eq(int, kv_cursor_del(c), 0));
	cr_assert(eq(int, kv_cursor_move(c, KV_NEXT, &k, &v), 0));
	cr_expect(eq(u64, kv_get_be64(k.p), 256), "the one behind the deleted one");
	kv_cursor_close(&c);
	kv_abort(&t);
	kv_close(&kv);
}

Test(kv, a_full_map_grows_and_readers_follow, .init = folder, .fini = gone)
{
	static char	 value[4000];
	struct kv	*kv, *reader;
	struct kv_txn	*t;
	uint64_t	 n, grown = 0, count;

	cr_assert(eq(int, kv_open(path, names, 1, 256 << 10, 0, &kv), 0));
	for (n = 0; n < 500; ) {
		int r;

		cr_assert(eq(int, kv_begin(kv, true, &t), 0));
		if ((r = put_number(t, n, span_make(value, sizeof(value)))) == 0)
			r = kv_commit(&t);
		else
			kv_abort(&t);
		if (r == 0) {
			n++;
			continue;
		}
		cr_assert(eq(int, r, E_FULL));
		cr_assert(eq(int, kv_grow(kv), 0));
		grown++;
	}
	cr_expect(grown >= 3, "grown %d times", (int)grown);
	if (fork() == 0) {
		/* Another process, which opened it when it was small. */
		int ok = kv_open(path, names, 1, 256 << 10, KV_READ_ONLY, &reader) == 0 &&
		    kv_begin(reader, false, &t) == 0 && kv_count(t, 0, &count) == 0 && count == 500;

		_exit(ok ? 0 : 1);
	}
	{
		int status;

		wait(&status);
		cr_expect(eq(int, status, 0));
	}
	kv_close(&kv);
}

static void
limit_files(rlim_t bytes)
{
	struct rlimit	l;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &l);
	l.rlim_cur = bytes;
	cr_assert(eq(int, setrlimit(RLIMIT_FSIZE, &l), 0));
}

Test(kv, a_full_disk_refuses_a_commit_and_harms_nothing, .init = folder, .fini = gone)
{
	static char	 value[4000];
	struct kv	*kv;
	struct kv_txn	*t;
	struct span	 v;
	uint64_t	 n, kept;
	char		 key[8];
	int		 r = 0;

	cr_assert(eq(int, kv_open(path, names, 1, 16 << 20, 0, &kv), 0));
	limit_files(200 << 10);
	for (n = 0; r == 0; n++) {
		cr_assert(eq(int, kv_begin(kv, true, &t), 0));
		cr_assert(eq(int, put_number(t, n, span_make(value, sizeof(value))), 0));
		r = kv_commit(&t);
	}
	kept = n - 1;
	cr_expect(eq(int, r, E_SYS));
	cr_expect(kept > 10 && kept < 60, "%d kept", (int)kept);
	limit_files(RLIM_INFINITY);
	for (n = kept; n < 100; n++) {
		cr_assert(eq(int, kv_begin(kv, true, &t), 0));
		cr_assert(eq(int, put_number(t, n, span_make(value, sizeof(value))), 0));
		cr_assert(eq(int, kv_commit(&t), 0));
	}
	cr_assert(eq(int, kv_begin(kv, false, &t), 0));
	for (n = 0; n < 100; n++) {
		kv_put_be64(key, n);
		cr_expect(eq(int, kv_get(t, 0, span_make(key, 8), &v), 0));
	}
	kv_abort(&t);
	kv_close(&kv);
}

Test(kv, refuses_damaged_files_with_a_reason, .init = folder, .fini = gone)
{
	static const struct {
		const char	*what;
		off_t		 cut;		/* to this length, or */
		int		 zero;		/* so many bytes at the front become zero */
	} rows[] = {
		{ "short", 20000, 0 }, { "shorter", 100, 0 }, { "zeroed", -1, 8192 },
	};
	static char	value[4000];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct kv *kv;
		struct kv_txn *t;
		char name[128], zeroes[8192] = { 0 };
		int fd, r;

		gone();
		folder();
		cr_assert(eq(int, kv_open(path, names, 1, 16 << 20, 0, &kv), 0));
		cr_assert(eq(int, kv_begin(kv, true, &t), 0));
		for (uint64_t n = 0; n < 50; n++)
			cr_assert(eq(int, put_number(t, n, span_make(value, sizeof(value))), 0));
		cr_assert(eq(int, kv_commit(&t), 0));
		kv_close(&kv);
		snprintf(name, sizeof(name), "%s/data.mdb", path);
		fd = open(name, O_RDWR);
		if (rows[i].cut >= 0)
			cr_assert(eq(int, ftruncate(fd, rows[i].cut), 0));
		if (rows[i].zero > 0)
			cr_assert(pwrite(fd, zeroes, (size_t)rows[i].zero, 0) == rows[i].zero);
		close(fd);
		r = kv_open(path, names, 1, 16 << 20, 0, &kv);
		cr_expect(r == E_FORMAT || r == E_VERSION || r == E_SYS, "%s: %s", rows[i].what, err_text(r));
	}
}

static int
append_number(struct kv_txn *t, uint64_t n)
{
	char	key[8];

	kv_put_be64(key, n);
	return kv_append(t, 0, span_make(key, 8), SPAN_LIT("a value of some length, so that pages fill"));
}

static int
del_number(struct kv_txn *t, uint64_t n)
{
	char	key[8];

	kv_put_be64(key, n);
	return kv_del(t, 0, span_make(key, 8));
}

/* What kv_append() remembers of the end must follow what others do to it. */
Test(kv, appends_among_puts_and_deletes, .init = folder, .fini = gone)
{
	struct kv		*kv;
	struct kv_txn		*t;
	struct kv_cursor	*c;
	struct span		 key, value;
	uint64_t		 next = 1;

	cr_assert(eq(int, kv_open(path, names, 2, 1 << 24, 0, &kv), 0));
	for (int round = 0; round < 3; round++) {
		cr_assert(eq(int, kv_begin(kv, true, &t), 0));
		for (int i = 0; i < 3000; i++, next += 2) {
			cr_assert(eq(int, append_number(t, next), 0));
			if (i % 7 == 0)
				cr_assert(eq(int, put_number(t, next - 1, SPAN_LIT("between")), 0));
			if (i % 11 == 0)
				cr_assert(eq(int, del_number(t, next), 0));
			if (i % 13 == 0)
				cr_assert(eq(int, put_number(t, next + 1, SPAN_LIT("behind")), 0));
		}
		cr_expect(eq(int, append_number(t, 1), E_EXISTS));
		if (round == 1) {
			kv_abort(&t);
			next -= 6000;
		} else {
			cr_assert(eq(int, kv_commit(&t), 0));
		}
	}
	cr_assert(eq(int, kv_begin(kv, false, &t), 0));
	cr_assert(eq(int, kv_cursor_open(t, 0, &c), 0));
	next = 0;
	while (kv_cursor_move(c, KV_NEXT, &key, &value) == 0) {
		uint64_t n = kv_get_be64(key.p);

		cr_assert(n >= next, "%zu after %zu", (size_t)n, (size_t)next);
		next = n + 1;
	}
	cr_expect(eq(u64, next, 12000));
	kv_cursor_close(&c);
	kv_abort(&t);
	kv_close(&kv);
}
