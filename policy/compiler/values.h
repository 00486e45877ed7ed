/* SPDX-License-Identifier: Apache-2.0
 *
 * values.h - what the values of mcpgw.conf must look like
 */
#ifndef POLICY_COMPILER_VALUES_H
#define POLICY_COMPILER_VALUES_H

#include "policy/compiler/job.h"

/* Checks every setting and fills in its number. */
void	values_check(struct job *j);
void	value_check(struct job *j, unsigned id);

/* "127.0.0.1:8080" or "[::1]:8080": the address without brackets, and the port (0 is allowed). */
bool	address_split(struct span text, struct span *host, uint64_t *port);
/* "50/s", "100/min", "5/h", "1000/d": nanoseconds per token, and the number. */
#define RATE_MAX	1000000
bool	rate_parse(struct span text, uint64_t *interval_ns, uint64_t *number);
/* "UTC", or "+02:00": seconds east of it. */
#define ZONE_WANTED	"want \"UTC\" or what is added to it, such as \"+02:00\"; zones with summer time are not known"
bool	zone_parse(struct span text, int32_t *out);
/* "2026-11-20T10:31:07Z", in ms of the wall clock; 0: it is none. */
uint64_t value_time(struct span text);
/* Letters, digits, "_", "." and "-", 1 to 64 of them: names of servers, agents and secrets. */
bool	name_ok(struct span name);

#endif
