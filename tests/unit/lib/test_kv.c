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
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
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

/* What a killed gateway has left may write for a moment still. */
Test(kv, waits_for_a_writer_that_leaves, .init = folder, .fini = gone, .timeout = 20)
{
	struct kv	*kv;
	char		 lock[128];
	pid_t		 pid;
	int		 fd;

	snprintf(lock, sizeof(lock), "%s/lock", path);
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	cr_assert(fd != -1 && flock(fd, LOCK_EX) == 0);
	pid = fork();
	cr_assert(pid != -1);
	if (pid == 0) {
		usleep(300000);
		_exit(0);
	}
	close(fd);			/* the child alone has it now */
	cr_expect(eq(int, kv_open(path, names, 2, 1 << 20, 0, &kv), 0));
	kv_close(&kv);
	waitpid(pid, NULL, 0);
}

/* LMDB goes by the number of its last page, which is to lie in the file however large it is said to be. */
Test(kv, believes_no_last_page_beyond_the_file, .init = folder, .fini = gone)
{
	static const off_t	last_page = 136;	/* in each of LMDB's first two pages */
	static const uint64_t	numbers[] = { UINT64_MAX, UINT64_C(1) << 52, UINT64_C(1) << 56, (UINT64_C(1) << 52) - 1, 1000 };
	char			name[128];
	struct kv		*kv;
	struct kv_txn		*t;
	int			 fd, r;

	cr_assert(eq(int, kv_open(path, names, 1, 16 << 20, 0, &kv), 0));
	cr_assert(eq(int, kv_begin(kv, true, &t), 0));
	cr_assert(eq(int, put_number(t, 1, SPAN_LIT("one")), 0));
	cr_assert(eq(int, kv_commit(&t), 0));
	kv_close(&kv);
	snprintf(name, sizeof(name), "%s/data.mdb", path);
	fd = open(name, O_RDWR);
	cr_assert(fd != -1);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		for (off_t page = 0; page < 2; page++)
			cr_assert(pwrite(fd, &numbers[i], sizeof(numbers[i]), page * 4096 + last_page) == sizeof(numbers[i]));
		for (unsigned flags = 0; flags <= KV_READ_ONLY; flags++) {
			r = kv_open(path, names, 1, 16 << 20, flags, &kv);
			cr_expect(r == E_FORMAT, "page %llu, flags %u: %d", (unsigned long long)numbers[i], flags, r);
			kv_close(&kv);
		}
	}
	close(fd);
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

/* --- a map that is full, readers that die, and their table --------------------------------------------- */

static size_t
file_bytes(const char *file)
{
	char		name[128];
	struct stat	st;

	snprintf(name, sizeof(name), "%s/%s", path, file);
	cr_assert(eq(int, stat(name, &st), 0));
	return (size_t)st.st_size;
}

static void
commit_one(struct kv *kv, uint64_t n, size_t bytes)
{
	static char	 value[8000];
	struct kv_txn	*t;

	cr_assert(eq(int, kv_begin(kv, true, &t), 0));
	cr_assert(eq(int, put_number(t, n, span_make(value, bytes)), 0));
	cr_assert(eq(int, kv_commit(&t), 0));
}

/* A process that reads and does not stop; *kv is the writer's, of which it may not use anything. */
static pid_t
reader_begin(void)
{
	struct kv	*kv;
	struct kv_txn	*t;
	int		 ready[2];
	pid_t		 pid;
	char		 c = 'n';

	cr_assert(eq(int, pipe(ready), 0));
	if ((pid = fork()) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (kv_open(path, names, 1, 16 << 20, KV_READ_ONLY, &kv) == 0 && kv_begin(kv, false, &t) == 0)
			c = 'y';
		(void)!write(ready[1], &c, 1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	cr_assert(read(ready[0], &c, 1) == 1 && c == 'y', "it cannot read");
	close(ready[0]);
	return pid;
}

static void
reader_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

Test(kv, a_reader_that_was_killed_holds_no_page, .init = folder, .fini = gone)
{
	struct kv	*kv;
	size_t		 before, held;
	pid_t		 pid;

	cr_assert(eq(int, kv_open(path, names, 1, 16 << 20, 0, &kv), 0));
	for (int i = 0; i < 50; i++)
		commit_one(kv, 1, 8000);
	before = file_bytes("data.mdb");
	pid = reader_begin();
	for (int i = 0; i < 50; i++)
		commit_one(kv, 1, 8000);
	held = file_bytes("data.mdb");
	cr_expect(held > before + 50 * 8000, "a reader that lives holds what it may look at: %zu, %zu", before, held);
	reader_kill(pid);
	for (int i = 0; i < 500; i++)
		commit_one(kv, 1, 8000);
	cr_expect(file_bytes("data.mdb") < held + 20 * 4096, "%zu, then %zu", held, file_bytes("data.mdb"));
	kv_close(&kv);
}

Test(kv, readers_that_were_killed_keep_no_other_out, .init = folder, .fini = gone)
{
	struct kv	*kv;
	struct kv_txn	*t;
	pid_t		 pids[63], another;

	cr_assert(eq(int, kv_open(path, names, 1, 16 << 20, 0, &kv), 0));
	commit_one(kv, 1, 100);
	/* All that are left beside the writer's own. */
	for (int i = 0; i < 63; i++)
		pids[i] = reader_begin();
	if ((another = fork()) == 0) {
		struct kv *reader;

		_exit(kv_open(path, names, 1, 16 << 20, KV_READ_ONLY, &reader) == E_AGAIN ? 0 : 1);
	}
	{
		int status;

		waitpid(another, &status, 0);
		cr_expect(eq(int, status, 0), "one more may read than may");
	}
	cr_expect(eq(int, kv_begin(kv, false, &t), 0), "the writer reads, however many do");
	kv_abort(&t);
	for (int i = 0; i < 63; i++)
		reader_kill(pids[i]);
	reader_kill(reader_begin());
	kv_close(&kv);
}

Test(kv, a_map_that_finds_no_address_stays_and_grows_later, .init = folder, .fini = gone)
{
	static char	 value[64000];
	struct rlimit	 l;
	struct kv	*kv;
	struct kv_txn	*t;
	struct span	 v;
	uint64_t	 n;
	int		 r = 0;
	char		 key[8];

	cr_assert(eq(int, kv_open(path, names, 1, 64 << 20, 0, &kv), 0));
	cr_expect(eq(int, kv_grow(kv), E_FULL), "it is not full");
	for (n = 0; r == 0; n++) {
		cr_assert(eq(int, kv_begin(kv, true, &t), 0));
		if ((r = put_number(t, n, span_make(value, sizeof(value)))) == 0)
			r = kv_commit(&t);
		else
			kv_abort(&t);
	}
	n--;
	cr_assert(eq(int, r, E_FULL));
	getrlimit(RLIMIT_AS, &l);
	cr_assert(eq(int, setrlimit(RLIMIT_AS, &(struct rlimit){ 100 << 20, l.rlim_max }), 0));
	cr_expect(eq(int, kv_grow(kv), E_NOMEM));
	cr_assert(eq(int, kv_begin(kv, false, &t), 0));
	kv_put_be64(key, n - 1);
	cr_expect(eq(int, kv_get(t, 0, span_make(key, 8), &v), 0), "what was there is there");
	kv_abort(&t);
	cr_assert(eq(int, setrlimit(RLIMIT_AS, &l), 0));
	cr_assert(eq(int, kv_begin(kv, true, &t), 0));
	cr_expect(eq(int, put_number(t, n, span_make(value, sizeof(value))), E_FULL));
	kv_abort(&t);
	cr_expect(eq(int, kv_grow(kv), 0));
	commit_one(kv, n, 8000);
	kv_close(&kv);
}

Test(kv, a_table_of_readers_that_was_removed_is_made_anew, .init = folder, .fini = gone)
{
	struct kv	*kv;
	size_t		 before;
	char		 name[128];
	pid_t		 pid;

	cr_assert(eq(int, kv_open(path, names, 1, 16 << 20, 0, &kv), 0));
	for (int i = 0; i < 50; i++)
		commit_one(kv, 1, 8000);
	snprintf(name, sizeof(name), "%s/lock.mdb", path);
	cr_assert(eq(int, unlink(name), 0));
	before = file_bytes("data.mdb");
	commit_one(kv, 1, 8000);
	/* It and the writer know of each other: no page that it may look at is used again. */
	pid = reader_begin();
	for (int i = 0; i < 50; i++)
		commit_one(kv, 1, 8000);
	cr_expect(file_bytes("data.mdb") > before + 50 * 8000);
	reader_kill(pid);
	kv_close(&kv);
}

/* Whatever bits flip: it is refused, or can be read and written, and nobody ends by a signal. */
Test(kv, looks_before_it_believes_a_file, .init = folder, .fini = gone, .timeout = 60)
{
	static char	 whole[4 << 20], bad[4 << 20], value[5000];
	uint64_t	 random = 20261130;
	unsigned	 refused = 0;
	char		 name[128];
	struct kv	*kv;
	struct kv_txn	*t;
	size_t		 n;
	int		 fd, r;

	cr_assert(eq(int, kv_open(path, names, 2, 16 << 20, 0, &kv), 0));
	for (uint64_t round = 0; round < 20; round++) {
		cr_assert(eq(int, kv_begin(kv, true, &t), 0));
		for (uint64_t i = 0; i < 60; i++)
			cr_assert(eq(int, put_number(t, round * 60 + i, span_make(value, i % 7 == 0 ? 5000 : i * 3)), 0));
		for (uint64_t i = 0; i < 20; i++)
			cr_assert(eq(int, del_number(t, round * 60 + i), 0));
		cr_assert(eq(int, kv_commit(&t), 0));
	}
	kv_close(&kv);
	snprintf(name, sizeof(name), "%s/data.mdb", path);
	n = file_bytes("data.mdb");
	cr_assert(n < sizeof(whole));
	fd = open(name, O_RDWR);
	cr_assert(pread(fd, whole, n, 0) == (ssize_t)n);
	for (int i = 0; i < 200; i++) {
		memcpy(bad, whole, n);
		for (int bit = 0; bit < 40; bit++) {
			random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
			bad[(random >> 33) % n] ^= (char)(1 << (random >> 29 & 7));
		}
		cr_assert(ftruncate(fd, 0) == 0 && pwrite(fd, bad, n, 0) == (ssize_t)n);
		if ((r = kv_open(path, names, 2, 16 << 20, 0, &kv)) == 0) {
			commit_one(kv, 7, 100);
			kv_close(&kv);
			continue;
		}
		cr_expect(r == E_FORMAT || r == E_VERSION || r == E_SYS, "%s", err_text(r));
		refused++;
	}
	close(fd);
	cr_log_info("refused %u of 200", refused);
	cr_expect(refused > 0);
}
