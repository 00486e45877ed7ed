/* SPDX-License-Identifier: Apache-2.0
 *
 * locks.c - F10: the files by which processes keep out of each other's way in the tables: gone, foreign, of the dead
 *
 * `lock` is the writer's, `lock.mdb` has LMDB's mutex and the table of who reads.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fault/stores.h"
#include "tests/integration/common.h"

#define CONF	"watchdog = 2s\n"
#define BACK_MS	20000	/* a process that ended so is started again; some times if need be */

static const char *const folders[] = { "store", "audit/db" }, *const programs[] = { "mcpgw-store", "mcpgw-audit" };

static void
be_noise(const char *path)
{
	char	noise[8192];
	int	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (char)(i * 167 + 13);
	cr_assert(fd != -1 && pwrite(fd, noise, sizeof(noise), 0) == (ssize_t)sizeof(noise), "%s: %s", path, strerror(errno));
	close(fd);
}

static void
be_empty(const char *path)
{
	cr_assert(truncate(path, 0) == 0, "%s: %s", path, strerror(errno));
}

static void
be_huge(const char *path)
{
	cr_assert(truncate(path, (off_t)1 << 40) == 0, "%s: %s", path, strerror(errno));
}

static void
be_gone(const char *path)
{
	cr_assert(unlink(path) == 0, "%s: %s", path, strerror(errno));
}

static void
be_a_folder(const char *path)
{
	be_gone(path);
	cr_assert(mkdir(path, 0755) == 0);
}

static void
be_a_pipe(const char *path)
{
	be_gone(path);
	cr_assert(mkfifo(path, 0600) == 0);
}

static void
be_a_link(const char *path)
{
	be_gone(path);
	cr_assert(symlink("/etc/passwd", path) == 0);
}

/* Somebody else's, who may be anybody; root's own services pass by such a mode. */
static void
be_locked(const char *path)
{
	be_gone(path);
	cr_assert(close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0)) == 0);
}

static const struct {
	const char	*what;
	void		(*fn)(const char *path);
	bool		 must_serve;	/* else it may refuse and say which file */
} forms[] = {
	{ "gone",		be_gone,	true },
	{ "noise",		be_noise,	true },
	{ "empty",		be_empty,	true },
	{ "huge",		be_huge,	false },
	{ "a folder",		be_a_folder,	false },
	{ "a pipe",		be_a_pipe,	false },
	{ "a link",		be_a_link,	false },
	{ "somebody else's",	be_locked,	false },
};

/* --- at a start ---------------------------------------------------------------------------------- */

static void
start_with(struct gateway *g, size_t form, const char *folder, const char *file)
{
	char	path[512], what[128], *log;
	size_t	from;

	snprintf(what, sizeof(what), "%s/%s %s", folder, file, forms[form].what);
	stores_put_back(g);
	snprintf(path, sizeof(path), "%s/state/%s/%s", g->dir, folder, file);
	forms[form].fn(path);
	from = gateway_log_bytes(g);
	if (gateway_try_start(g)) {
		stores_expect_as_before(g, what);
		cr_expect(stores_take_keys(g), "%s: no key can be added", what);
		gateway_stop_keep(g);
		return;
	}
	log = gateway_log(g);
	cr_expect(g->pid == 0 && WIFEXITED(g->status), "%s: it neither serves nor ends: %#x", what, g->status);
	cr_expect(!forms[form].must_serve, "%s: refused: %s", what, log + from);
	cr_expect(strstr(log + from, folder) != NULL && strstr(log + from, "lock and lock.mdb may be removed") != NULL,
	    "%s: not said: %s", what, log + from);
	free(log);
}

static void
start_with_each(const char *file)
{
	struct gateway	g;

	NEEDS_JAILS();
	stores_begin(&g, CONF);
	gateway_stop_keep(&g);
	stores_keep(&g);
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		for (size_t k = 0; k < 2; k++)
			start_with(&g, i, folders[k], file);
	gateway_remove(&g);
}

Test(locks, of_the_writer_in_any_form_serve_or_are_named, .timeout = 120)
{
	start_with_each("lock");
}

Test(locks, of_lmdb_in_any_form_serve_or_are_named, .timeout = 120)
{
	start_with_each("lock.mdb");
}

/* What kill -9 of all leaves is no lock. */
Test(locks, of_the_dead_hold_nobody, .timeout = 60)
{
	struct procs	*all = malloc(sizeof(*all));
	struct gateway	 g;

	NEEDS_JAILS();
	stores_begin(&g, CONF);
	for (int i = 0; i < 3; i++) {
		gateway_procs(&g, all);
		for (size_t n = all->count; n > 0; n--)
			kill(all->all[n - 1].pid, SIGKILL);
		waitpid(g.pid, NULL, 0);
		g.pid = 0;
		cr_assert(procs_wait_gone(all, 5000));
		gateway_start_again(&g);
		cr_expect(stores_call(&g, stores_writer, "list_notes") && stores_take_keys(&g), "start %d", i);
	}
	gateway_stop(&g);
	free(all);
}

Test(locks, of_somebody_who_lives_are_respected, .timeout = 60)
{
	struct gateway	g;
	char		path[512];
	int		fd;

	NEEDS_JAILS();
	stores_begin(&g, CONF);
	gateway_stop_keep(&g);
	for (size_t k = 0; k < 2; k++) {
		snprintf(path, sizeof(path), "%s/state/%s/lock", g.dir, folders[k]);
		fd = open(path, O_RDWR | O_CLOEXEC);
		cr_assert(fd != -1 && flock(fd, LOCK_EX) == 0);
		cr_expect(!gateway_try_start(&g) && g.pid == 0, "%s: two write", folders[k]);
		cr_expect(gateway_logged(&g, "is written by another process") > 0);
		close(fd);
	}
	gateway_start_again(&g);
	cr_expect(stores_take_keys(&g));
	gateway_stop(&g);
}

/* --- while it runs ------------------------------------------------------------------------------- */

Test(locks, that_change_under_a_gateway_stop_no_call_and_lose_no_record, .timeout = 240)
{
	static const char *const	files[] = { "lock", "lock.mdb" };
	struct gateway			g;
	struct stores_records		w = { .g = &g, .count = 1 };
	char				path[512], what[128];

	NEEDS_JAILS();
	stores_begin(&g, CONF);
	for (size_t form = 0; form < 3; form++) {
		for (size_t k = 0; k < 4; k++) {
			snprintf(what, sizeof(what), "%s/%s %s", folders[k / 2], files[k % 2], forms[form].what);
			snprintf(path, sizeof(path), "%s/state/%s/%s", g.dir, folders[k / 2], files[k % 2]);
			forms[form].fn(path);
			for (int i = 0; i < 20; i++, w.count++) {
				cr_expect(stores_call(&g, stores_writer, "list_notes"), "%s: call %d", what, i);
				sleep_ms(10);
			}
			stores_expect_no_more(&g, what);
			cr_expect(wait_until(stores_take_keys, &g, BACK_MS), "%s: no key can be added", what);
			cr_expect(wait_until(stores_recorded, &w, BACK_MS), "%s: not all calls are in the audit", what);
			/* A writer that never looked at `lock` again goes on without. */
			if (access(path, F_OK) != 0) {
				kill(stores_pid(&g, programs[k / 2]), SIGKILL);
				cr_expect(wait_until(stores_take_keys, &g, BACK_MS) && wait_until(stores_recorded, &w, BACK_MS), "%s",
				    what);
			}
		}
	}
	gateway_stop(&g);
}
