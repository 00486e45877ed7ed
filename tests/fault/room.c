/* SPDX-License-Identifier: Apache-2.0
 *
 * room.c - F10: the maps of a running gateway's tables are full, and who reads them dies, or stops
 *
 * Whoever asks for what finds no room is told; nothing else changes, nothing is lost, and it works again by itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/kv.h"
#include "tests/fault/stores.h"
#include "tests/integration/common.h"

#define PAGE		4096
#define LAST_PAGE	136		/* of LMDB's first two pages: bytes before the number of the last page that is used */
#define STORE_MAP	((off_t)64 << 20)	/* as store/keydb.c and audit/db.c have it */
#define AUDIT_MAP	((off_t)1 << 30)
#define SPARE_BYTES	((rlim_t)8 << 20)
#define KEYS		100
#define READ_MS		4000		/* of calls, beside each reader */
#define SLACK_BYTES	((off_t)512 << 10)

/* As if all pages of the map but one were used: what was used so is never used again. */
static void
fill_map(const struct gateway *g, const char *program, const char *folder, off_t map_bytes)
{
	const uint64_t	last = (uint64_t)map_bytes / PAGE - 2;
	const pid_t	pid = stores_pid(g, program);
	char		path[512];
	int		fd;

	snprintf(path, sizeof(path), "%s/state/%s/data.mdb", g->dir, folder);
	cr_assert(pid > 0 && kill(pid, SIGSTOP) == 0);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	cr_assert(fd != -1 && ftruncate(fd, map_bytes - PAGE) == 0);
	for (off_t page = 0; page < 2; page++)
		cr_assert(pwrite(fd, &last, sizeof(last), page * PAGE + LAST_PAGE) == sizeof(last));
	close(fd);
	cr_assert(kill(pid, SIGCONT) == 0);
}

static unsigned
number_of(pid_t pid, const char *label)
{
	char	path[64], text[4096] = "", *at;
	int	fd;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert(fd != -1 && read(fd, text, sizeof(text) - 1) > 0 && (at = strstr(text, label)) != NULL, "%s: %s", path, label);
	close(fd);
	return (unsigned)strtoul(at + strlen(label), NULL, 10);
}

/* As who runs it: that takes no capability. */
static void
set_limit(pid_t pid, rlim_t bytes)
{
	const uid_t	uid = number_of(pid, "\nUid:");
	const gid_t	gid = number_of(pid, "\nGid:");
	struct rlimit	l;
	pid_t		child;
	int		status;

	if ((child = fork()) == 0) {
		if (geteuid() == 0 && (setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0))
			_exit(255);
		if (prlimit(pid, RLIMIT_AS, NULL, &l) != 0)
			_exit(errno);
		l.rlim_cur = bytes == 0 ? l.rlim_max : bytes;
		_exit(prlimit(pid, RLIMIT_AS, &l, NULL) == 0 ? 0 : errno);
	}
	cr_assert(waitpid(child, &status, 0) == child && status == 0, "%#x", status);
}

/* It gets no more address space than it has, about; or as much as before. */
static void
bound_space(const struct gateway *g, const char *program, bool bound)
{
	const pid_t	pid = stores_pid(g, program);

	cr_assert(pid > 0);
	set_limit(pid, bound ? (rlim_t)number_of(pid, "\nVmSize:") * 1024 + SPARE_BYTES : 0);
}

static void
expect_as_before(const struct gateway *g, const struct procs *before, const char *what)
{
	stores_expect_as_before(g, what);
	cr_expect(gateway_deaths(before) == 0, "%s: a process ended", what);
}

Test(room, of_the_stores_map_that_is_used_up_is_made, .timeout = 60)
{
	struct procs	*before = malloc(sizeof(*before));
	struct gateway	 g;

	NEEDS_JAILS();
	stores_begin(&g, NULL);
	gateway_procs(&g, before);
	fill_map(&g, "mcpgw-store", "store", STORE_MAP);
	for (int i = 0; i < 20; i++)
		cr_expect(stores_take_keys(&g), "key %d", i);
	expect_as_before(&g, before, "a larger map");
	/* And so it is found by the next start. */
	gateway_stop_keep(&g);
	gateway_start_again(&g);
	gateway_procs(&g, before);
	cr_expect(stores_take_keys(&g));
	expect_as_before(&g, before, "a larger map, at a start");
	gateway_stop(&g);
	free(before);
}

Test(room, that_the_store_does_not_get_is_an_error_to_who_asked, .timeout = 60)
{
	struct procs	*before = malloc(sizeof(*before));
	struct gateway	 g;
	char		*out = NULL;
	int		 code = 0;

	NEEDS_JAILS();
	stores_begin(&g, NULL);
	gateway_procs(&g, before);
	bound_space(&g, "mcpgw-store", true);
	fill_map(&g, "mcpgw-store", "store", STORE_MAP);
	for (int i = 0; i < KEYS && code == 0; i++) {
		free(out);
		code = gateway_ctl(&g, &out, true, "key", "add", "--agent", "reader", NULL);
	}
	cr_expect(code != 0 && strstr(out, "mgk_") == NULL && strstr(out, "memory") != NULL, "key add: exit %d: %s", code, out);
	free(out);
	EXPECT_CTL(&g, 0, "", "key", "list");
	EXPECT_CTL(&g, 0, "", "reload");
	expect_as_before(&g, before, "no room in the store");
	bound_space(&g, "mcpgw-store", false);
	cr_expect(stores_take_keys(&g), "there is room again, and no key can be added");
	expect_as_before(&g, before, "room in the store again");
	gateway_stop(&g);
	free(before);
}

Test(room, that_the_auditor_does_not_get_loses_no_record, .timeout = 120)
{
	struct procs		*before = malloc(sizeof(*before));
	struct gateway		 g;
	struct stores_records	 w = { .g = &g, .count = 1 };

	NEEDS_JAILS();
	stores_begin(&g, NULL);
	gateway_procs(&g, before);
	bound_space(&g, "mcpgw-audit", true);
	fill_map(&g, "mcpgw-audit", "audit/db", AUDIT_MAP);
	for (int i = 0; i < 100; i++, w.count++) {
		cr_expect(stores_call(&g, stores_writer, "list_notes"), "call %d", i);
		sleep_ms(20);
	}
	cr_expect(gateway_logged(&g, "records wait in the spool") > 0, "the map was not full");
	EXPECT_CTL(&g, 0, "the audit is not kept up: out of memory", "status");
	expect_as_before(&g, before, "no room in the audit");
	w.count++;
	bound_space(&g, "mcpgw-audit", false);
	cr_expect(wait_until(stores_recorded, &w, 10000), "there is room again, and not all calls are in the audit");
	expect_as_before(&g, before, "room in the audit again");
	gateway_stop(&g);
	free(before);
}

/* --- who reads ----------------------------------------------------------------------------------- */

/* By how much the audit's file grows under calls for a while. */
static off_t
grows(const struct gateway *g)
{
	const long	until = now_ms() + READ_MS;
	char		path[512];
	off_t		before;

	snprintf(path, sizeof(path), "%s/state/audit/db/data.mdb", g->dir);
	before = stores_bytes(path);
	while (now_ms() < until) {
		cr_expect(stores_call(g, stores_writer, "list_notes"));
		sleep_ms(20);
	}
	return stores_bytes(path) - before;
}

/* A process with a transaction that reads, in the place of a command that was begun. */
static pid_t
reader_begin(const struct gateway *g)
{
	static const char *const	names[] = { "rec" };
	struct kv			*kv;
	struct kv_txn			*t;
	char				 path[512], c = 'n';
	int				 ready[2];
	pid_t				 pid;

	snprintf(path, sizeof(path), "%s/state/audit/db", g->dir);
	cr_assert(pipe(ready) == 0);
	if ((pid = fork()) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (kv_open(path, names, 1, (uint64_t)AUDIT_MAP, KV_READ_ONLY, &kv) == 0 && kv_begin(kv, false, &t) == 0)
			c = 'y';
		(void)!write(ready[1], &c, 1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	cr_assert(read(ready[0], &c, 1) == 1 && c == 'y', "the audit cannot be read");
	close(ready[0]);
	return pid;
}

Test(room, is_not_held_by_readers_that_were_killed, .timeout = 60)
{
	struct gateway	g;
	off_t		alone, beside;
	pid_t		pid;

	NEEDS_JAILS();
	stores_begin(&g, NULL);
	alone = grows(&g);
	for (int i = 0; i < 70; i++) {		/* more than may read at a time */
		pid = reader_begin(&g);
		cr_assert(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	}
	beside = grows(&g);
	cr_log_info("the audit grew by %lld bytes, and by %lld after 70 readers were killed", (long long)alone, (long long)beside);
	cr_expect(beside < 2 * alone + SLACK_BYTES, "%lld, then %lld bytes", (long long)alone, (long long)beside);
	EXPECT_CTL(&g, 0, "list_notes", "audit", "list");
	gateway_stop(&g);
}

/* mcpgwctl audit list | less, and nobody turns the page. */
Test(room, is_not_held_by_a_command_whose_output_nobody_reads, .timeout = 120)
{
	struct gateway	g;
	char		command[1200], c;
	off_t		alone, beside;
	FILE		*list;

	NEEDS_JAILS();
	stores_begin(&g, NULL);
	for (int i = 0; i < 1000; i++)
		cr_expect(stores_call(&g, stores_writer, "list_notes"));
	alone = grows(&g);
	snprintf(command, sizeof(command), "exec '%s/bin/mcpgwctl' -c '%s/etc' audit list --limit 0", g.build, g.dir);
	list = popen(command, "r");
	cr_assert(list != NULL && fread(&c, 1, 1, list) == 1, "nothing was listed: %s", command);
	beside = grows(&g);
	cr_log_info("the audit grew by %lld bytes, and by %lld beside a list", (long long)alone, (long long)beside);
	cr_expect(beside < 2 * alone + SLACK_BYTES, "%lld, then %lld bytes", (long long)alone, (long long)beside);
	while (fread(&c, 1, 1, list) == 1)
		;
	cr_expect(pclose(list) == 0);
	gateway_stop(&g);
}
