/* SPDX-License-Identifier: Apache-2.0
 *
 * b8_idle.c - what a gateway that nobody uses costs
 */
#include <unistd.h>

#include "tests/integration/common.h"

#define PSS_MAX_KIB	(20 * 1024)
#define LOOK_MS		3000
#define BUSY_MAX_MS	300	/* of that, all processes together */

/* A number of a line "Pss:   1234 kB" in /proc/PID/smaps_rollup; -1: we may not look. */
static long
pss_kib(pid_t pid)
{
	char	 path[64], line[256];
	long	 kib = -1;
	FILE	*f;

	snprintf(path, sizeof(path), "/proc/%ld/smaps_rollup", (long)pid);
	if ((f = fopen(path, "re")) == NULL)
		return -1;
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "Pss: %ld kB", &kib) == 1)
			break;
	fclose(f);
	return kib;
}

/* User and system time so far. */
static long
busy_ms(const struct procs *p)
{
	unsigned long	user, system, sum = 0;
	char		path[64], line[1024], *after;
	FILE		*f;

	for (size_t i = 0; i < p->count; i++) {
		snprintf(path, sizeof(path), "/proc/%ld/stat", (long)p->all[i].pid);
		if ((f = fopen(path, "re")) == NULL)
			continue;
		if (fgets(line, sizeof(line), f) != NULL && (after = strrchr(line, ')')) != NULL &&
		    sscanf(after, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) == 2)
			sum += user + system;
		fclose(f);
	}
	return (long)sum * 1000 / sysconf(_SC_CLK_TCK);
}

Test(idle, takes_little_memory_and_next_to_no_time, .timeout = 60)
{
	struct gateway	 g;
	struct procs	*p = malloc(sizeof(*p));
	long		 sum = 0, one, before;
	bool		 seen = true;

	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = DEMO_RULES });
	sleep_ms(1000);			/* what its start left to do */
	gateway_procs(&g, p);
	before = busy_ms(p);
	sleep_ms(LOOK_MS);
	cr_expect(busy_ms(p) - before <= BUSY_MAX_MS, "%ld ms of %d", busy_ms(p) - before, LOOK_MS);
	for (size_t i = 0; i < p->count; i++) {
		seen = seen && (one = pss_kib(p->all[i].pid)) != -1;
		sum += one;
		cr_log_info("%s: %ld KiB", p->all[i].name, one);
	}
	/* Only root sees what those have who cannot be traced; a sanitizer's shadow is not the gateway's. */
	if (seen && !is_sanitized(&g))
		cr_expect(sum < PSS_MAX_KIB, "%ld KiB", sum);
	free(p);
	gateway_stop(&g);
}
