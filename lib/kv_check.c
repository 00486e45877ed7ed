/* SPDX-License-Identifier: Apache-2.0
 *
 * kv_check.c - whether the files of durable tables can be believed
 *
 * Process: a child of mcpgw-audit, of mcpgw-store, and of the latter's offline form, for moments.
 * Owns:    an environment of its own, read-only and without a lock: its parent has the writer's.
 * Trusts:  no byte of the files.
 *
 * LMDB has no sums and believes what a page says: one that lies ends its reader by a signal, or has the writer write
 * where something else is.  What of the files was not looked at, for want of time, still does.
 */
#include <errno.h>
#include <lmdb.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/kv_check.h"

#define CHECK_MS	300	/* for all of it */
#define STUCK_S		10	/* pages that lead back to themselves */
#define CLOCK_ROWS	256	/* between two looks at the clock */
#define PAGE_HEAD	16	/* bytes */
#define PAGES_FIRST	2	/* behind the two that say where everything is */

struct checking {
	MDB_txn		*txn;
	size_t		 page_bytes, last_page;
	const char	*base;		/* of the map; NULL: no page was seen */
	uint64_t	 until_ms;
};

/* These bytes lie in a page that says of itself what it should.  A value that begins behind the head has pages of its
 * own, a key is not empty. */
static bool
is_in_page(struct checking *c, MDB_val v, bool is_value)
{
	const char	*at = v.mv_data, *page = at - (uintptr_t)at % c->page_bytes, *base;
	size_t		 off = (size_t)(at - page), pages;
	uint64_t	 number;

	if (v.mv_size == 0)
		return is_value;
	memcpy(&number, page, sizeof(number));
	if (number < PAGES_FIRST || number > c->last_page || off < PAGE_HEAD)
		return false;
	base = page - number * c->page_bytes;
	if (c->base == NULL)
		c->base = base;
	if (base != c->base)
		return false;
	pages = is_value && off == PAGE_HEAD ? c->last_page + 1 - number : 1;
	return v.mv_size <= pages * c->page_bytes - off;
}

/* A list of free pages: how many, and then their numbers from the last to the first. */
static bool
is_list_of_pages(const struct checking *c, MDB_val v)
{
	const char	*p = v.mv_data;
	uint64_t	 n, page, before = (uint64_t)c->last_page + 1;

	if (v.mv_size < sizeof(n) || (memcpy(&n, p, sizeof(n)), n > v.mv_size / sizeof(n) - 1))
		return false;
	for (uint64_t i = 1; i <= n; i++, before = page) {
		memcpy(&page, p + i * sizeof(page), sizeof(page));
		if (page < PAGES_FIRST || page >= before)
			return false;
	}
	return true;
}

/* From its end on, which is what a writer comes upon first. */
static bool
is_whole(struct checking *c, MDB_dbi dbi, bool of_pages)
{
	MDB_cursor	*cursor;
	MDB_stat	 st;
	MDB_val		 k, v, before = { 0, NULL };
	size_t		 n = 0;
	int		 rc;

	if (mdb_stat(c->txn, dbi, &st) != 0 || mdb_cursor_open(c->txn, dbi, &cursor) != 0)
		return false;
	while ((rc = mdb_cursor_get(cursor, &k, &v, MDB_PREV)) == 0) {
		if (!is_in_page(c, k, false) || !is_in_page(c, v, true) || (of_pages && !is_list_of_pages(c, v)) ||
		    (before.mv_data != NULL && mdb_cmp(c->txn, dbi, &k, &before) >= 0))
			return false;
		before = k;
		if (++n % CLOCK_ROWS == 0 && clock_mono_ms() >= c->until_ms)
			return true;
	}
	return rc == MDB_NOTFOUND && n == st.ms_entries;
}

static void
on_assert(MDB_env *env, const char *text)
{
	(void)env;
	(void)text;
	_exit(1);
}

static bool
all_is_whole(const char *path, const char *const *names, unsigned count, size_t map_bytes)
{
	struct checking	c = { .page_bytes = 0 };
	MDB_env		*env;
	MDB_envinfo	info;
	MDB_stat	st;
	MDB_dbi		dbi;
	uint64_t	from = clock_mono_ms();
	int		rc;

	/* What has no such files, and what memory or a limit refuses, is for the writer to say. */
	if (mdb_env_create(&env) != 0 || mdb_env_set_assert(env, on_assert) != 0 ||
	    mdb_env_set_maxdbs(env, count) != 0 || mdb_env_set_mapsize(env, map_bytes) != 0 ||
	    mdb_env_open(env, path, MDB_RDONLY | MDB_NOLOCK, 0) != 0)
		return true;
	if (mdb_env_info(env, &info) != 0 || mdb_env_stat(env, &st) != 0 ||
	    mdb_txn_begin(env, NULL, MDB_RDONLY, &c.txn) != 0)
		return false;
	c.page_bytes = st.ms_psize;
	c.last_page = info.me_last_pgno;
	/* Number 0 is LMDB's own, of pages that are free. */
	c.until_ms = from + CHECK_MS / (count + 1);
	if (!is_whole(&c, 0, true))
		return false;
	for (unsigned i = 0; i < count; i++) {
		c.until_ms = from + CHECK_MS * (i + 2) / (count + 1);
		rc = mdb_dbi_open(c.txn, names[i], 0, &dbi);
		if (rc != MDB_NOTFOUND && (rc != 0 || !is_whole(&c, dbi, false)))
			return false;
	}
	return true;
}

int
kv_check_files(const char *path, const char *const *names, unsigned count, size_t map_bytes)
{
	const struct rlimit	no_core = { 0, 0 };
	pid_t			pid, parent = getpid();
	sigset_t		none;
	int			status;

	if ((pid = fork()) == -1)
		return 0;		/* it is no more than a precaution */
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		for (int s = 1; s < NSIG; s++)
			signal(s, SIG_DFL);
		(void)setrlimit(RLIMIT_CORE, &no_core);
		alarm(STUCK_S);
		_exit(getppid() != parent || all_is_whole(path, names, count, map_bytes) ? 0 : 1);
	}
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return 0;
	return status == 0 ? 0 : E_FORMAT;
}
