/* SPDX-License-Identifier: Apache-2.0
 *
 * r2_faults.h - calls of a server that fails, beside one that does not: who waits, for how long, and what it costs
 */
#ifndef TESTS_INTEGRATION_R2_FAULTS_H
#define TESTS_INTEGRATION_R2_FAULTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "tests/harness/failing.h"
#include "tests/integration/common.h"

#define FAULT_RULES	"{\"agents\":{\"one\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}"
#define FAULT_THREADS	6
#define FAULT_SAMPLES	20000
#define FAULT_LEAST	200	/* calls beside: of fewer, the slowest in a hundred is a chance */
#define FAULT_PATIENCE_MS 30000	/* how long to wait for so many */
#define FAULT_PAUSE_US	20000	/* between calls of the bad one that are answered at once */

/* Of the one program that includes this: its gateway, the server beside the bad one, its key. */
static struct gateway	g;
static struct failing	good;
static char		key[256];
static atomic_uint	next_n = 1000, fault_stop, fault_made;	/* made: by all callers since fault_run() */

/* Monotonic, ms: these are too short for whole ones. */
static inline double
fault_now(void)
{
	struct timespec	t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* One call; how long it took in ms, and the start of what was answered. */
static inline double
fault_call(struct mcp *m, const char *tool, unsigned n, char said[256])
{
	struct answer	a;
	char		args[32];
	double		begun = fault_now();

	snprintf(args, sizeof(args), "{\"n\":%u}", n);
	mcp_call(m, tool, args, &a);
	/* Half an answer, broken off, is none. */
	snprintf(said, 256, "%s", a.json == NULL ? "" : a.body);
	answer_fini(&a);
	return fault_now() - begun;
}

struct fault_caller {
	pthread_t	thread;
	unsigned	calls, wrong, first;	/* wrong: answered with success */
	double		longest;
	char		last[256];
};

static inline void *
fault_calls(void *arg)
{
	struct fault_caller	*c = arg;
	struct mcp		 m;
	double			 took;

	mcp_init(&m, g.mcp, "/servers/bad/mcp", key);
	do {
		took = fault_call(&m, "work", atomic_fetch_add(&next_n, 1), c->last);
		c->calls++;
		atomic_fetch_add(&fault_made, 1);
		c->wrong += strstr(c->last, "\"result\"") != NULL;
		c->longest = took > c->longest ? took : c->longest;
		usleep(FAULT_PAUSE_US);
	} while (!atomic_load(&fault_stop));
	mcp_fini(&m);
	return NULL;
}

static inline int
fault_cmp(const void *a, const void *b)
{
	const double	x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

struct beside {
	size_t	calls, failed;
	double	median, p99;
};

/* Calls of the server beside for so long, and longer where the machine has no time for FAULT_LEAST of them. */
static inline void
fault_beside(unsigned ms, struct beside *out)
{
	static double	took[FAULT_SAMPLES];
	struct mcp	m;
	char		said[256];
	double		begun = fault_now();

	*out = (struct beside){ 0 };
	mcp_init(&m, g.mcp, "/servers/good/mcp", key);
	while (fault_now() - begun < (out->calls < FAULT_LEAST ? FAULT_PATIENCE_MS : ms) && out->calls < FAULT_SAMPLES) {
		took[out->calls++] = fault_call(&m, "work", 1, said);
		out->failed += strstr(said, "\"result\"") == NULL;
		usleep(200);
	}
	mcp_fini(&m);
	qsort(took, out->calls, sizeof(took[0]), fault_cmp);
	out->median = took[out->calls / 2];
	out->p99 = took[out->calls * 99 / 100];
}

/* FAULT_THREADS call the bad one for ms, and until they made `least` calls, while the other one is called. */
static inline void
fault_run(unsigned ms, unsigned least, struct fault_caller all[FAULT_THREADS], struct beside *beside)
{
	double	latest = fault_now() + FAULT_PATIENCE_MS;

	memset(all, 0, FAULT_THREADS * sizeof(all[0]));
	atomic_store(&fault_stop, 0);
	atomic_store(&fault_made, 0);
	for (int i = 0; i < FAULT_THREADS; i++)
		cr_assert(pthread_create(&all[i].thread, NULL, fault_calls, &all[i]) == 0);
	fault_beside(ms, beside);
	while (atomic_load(&fault_made) < least && fault_now() < latest)
		usleep(FAULT_PAUSE_US);
	atomic_store(&fault_stop, 1);
	for (int i = 0; i < FAULT_THREADS; i++)
		pthread_join(all[i].thread, NULL);
}

/* Resident memory of all workers, KiB. */
static inline unsigned long
fault_memory(void)
{
	struct procs		 p;
	const struct proc	*w;
	unsigned long		 all = 0, one;
	char			 path[64], line[256];
	FILE			*f;

	gateway_procs(&g, &p);
	for (size_t i = 0; (w = procs_find(&p, "mcpgw-worker", i)) != NULL; i++) {
		snprintf(path, sizeof(path), "/proc/%d/status", (int)w->pid);
		if ((f = fopen(path, "r")) == NULL)
			continue;
		while (fgets(line, sizeof(line), f) != NULL)
			if (sscanf(line, "VmRSS: %lu", &one) == 1)
				all += one;
		fclose(f);
	}
	return all;
}

/* What AddressSanitizer keeps of freed memory is more than what is looked for here. */
static inline void
fault_expect_memory(const char *what, unsigned long before, unsigned long more)
{
	const unsigned long	after = fault_memory();

	cr_log_info("%s memory %lu KiB, and %lu after", what, before, after);
	cr_expect(is_sanitized(&g) || after < before + more, "%s: %lu KiB, and %lu after", what, before, after);
}

static inline unsigned
fault_sum(const struct fault_caller all[FAULT_THREADS], double *longest, unsigned *wrong)
{
	unsigned	calls = 0;

	*longest = 0;
	*wrong = 0;
	for (int i = 0; i < FAULT_THREADS; i++) {
		calls += all[i].calls;
		*wrong += all[i].wrong;
		*longest = all[i].longest > *longest ? all[i].longest : *longest;
	}
	return calls;
}

#endif
