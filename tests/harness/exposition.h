/* SPDX-License-Identifier: Apache-2.0
 *
 * exposition.h - a strict reader of Prometheus' text format (0.0.4) that shares no line with its writer: it wants
 *                what the format demands and what `promtool check metrics` does
 */
#ifndef TESTS_HARNESS_EXPOSITION_H
#define TESTS_HARNESS_EXPOSITION_H

#include <stdbool.h>
#include <stddef.h>

/* Is all of it well?  Else `why` names the line and what is wrong with it. */
bool	exposition_ok(const char *text, char *why, size_t room);
/* The value of this series, written as it stands there: "mcpgw_processes{program=\"mcpgw\"}"; -1: it is not there. */
double	exposition_value(const char *text, const char *series);

#endif
