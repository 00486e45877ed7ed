/* SPDX-License-Identifier: Apache-2.0
 *
 * run.c - faults at random times under load, and whether the promises held: make fault SEED= TIME= FAULT=
 *
 * SEED   where chance begins (of the clock; the log says it)
 * TIME   seconds (24)
 * FAULT  numbers or names of faults.def, such as F1,F7 or worker,reload (those of the short run)
 * PAUSE  milliseconds between two faults, at most (800)
 * COUNT  so many faults, whatever the time
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/fault/inject.h"
#include "tests/harness/mcp.h"
#include "tests/integration/common.h"

#define WARM_MS		1500
#define SHORT		"worker,tool,runner,auditor,spawner,egress,master,stop_worker,reload,signals"

/* Is this row among "F1,tool,F7"? */
static bool
wanted(const char *list, const struct fault_row *row)
{
	char	number[16];
	size_t	n;

	snprintf(number, sizeof(number), "F%u", row->is.number);
	for (const char *p = list; *p != '\0'; p += n + (p[n] == ',')) {
		n = strcspn(p, ",");
		if ((n == strlen(number) && strncmp(p, number, n) == 0) ||
		    (n == strlen(row->is.name) && strncmp(p, row->is.name, n) == 0))
			return true;
	}
	return false;
}

struct tally {
	unsigned	times, missed;
	long		slowest_ms, sum_ms;
};

static void
inject_one(struct world *w, const struct fault_row *row, struct tally *tally)
{
	struct injection	in = { .window = { .fault = &row->is } };
	long			ms;

	if (!row->fn(w, &in)) {
		tally->missed++;
		return;
	}
	ms = inject_await(w, &in);
	if (in.window.over == 0)
		in.window.over = fault_now_us();
	*log_more(&w->story.windows) = in.window;
	cr_expect(ms >= 0, "F%u %s: not as before after %u ms", row->is.number, row->is.name, row->is.back_ms);
	tally->times++;
	tally->sum_ms += ms;
	if (ms > tally->slowest_ms)
		tally->slowest_ms = ms;
}

/* Which is next: each once in an order of chance, and then again, so that a short run leaves none out. */
static unsigned
draw(struct world *w, unsigned deck[64], unsigned *left, unsigned n)
{
	unsigned	at, one;

	if (*left == 0)
		for (*left = 0; *left < n; ++*left)
			deck[*left] = *left;
	at = fault_random(&w->random, *left);
	one = deck[at];
	deck[at] = deck[--*left];
	return one;
}

static void
run(unsigned seed, unsigned seconds, const char *list)
{
	const struct fault_row	*rows[64];
	struct tally		 tallies[64] = { { .times = 0 } };
	struct world		 w = { .before = NULL };
	unsigned		 deck[64], left = 0, n = 0, i, pause = env_number("PAUSE", 800), count = env_number("COUNT", 0), done = 0;
	int64_t			 end;

	for (size_t k = 0; k < fault_row_count && n < 64; k++)
		if (fault_rows[k].fn != NULL && wanted(list, &fault_rows[k]))
			rows[n++] = &fault_rows[k];
	cr_assert(n > 0, "no fault of tests/fault/faults.def is %s", list);
	cr_log_info("SEED=%u TIME=%u FAULT=%s", seed, seconds, list);
	world_start(&w, seed, NULL);
	load_start(&w.load);
	sleep_ms(WARM_MS);
	world_weigh(&w);
	end = fault_now_us() + seconds * INT64_C(1000000);
	while (count > 0 ? done < count : fault_now_us() < end) {
		i = draw(&w, deck, &left, n);
		inject_one(&w, rows[i], &tallies[i]);
		done++;
		if (pause > 0)
			sleep_ms((int)fault_random(&w.random, pause));
	}
	for (i = 0; i < n; i++) {
		cr_log_info("F%u %s: %u times, back after %ld ms on average, %ld at most", rows[i]->is.number, rows[i]->is.name,
		    tallies[i].times, tallies[i].times == 0 ? 0 : tallies[i].sum_ms / tallies[i].times, tallies[i].slowest_ms);
		cr_expect(tallies[i].times > 0 || tallies[i].missed == 0, "F%u %s: never, there was nothing to hit",
		    rows[i]->is.number, rows[i]->is.name);
	}
	world_end(&w);
}

Test(fault, at_random_times_breaks_no_promise)
{
	const char	*list = getenv("FAULT");

	NEEDS_JAILS();
	run(env_number("SEED", (unsigned)time(NULL)), env_number("TIME", 24),
	    list == NULL || *list == '\0' ? SHORT : list);
}
