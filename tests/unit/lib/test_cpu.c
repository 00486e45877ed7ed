/* SPDX-License-Identifier: Apache-2.0
 *
 * test_cpu.c - who gets a CPU first
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cpu.h"

static struct {
	uint32_t	size, policy;
	uint64_t	flags;
	int32_t		nice;
	uint32_t	priority;
	uint64_t	runtime, deadline, period;
} now;

static uint64_t
slice_ns(void)
{
	cr_assert(syscall(SYS_sched_getattr, 0, &now, sizeof(now), 0) == 0);
	return now.runtime;
}

Test(cpu, who_is_prompt_has_short_turns_and_keeps_its_priority)
{
	int		nice_before = getpriority(PRIO_PROCESS, 0);
	uint64_t	before = slice_ns();

	cpu_be_prompt();
	cr_expect(eq(int, getpriority(PRIO_PROCESS, 0), nice_before));
	/* Kernels that know no turns of a process's own say nothing, or what all have. */
	cr_expect(slice_ns() == 100000 || slice_ns() == before);
}

Test(cpu, who_is_patient_has_turns_as_others_and_less_of_them)
{
	int		nice_before = getpriority(PRIO_PROCESS, 0);
	uint64_t	before = slice_ns();

	cpu_be_prompt();
	cpu_be_patient();
	cr_expect(eq(int, getpriority(PRIO_PROCESS, 0), nice_before < 14 ? nice_before + 5 : 19));
	cr_expect(slice_ns() == before);
	for (int i = 0; i < 5; i++)
		cpu_be_patient();
	cr_expect(eq(int, getpriority(PRIO_PROCESS, 0), 19));
}
