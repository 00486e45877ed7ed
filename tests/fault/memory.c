/* SPDX-License-Identifier: Apache-2.0
 *
 * memory.c - F15: each program's n-th allocation fails, for each n at its start, and for some under load
 *
 * It says so and ends, or goes on; what takes its place is well, and no promise is broken.
 */
#include <signal.h>
#include <sys/wait.h>

#include "tests/fault/inject.h"
#include "tests/fault/lies.h"
#include "tests/fault/stores.h"
#include "tests/integration/common.h"

#define STEPS		4		/* of so many places in a program's start; STEPS=n in the environment: other many, 0: each; AT=n: this */

#define COMPILER_MS	60000
#define UNDER_LOAD	8		/* allocations that fail of each program under load */
#define SOON		1500		/* ... within so many */

/* Done, as the policy allows; not done, as it denies. */
static bool
answers(const struct gateway *g, const char *key)
{
	struct answer	a;
	struct mcp	m;
	bool		is;

	mcp_init(&m, g->mcp, "/servers/clock/mcp", key);
	mcp_call(&m, "add", "{\"a\":20,\"b\":22}", &a);
	is = strcmp(json_text_at(a.json, "result.content[0].text"), "42") == 0;
	answer_fini(&a);
	snprintf(m.path, sizeof(m.path), "/servers/notes/mcp");
	mcp_call(&m, "drop_all", "{}", &a);
	cr_expect(json_at(a.json, "result") == NULL, "what is denied was done: %s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	client_once(g->admin, "GET", "/metrics", "", NULL, &a);
	is = is && a.status == 200;
	answer_fini(&a);
	return is;
}

struct asking {
	const struct gateway	*g;
	const char		*key;
};

static bool
is_well(void *arg)
{
	const struct asking	*a = arg;

	return answers(a->g, a->key);
}

static size_t
count_in(const char *log, const char *text)
{
	size_t	n = 0;

	for (const char *at = log; (at = strstr(at, text)) != NULL; at += strlen(text))
		n++;
	return n;
}

/* Died it may have, of its own will and after having said why: never of a bad address.  But for the compiler and for who
 * is not ready yet, who serve nobody: libseccomp and the beginning of libcrypto do not live through it. */
static void
expect_no_signal(const struct gateway *g, size_t from, const char *program, uint64_t at)
{
	char	*log = gateway_log(g);

	cr_expect(strcmp(program, "mcpgw-compile") == 0 || count_in(log + from, "killed by signal 11") ==
	    count_in(log + from, "killed by signal 11 before it was ready"), "%s, allocation %llu: %s", program,
	    (unsigned long long)at, log + from);
	free(log);
}

static bool
has_ended(void *arg)
{
	struct gateway	*g = arg;

	if (waitpid(g->pid, &g->status, WNOHANG) != g->pid)
		return false;
	g->pid = 0;
	return true;
}

/* Starts with this one of the program's allocations failing: it is well within some seconds, or the gateway refuses to
 * start, and starts the next time. */
static void
start_without(struct gateway *g, struct lies *lies, const char *program, const char *key, uint64_t at)
{
	struct asking	a = { g, key };
	char		*log;
	const size_t	from = gateway_log_bytes(g);

	stores_put_back(g);
	lies->fail_at = at;
	if (!gateway_try_start(g)) {
		/* In libseccomp a compiler may turn for ever: its processor time ends. */
		if (g->pid != 0 && strcmp(program, "mcpgw-compile") == 0)
			(void)wait_until(has_ended, g, COMPILER_MS);
		cr_expect(g->pid == 0, "%s, allocation %llu: it neither serves nor ends", program, (unsigned long long)at);
		if (g->pid != 0) {
			kill(g->pid, SIGKILL);
			waitpid(g->pid, NULL, 0);
		} else {
			log = gateway_log(g);
			cr_expect(WIFEXITED(g->status) && WEXITSTATUS(g->status) != 0, "%s, allocation %llu: status %#x: %s",
			    program, (unsigned long long)at, g->status, log + from);
			free(log);
		}
		lies->fail_at = 0;
		gateway_start_again(g);
	}
	if (!wait_until(is_well, &a, 8000)) {
		log = gateway_log(g);
		cr_expect(false, "%s, allocation %llu: it does not serve: %s", program, (unsigned long long)at, log + from);
		free(log);
	}
	lies->fail_at = 0;
	expect_no_signal(g, from, program, at);
	gateway_stop_keep(g);
}

static void
fail_starts(const char *program)
{
	const char	*steps = getenv("STEPS"), *alone = getenv("AT");
	uint64_t	 n = steps == NULL ? STEPS : strtoull(steps, NULL, 10), made, step, tries = 0;
	struct gateway	 g;
	struct lies	*lies;
	char		 key[256];

	NEEDS_JAILS();
	lies_begin(&lies);
	snprintf(lies->program, sizeof(lies->program), "%s", program);
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = DEMO_RULES, .workers = 1 });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "writer"));
	gateway_stop_keep(&g);
	/* From there each start has the same to do: tools are seen for the first time. */
	stores_keep(&g);
	lies->made = 0;
	gateway_start_again(&g);
	cr_expect(answers(&g, key));
	made = lies->made;
	gateway_stop_keep(&g);
	cr_expect(made > 0, "%s allocates nothing", program);
	step = n == 0 || made <= n ? 1 : made / n;
	if (alone != NULL)
		start_without(&g, lies, program, key, strtoull(alone, NULL, 10));
	for (uint64_t at = 1; at <= made && alone == NULL; at += step, tries++)
		start_without(&g, lies, program, key, at);
	cr_log_info("%s: %llu allocations from start to first answer, each %llu. to fail once: %u of %llu did", program,
	    (unsigned long long)made, (unsigned long long)step, lies->failed, (unsigned long long)tries);
	/* One start makes some fewer than another, so the last ones may not come. */
	cr_expect(lies->failed >= (tries + 1) / 2, "%u of %llu failed", lies->failed, (unsigned long long)tries);
	gateway_remove(&g);
}

Test(memory, that_a_worker_lacks_at_its_start, .timeout = 900)
{
	fail_starts("mcpgw-worker");
}

Test(memory, that_the_master_lacks_at_its_start, .timeout = 900)
{
	fail_starts("mcpgw");
}

Test(memory, that_the_store_lacks_at_its_start, .timeout = 900)
{
	fail_starts("mcpgw-store");
}

Test(memory, that_the_auditor_lacks_at_its_start, .timeout = 900)
{
	fail_starts("mcpgw-audit");
}

Test(memory, that_the_runner_lacks_at_its_start, .timeout = 900)
{
	fail_starts("mcpgw-runner");
}

Test(memory, that_the_spawner_lacks_at_its_start, .timeout = 900)
{
	fail_starts("mcpgw-spawn");
}

Test(memory, that_the_admin_lacks_at_its_start, .timeout = 900)
{
	fail_starts("mcpgw-admin");
}

Test(memory, that_the_compiler_lacks_at_its_start, .timeout = 900)
{
	fail_starts("mcpgw-compile");
}

/* --- at a reload --------------------------------------------------------------------------------- */

/* Whether reader may read notes as well. */
static void
write_rules(struct gateway *g, bool more)
{
	gateway_write(g, "rules.json", more ?
	    "{\"agents\":{\"reader\":{\"allow\":{\"servers\":[\"notes\"],\"tools\":{\"notes\":[\"*\"]}}}}}" : DEMO_RULES);
}

static bool
reader_may(void *arg)
{
	return stores_call(arg, stores_reader, "list_notes");
}

/* A reload with this one of the master's allocations failing: the new policy is in force, or the one of before is. */
static void
reload_without(struct gateway *g, struct lies *lies, uint64_t at, bool *more)
{
	char	*out;
	int	 code;
	bool	 may, want;

	write_rules(g, !*more);
	lies->fail_at = at;
	lies->from_now = true;
	code = gateway_ctl(g, &out, true, "reload", NULL);
	lies->fail_at = 0;
	/* A runner that could not be told is replaced, and then its server is there. */
	want = code == 0 ? !*more : *more;
	may = want ? wait_until(reader_may, g, 8000) : reader_may(g);
	/* Who was told neither that it is in force nor that it is refused (1) finds the one or the other. */
	cr_expect((code != 0 && code != 1) || may == want, "allocation %llu: exit %d, and reader may%s read notes: %s",
	    (unsigned long long)at, code, may ? "" : " not", out);
	cr_expect(kill(g->pid, 0) == 0 && waitpid(g->pid, &g->status, WNOHANG) == 0, "allocation %llu: the master ended: %#x",
	    (unsigned long long)at, g->status);
	free(out);
	/* Whatever became of it, the next one does. */
	if (code != 0) {
		code = gateway_ctl(g, &out, true, "reload", NULL);
		cr_expect(code == 0, "allocation %llu, and once more: exit %d: %s", (unsigned long long)at, code, out);
		free(out);
	}
	*more = !*more;
}

Test(memory, that_the_master_lacks_at_a_reload, .timeout = 900)
{
	const char	*steps = getenv("STEPS"), *alone = getenv("AT");
	uint64_t	 n = steps == NULL ? 4 * STEPS : strtoull(steps, NULL, 10), made, step, tries = 0;
	struct gateway	 g;
	struct lies	*lies;
	bool		 more = false;

	NEEDS_JAILS();
	lies_begin(&lies);
	snprintf(lies->program, sizeof(lies->program), "mcpgw");
	stores_begin(&g, NULL);
	lies->made = 0;
	reload_without(&g, lies, 0, &more);
	made = lies->made;
	step = n == 0 || made <= n ? 1 : made / n;
	for (uint64_t at = alone == NULL ? 1 : strtoull(alone, NULL, 10); at <= made && (alone == NULL || tries == 0);
	    at += step, tries++)
		reload_without(&g, lies, at, &more);
	cr_log_info("%llu allocations at a reload, each %llu. to fail once: %u of %llu did", (unsigned long long)made,
	    (unsigned long long)step, lies->failed, (unsigned long long)tries);
	cr_expect(lies->failed >= (tries + 1) / 2, "%u of %llu failed", lies->failed, (unsigned long long)tries);
	gateway_stop(&g);
}

/* --- under load ---------------------------------------------------------------------------------- */

struct failing {
	struct lies	*lies;
	uint32_t	 before;
};

static bool
has_failed(void *arg)
{
	const struct failing	*f = arg;

	return f->lies->failed > f->before;
}

static void
fail_under_load(const char *program)
{
	struct world	 w = { .more_kib = 0 };
	struct window	 window = { .fault = fault_named("memory"), .places = PLACES_ALL };
	struct lies	*lies;
	struct failing	 f;
	struct world_since since = { .w = &w };
	const char	*steps = getenv("STEPS");
	unsigned	 hits = 0, rounds = steps == NULL ? UNDER_LOAD : (unsigned)strtoul(steps, NULL, 10);

	NEEDS_JAILS();
	lies_begin(&lies);
	snprintf(lies->program, sizeof(lies->program), "%s", program);
	world_start(&w, 15, NULL);
	load_start(&w.load);
	sleep_ms(1000);
	world_weigh(&w);
	for (unsigned i = 0; i < rounds; i++) {
		f = (struct failing){ lies, lies->failed };
		window.begun = fault_now_us();
		lies->fail_at = 1 + fault_random(&w.random, SOON);
		lies->from_now = true;
		hits += wait_until(has_failed, &f, 2000);
		lies->fail_at = 0;
		world_look(&w);
		window.done = since.us = fault_now_us();
		cr_expect(wait_until(world_serves_since, &since, 8000), "%s: no service after a failed allocation", program);
		window.over = fault_now_us();
		*log_more(&w.story.windows) = window;
	}
	cr_log_info("%s: %u allocations failed under load", program, hits);
	cr_expect(hits > 0, "%s allocates nothing under load", program);
	world_end(&w);
}

Test(memory, that_a_worker_lacks_under_load, .timeout = 300)
{
	fail_under_load("mcpgw-worker");
}

Test(memory, that_a_runner_lacks_under_load, .timeout = 300)
{
	fail_under_load("mcpgw-runner");
}

Test(memory, that_the_auditor_lacks_under_load, .timeout = 300)
{
	fail_under_load("mcpgw-audit");
}
