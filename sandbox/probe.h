/* SPDX-License-Identifier: Apache-2.0
 *
 * probe.h - why this machine refuses jails (operations.md 8); within sandbox/ only
 */
#ifndef SANDBOX_PROBE_H
#define SANDBOX_PROBE_H

#include "sandbox/jail.h"

/* The machine's reason for a failure of an early step, with the line to print; PROBE_OTHER and "" when
 * it is none of the known ones. */
enum probe_result	probe_explain(enum jail_step step, int os_error, const char **line);

#endif
