/* SPDX-License-Identifier: Apache-2.0
 *
 * cpu.h - who gets a CPU first when there are more who want one
 */
#ifndef LIB_CPU_H
#define LIB_CPU_H

/* This process and all it starts run in short turns, and so come next when they have something to do: from Linux 6.12
 * on; before, nothing changes.  Only where the scheduling policy is the ordinary one. */
void	cpu_be_prompt(void);
/* The opposite, and a lower priority besides: for what serves one, beside those who serve all. */
void	cpu_be_patient(void);

#endif
