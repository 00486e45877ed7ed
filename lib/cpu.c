/* SPDX-License-Identifier: Apache-2.0
 *
 * cpu.c - who gets a CPU first when there are more who want one
 *
 * Process: the master, for all of ours; a jail, for its tool.  Owns: nothing.
 * Trusts:  nobody.  None of this confines anything, so what the kernel does not take is left.
 *
 * A process that wakes up takes the CPU from one that runs when its own turn is shorter.  Ours have little to do each
 * time, tools may spin: with turns of the same length a call waits for a spinning tool's turn at each of its hops.
 */
#include <sched.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cpu.h"

#define PROMPT_NS	100000		/* the shortest the kernel takes */
#define PATIENT_NICE	5		/* a third of the weight */
#define NICE_MOST	19

/* The first version of the kernel's struct sched_attr, which libc has none of. */
struct attr {
	uint32_t	size, policy;
	uint64_t	flags;
	int32_t		nice;
	uint32_t	priority;
	uint64_t	runtime, deadline, period;
};

static void
attr_set(int nice, uint64_t slice_ns)
{
	struct attr	a = { .size = sizeof(a), .policy = SCHED_OTHER, .nice = nice < NICE_MOST ? nice : NICE_MOST,
			    .runtime = slice_ns };

	(void)syscall(SYS_sched_setattr, 0, &a, 0);
}

void
cpu_be_prompt(void)
{
	if (sched_getscheduler(0) == SCHED_OTHER)
		attr_set(getpriority(PRIO_PROCESS, 0), PROMPT_NS);
}

void
cpu_be_patient(void)
{
	if (sched_getscheduler(0) == SCHED_OTHER)
		attr_set(getpriority(PRIO_PROCESS, 0) + PATIENT_NICE, 0);
}
