/* SPDX-License-Identifier: Apache-2.0
 *
 * test_reload.c - a configuration comes into force as a whole, or not at all
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <sysexits.h>

#include "tests/unit/master/tree.h"

enum ctl_number {
#define CTLCMD(name, words, number, privilege, arguments, doc) CTLCMD_##name = number,
#include "tables/ctlcmds.def"
#undef CTLCMD
};

#define BROKEN	"{\"agents\": {\"a\": }"
#define GOOD	"{\"agents\": {\"a\": {\"allow\": {\"servers\": []}}}}"

static struct tree	t;

static void
stop(void)
{
	tree_remove(&t);
}

TestSuite(master_reload, .fini = stop, .timeout = 60);

static void
start(const char *conf)
{
	int	code = 0;

	tree_make(&t, conf);
	cr_assert(tree_start(&t, &code), "exit %d", code);
}

static uint64_t
generation(void)
{
	struct processes	p;

	cr_assert(tree_status(&t, &p));
	return p.master.generation;
}

static uint64_t
wait_generation_after(uint64_t before, int ms)
{
	for (; ms > 0 && generation() == before; ms -= 20)
		nap_ms(20);
	return generation();
}

Test(master_reload, refused_text_keeps_the_old_generation)
{
	struct msg_CTL_DONE	done;
	uint64_t		before;

	start("");
	before = generation();
	tree_write(&t, "etc/rules.json", BROKEN);
	cr_expect(eq(int, tree_command(&t, CTLCMD_reload, &done), 1));
	cr_expect(eq(u64, done.generation, before));
	cr_expect(strstr(tree_notes(), "rules.json:1:") != NULL, "%s", tree_notes());
	cr_expect(eq(u64, generation(), before));
	tree_write(&t, "etc/rules.json", GOOD);
	cr_expect(eq(int, tree_command(&t, CTLCMD_reload, &done), 0));
	cr_expect(gt(u64, done.generation, before));
	cr_expect(eq(u32, done.workers, 2));
	cr_expect(eq(u64, generation(), done.generation));
}

Test(master_reload, a_worker_born_meanwhile_has_the_new_one)
{
	struct msg_CTL_DONE	done;
	pid_t			worker;

	start("");
	worker = tree_worker(&t, 0, 0, 1000);
	kill(worker, SIGKILL);
	cr_expect(eq(int, tree_command(&t, CTLCMD_reload, &done), 0));
	cr_expect(ge(u32, done.workers, 1));
	cr_expect(tree_worker(&t, 0, worker, 1000) != 0);
}

Test(master_reload, a_storm_of_hups_is_a_few_reloads)
{
	uint64_t	before, after;

	start("");
	before = generation();
	for (int i = 0; i < 200; i++)
		kill(t.master, SIGHUP);
	after = wait_generation_after(before, 2000);
	cr_expect(gt(u64, after, before));
	nap_ms(500);
	cr_expect(lt(u64, generation(), before + 100));
	cr_expect(eq(int, tree_command(&t, CTLCMD_reload, NULL), 0));
}

Test(master_reload, watches_the_files_when_asked)
{
	uint64_t	before;

	start("watch = yes\n");
	before = generation();
	tree_write(&t, "etc/rules.json", GOOD);
	cr_expect(gt(u64, wait_generation_after(before, 3000), before));
	before = generation();
	tree_write(&t, "etc/mcpgw.conf.bak", "nothing");
	nap_ms(500);
	cr_expect(eq(u64, generation(), before));
}

Test(master_reload, text_that_does_not_compile_keeps_a_start_back)
{
	int	code = 0;

	tree_make(&t, "");
	tree_write(&t, "etc/rules.json", BROKEN);
	cr_assert(not(tree_start(&t, &code)));
	cr_expect(eq(int, code, EX_CONFIG));
	cr_expect(tree_has(&t, "log", "rules.json:1:"));
	cr_expect(not(tree_exists(&t, "state/running")));
}

Test(master_reload, after_an_unclean_end_the_last_good_policy_serves)
{
	struct processes	p;
	uint64_t		before;
	int			code = 0;

	start("");
	cr_assert(eq(int, tree_command(&t, CTLCMD_reload, NULL), 0));
	before = generation();
	nap_ms(300);			/* the store keeps it without being waited for */
	kill(t.master, SIGKILL);
	tree_lost(&t);
	nap_ms(1500);
	tree_write(&t, "etc/rules.json", BROKEN);
	cr_assert(tree_start(&t, &code), "exit %d", code);
	cr_assert(tree_status(&t, &p));
	cr_expect(eq(u64, p.master.generation, before));
	cr_expect(strstr(p.warning, "last good") != NULL);
	/* A file that compiles again ends it. */
	tree_write(&t, "etc/rules.json", GOOD);
	cr_expect(eq(int, tree_command(&t, CTLCMD_reload, NULL), 0));
	cr_assert(tree_status(&t, &p));
	cr_expect(gt(u64, p.master.generation, before));
	cr_expect(strstr(p.warning, "last good") == NULL);
	/* After a clean end the same text keeps the start back. */
	kill(t.master, SIGTERM);
	cr_assert(eq(int, tree_wait(&t), 0));
	tree_write(&t, "etc/rules.json", BROKEN);
	cr_assert(not(tree_start(&t, &code)));
	cr_expect(eq(int, code, EX_CONFIG));
}
