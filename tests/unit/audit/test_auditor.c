/* SPDX-License-Identifier: Apache-2.0
 *
 * test_auditor.c - the program mcpgw-audit, with the test as its master and as a worker
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "audit/requestid.h"
#include "desk.h"
#include "tests/unit/child/child.h"

struct bench {
	struct desk	d;
	struct child	c;
	union msg_any	m;
	char		out[256 * 1024];
};

static struct bench b;

static void
start(void)
{
	child_start(&b.c, ROLE_AUDITOR);
	child_boot(&b.c, DESK_BOOT, DIR_AUDIT, b.d.db_path, DIR_SPOOL, b.d.spool_path, 0);
}

static void
init(void)
{
	desk_init(&b.d);
	desk_spool(&b.d);
	start();
	spool_add_segment(b.d.spool, desk_segment(&b.d, 1, 1), 1);
}

static void
fini(void)
{
	if (b.c.control != -1)
		cr_expect(eq(int, child_wait(&b.c), 0));
	desk_fini(&b.d);
}

static uint64_t
catch_up(void)
{
	struct msg_AUDIT_CATCH_UP ask = { 0 };

	child_say(&b.c, MSG_TYPE_AUDIT_CATCH_UP, 31, &ask, -1);
	cr_expect(eq(u64, child_hear(&b.c, MSG_TYPE_AUDIT_CAUGHT_UP, &b.m, NULL), 31));
	return b.m.AUDIT_CAUGHT_UP.records;
}

/* Lines of the query with up to three words. */
static unsigned
query(const char *first, const char *a1, const char *a2, const char *a3)
{
	const char	*words[] = { first, a1, a2, a3 };
	char		*args[8];
	unsigned	 lines = 0, n = 0;

	for (size_t i = 0; i < 4; i++)
		if (words[i] != NULL)
			args[n++] = (char *)(uintptr_t)words[i];
	args[n++] = b.d.db_path;
	args[n] = NULL;
	cr_expect(eq(int, child_run(ROLE_AUDITOR, args, b.out, sizeof(b.out)), 0));
	for (const char *p = b.out; (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	return lines;
}

static void
call(const char *object, const char *agent, bool allowed, uint64_t request)
{
	struct audit_fields	f = desk_fields(object);
	uint64_t		seq;

	f.agent = span_of(agent);
	if (!allowed) {
		f.decision = SPAN_LIT("deny");
		f.outcome = audit_outcome_word(AUDIT_OUTCOME_REFUSED);
		cr_assert(eq(int, spool_once(b.d.spool, request, 41, &f), 0));
	} else {
		cr_assert(eq(int, spool_begin(b.d.spool, request, 41, &f, &seq), 0));
		spool_end(b.d.spool, seq, request, 41, &f);
	}
	desk_turn(&b.d);
}

static int64_t
ms_since(const struct timespec *before)
{
	struct timespec	now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - before->tv_sec) * 1000 + (now.tv_nsec - before->tv_nsec) / 1000000;
}

Test(auditor, imports_by_itself_and_answers_queries, .init = init, .fini = fini, .timeout = 60)
{
	struct timespec		now;
	struct requestid	ids;
	char			id[REQUESTID_CHARS + 1];
	uint64_t		request;

	clock_gettime(CLOCK_REALTIME, &now);
	requestid_init(&ids, 1, 1, (uint64_t)now.tv_sec * 1000);
	call("query", "backend", true, requestid_next(&ids, 0));
	call("drop\"table", "backend", false, request = requestid_next(&ids, 0));
	call("read", "frontend", true, requestid_next(&ids, 0));
	for (int i = 0; i < 200 && query("--query", NULL, NULL, NULL) < 3; i++)
		usleep(10000);
	cr_expect(eq(uint, query("--query", NULL, NULL, NULL), 3), "nobody asked it to catch up");
	cr_expect(strstr(b.out, "{\"number\":1,\"request_id\":\"r-") == b.out, "%s", b.out);
	cr_expect(strstr(b.out, "\"tenant\":\"default\",\"principal\":\"ci-bot\"") != NULL);
	cr_expect(strstr(b.out, "\"ms\":3.800,") != NULL);
	cr_expect(strstr(b.out, "\"object\":\"drop\\\"table\"") != NULL);
	cr_expect(strstr(b.out, "\"generation\":41,") != NULL);
	cr_expect(eq(uint, query("--query", "--agent", "frontend", NULL), 1));
	cr_expect(eq(uint, query("--query", "--agent", "nobody", NULL), 0));
	cr_expect(eq(uint, query("--query", "--decision", "deny", NULL), 1));
	cr_expect(eq(uint, query("--query", "--outcome", "ok", NULL), 2));
	cr_expect(eq(uint, query("--query", "--tool", "postgres.*", NULL), 3));
	cr_expect(eq(uint, query("--query", "--tool", "postgres.q*", NULL), 1));
	cr_expect(eq(uint, query("--query", "--since", "1h", NULL), 3));
	cr_expect(eq(uint, query("--query", "--until", "1h", NULL), 0));
	cr_expect(eq(uint, query("--query", "--limit", "2", NULL), 2));
	cr_expect(strstr(b.out, "{\"number\":2,") == b.out, "the newest two, oldest first");
	requestid_text(request, id);
	cr_expect(eq(uint, query("--query", "--request", id, NULL), 1));
	cr_expect(strstr(b.out, id) != NULL && strstr(b.out, "\"decision\":\"deny\"") != NULL);
	cr_expect(eq(uint, query("--verify", NULL, NULL, NULL), 1));
	cr_expect(strstr(b.out, "3 records, chain whole, head ") == b.out);
}

Test(auditor, a_query_that_is_not_understood_says_so, .init = init, .fini = fini, .timeout = 60)
{
	static const char *const words[][2] = { { "--since", "yesterdayish" }, { "--limit", "-1" },
	    { "--decision", "maybe" }, { "--nonsense", "x" }, { "--request", "r-1" }, { "--agent", "" } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		char *args[] = { "--query", (char *)words[i][0], (char *)words[i][1], b.d.db_path, NULL };

		cr_expect(eq(int, child_run(ROLE_AUDITOR, args, b.out, sizeof(b.out)), EX_USAGE), "%s",
		    words[i][0]);
	}
	cr_expect(eq(int, child_run(ROLE_AUDITOR, (char *[]){ "--query", "/nonexistent", NULL }, b.out,
	    sizeof(b.out)), 0), "no audit is an empty one");
}

Test(auditor, catches_up_when_asked, .init = init, .fini = fini, .timeout = 60)
{
	for (unsigned i = 1; i <= 50; i++) {
		call("query", "backend", true, i);
		cr_expect(eq(u64, catch_up(), i));
	}
}

Test(auditor, closes_the_calls_of_a_dead_worker, .init = init, .fini = fini, .timeout = 60)
{
	struct msg_INCARNATION_OVER	over = { .slot = 1, .incarnation = 1 };
	struct audit_fields		f = desk_fields("query");
	uint64_t			seq;

	cr_assert(eq(int, spool_begin(b.d.spool, 1, 1, &f, &seq), 0));
	desk_turn(&b.d);
	cr_expect(eq(u64, catch_up(), 0));
	spool_free(&b.d.spool);
	child_say(&b.c, MSG_TYPE_INCARNATION_OVER, 0, &over, -1);
	cr_expect(eq(u64, catch_up(), 1));
	cr_expect(eq(uint, query("--query", "--outcome", "unknown", NULL), 1));
	cr_expect(eq(uint, desk_segments(&b.d), 0));
}

Test(auditor, kill_9_loses_nothing_and_repeats_nothing, .init = init, .fini = fini, .timeout = 120)
{
	uint64_t	n = 0;

	srand(5);
	for (int round = 0; round < 20; round++) {
		for (int i = rand() % 200; i > 0; i--, n++)
			call("query", "backend", i % 2 == 0, n + 1);
		usleep((useconds_t)(rand() % 30000));
		kill(b.c.pid, SIGKILL);
		cr_expect(eq(int, child_wait(&b.c), 128 + SIGKILL));
		for (int i = rand() % 50; i > 0; i--, n++)
			call("query", "backend", true, n + 1);
		start();
		cr_expect(eq(u64, catch_up(), n));
	}
	cr_expect(n > 500);
	cr_expect(eq(uint, query("--verify", NULL, NULL, NULL), 1));
	cr_expect(strstr(b.out, "chain whole") != NULL);
}

Test(auditor, recovers_what_an_earlier_boot_left, .init = init, .fini = fini, .timeout = 60)
{
	struct audit_fields	f = desk_fields("query");
	uint64_t		seq;

	kill(b.c.pid, SIGKILL);
	child_wait(&b.c);
	call("query", "backend", true, 1);
	cr_assert(eq(int, spool_begin(b.d.spool, 2, 1, &f, &seq), 0));
	desk_turn(&b.d);
	spool_free(&b.d.spool);
	child_start(&b.c, ROLE_AUDITOR);
	child_boot(&b.c, DESK_BOOT + 1, DIR_AUDIT, b.d.db_path, DIR_SPOOL, b.d.spool_path, 0);
	cr_expect(eq(uint, query("--query", NULL, NULL, NULL), 2), "before READY");
	cr_expect(eq(uint, query("--query", "--outcome", "unknown", NULL), 1));
	cr_expect(eq(uint, desk_segments(&b.d), 0));
}

Test(auditor, with_its_master_gone_it_takes_what_workers_still_write, .init = init, .fini = fini,
    .timeout = 60)
{
	struct timespec	before;

	clock_gettime(CLOCK_MONOTONIC, &before);
	close(b.c.control);
	b.c.control = -1;
	usleep(100000);
	call("query", "backend", true, 1);
	spool_free(&b.d.spool);
	cr_expect(eq(int, child_wait(&b.c), 0));
	cr_expect(ms_since(&before) < 1500, "it leaves when the last worker has let go");
	cr_expect(eq(uint, query("--query", NULL, NULL, NULL), 1));
}

Test(auditor, with_its_master_gone_it_does_not_wait_for_ever, .init = init, .fini = fini, .timeout = 60)
{
	struct timespec	before;

	clock_gettime(CLOCK_MONOTONIC, &before);
	call("query", "backend", true, 1);
	cr_expect(eq(int, child_wait(&b.c), 0));		/* the worker still holds its segment */
	cr_expect(ms_since(&before) < 2000);
	cr_expect(eq(uint, query("--query", NULL, NULL, NULL), 1));
}

Test(auditor, answers_ping_and_leaves_when_drained, .init = init, .fini = fini, .timeout = 60)
{
	struct msg_PING		ping = { .token = 99 };
	struct msg_DRAIN	drain = { .within_ms = 3000 };

	child_say(&b.c, MSG_TYPE_PING, 0, &ping, -1);
	child_hear(&b.c, MSG_TYPE_PING, &b.m, NULL);
	cr_expect(eq(u64, b.m.PING.token, 99));
	call("query", "backend", true, 1);
	spool_free(&b.d.spool);
	child_say(&b.c, MSG_TYPE_DRAIN, 0, &drain, -1);
	cr_expect(eq(int, child_wait(&b.c), 0));
	cr_expect(eq(uint, query("--query", NULL, NULL, NULL), 1));
}

Test(auditor, follow_prints_rows_as_they_come, .init = init, .fini = fini, .timeout = 60)
{
	char	command[4300], line[4096], self[4096];
	FILE	*f;
	ssize_t	n = readlink("/proc/self/exe", self, 3000);

	self[n] = '\0';
	for (int i = 0; i < 4; i++)
		*strrchr(self, '/') = '\0';
	call("one", "backend", true, 1);
	cr_expect(eq(u64, catch_up(), 1));
	snprintf(command, sizeof(command), "ASAN_OPTIONS=detect_leaks=0 exec %.3000s/libexec/mcpgw/mcpgw-audit --query --follow %s", self,
	    b.d.db_path);
	f = popen(command, "r");
	cr_assert(f != NULL);
	cr_assert(fgets(line, sizeof(line), f) != NULL);
	cr_expect(strstr(line, "\"one\"") != NULL);
	call("two", "backend", true, 2);
	cr_assert(fgets(line, sizeof(line), f) != NULL);
	cr_expect(strstr(line, "\"two\"") != NULL);
	cr_expect(eq(int, pclose(f), 0), "it ends when nobody reads");
}
