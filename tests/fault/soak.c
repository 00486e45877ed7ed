/* SPDX-License-Identifier: Apache-2.0
 *
 * soak.c - hours of load with sessions, servers and policies that come and go: what each process holds stays as it is (F20)
 *
 * TIME    seconds in all (600); the first quarter is warm-up
 * PAUSE   milliseconds between two requests of each of the eight clients, at most (200)
 * SEED    where chance begins
 *
 * Memory is what is the process's own (RssAnon), median of what is seen within the second and within the last quarter.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/fault/world.h"
#include "tests/integration/common.h"

#define SAMPLES_MAX	4096
#define PROCESSES_MAX	64
#define LOOK_MS		1000
#define RELOAD_S	7
#define RESTART_S	31
#define MORE_PERCENT	2
#define MORE_KIB	64		/* that a process may have more whatever it has: a page here and there */
#define LASTING		3		/* processes beside the workers, at least: master, store, auditor */
#define FDS_MORE	2		/* pairs between workers come when they are wanted */

struct weighed {
	struct proc	is;
	size_t		first, count;	/* samples */
	unsigned	kib[SAMPLES_MAX];
	uint16_t	fds[SAMPLES_MAX];
};

static struct weighed	*weighed;
static size_t		 weighed_count;

static unsigned
own_kib(pid_t pid)
{
	char	path[64], line[256];
	unsigned kib = 0;
	FILE	*f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if ((f = fopen(path, "re")) == NULL)
		return 0;
	while (kib == 0 && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "RssAnon:", 8) == 0)
			kib = (unsigned)strtoul(line + 8, NULL, 10);
	fclose(f);
	return kib;
}

static struct weighed *
find(const struct proc *p, size_t at)
{
	for (size_t i = 0; i < weighed_count; i++)
		if (weighed[i].is.pid == p->pid && weighed[i].is.started == p->started)
			return &weighed[i];
	if (weighed_count == PROCESSES_MAX)
		return NULL;
	weighed[weighed_count] = (struct weighed){ .is = *p, .first = at };
	return &weighed[weighed_count++];
}

/* Our own processes; a server's are its own business. */
static void
sample(struct world *w, size_t at)
{
	gateway_procs(&w->g, w->now);
	for (size_t i = 0; i < w->now->count; i++) {
		const struct proc	*p = &w->now->all[i];
		struct weighed		*one;
		unsigned		 kib;

		if (strncmp(p->name, "mcpgw", 5) != 0 || strcmp(p->name, "mcpgw-compile") == 0 || (kib = own_kib(p->pid)) == 0 ||
		    (one = find(p, at)) == NULL || one->count == SAMPLES_MAX)
			continue;
		one->kib[one->count] = kib;
		one->fds[one->count++] = (uint16_t)proc_fd_count(p->pid);
	}
}

static int
kib_cmp(const void *a, const void *b)
{
	const unsigned	*x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static unsigned
median(const unsigned *from, size_t n)
{
	static unsigned	sorted[SAMPLES_MAX];

	memcpy(sorted, from, n * sizeof(*from));
	qsort(sorted, n, sizeof(*sorted), kib_cmp);
	return sorted[n / 2];
}

/* Those that were there all the time. */
static void
judge(size_t samples)
{
	const size_t	quarter = samples / 4;
	unsigned	judged = 0;

	for (size_t i = 0; i < weighed_count; i++) {
		const struct weighed	*one = &weighed[i];
		unsigned		 before, after;
		uint16_t		 fds_before, fds_after;

		if (one->first != 0 || one->count < samples - 1)
			continue;
		judged++;
		before = median(one->kib + quarter, quarter);
		after = median(one->kib + one->count - quarter, quarter);
		fds_before = one->fds[2 * quarter - 1];
		fds_after = one->fds[one->count - 1];
		cr_log_info("%-16s %6u KiB, then %6u (%+.1f %%); descriptors %u, then %u", one->is.name, before, after,
		    before == 0 ? 0.0 : ((double)after / before - 1) * 100, fds_before, fds_after);
		cr_expect(after <= before + before * MORE_PERCENT / 100 + MORE_KIB, "%s %d grew from %u to %u KiB", one->is.name,
		    (int)one->is.pid, before, after);
		cr_expect(fds_after <= fds_before + FDS_MORE, "%s %d: %u descriptors, then %u", one->is.name,
		    (int)one->is.pid, fds_before, fds_after);
	}
	cr_expect(judged >= WORLD_WORKERS + LASTING, "only %u processes were there all the time", judged);
}

Test(soak, leaves_each_process_as_it_was)
{
	struct world	w = { .before = NULL };
	const unsigned	seconds = env_number("TIME", 600);
	unsigned	reloads = 0, restarts = 0;
	size_t		n = 0;

	NEEDS_JAILS();
	cr_assert(seconds >= 60 && seconds < SAMPLES_MAX, "TIME is 60 to %d seconds", SAMPLES_MAX - 1);
	weighed = calloc(PROCESSES_MAX, sizeof(*weighed));
	cr_assert(weighed != NULL);
	w.load.pause_ms = env_number("PAUSE", 200);
	w.more_kib = 64 * 1024;		/* judged here, and more strictly */
	world_start(&w, env_number("SEED", (unsigned)time(NULL)), NULL);
	load_start(&w.load);
	world_weigh(&w);
	for (const int64_t begun = fault_now_us(); fault_now_us() - begun < seconds * INT64_C(1000000); n++) {
		sample(&w, n);
		if (n % RELOAD_S == RELOAD_S - 1 && world_reload(&w, 1 - w.which))
			reloads++;
		if (n % RESTART_S == RESTART_S - 1 && gateway_ctl(&w.g, NULL, false, "server", "restart", places[0].server,
		    NULL) == 0)
			restarts++;
		sleep_ms(LOOK_MS);
	}
	cr_log_info("%u s: %u reloads, %u restarts of a server", seconds, reloads, restarts);
	judge(n);
	free(weighed);
	world_end(&w);
}
