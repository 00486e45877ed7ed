/* SPDX-License-Identifier: Apache-2.0
 *
 * jsonc.h - json-c as a second opinion
 */
#ifndef TESTS_UNIT_LIB_JSONC_H
#define TESTS_UNIT_LIB_JSONC_H

#include <stdbool.h>
#include <stddef.h>

/* Does json-c's strict parser take the text? */
bool	json_c_takes(const char *text, size_t bytes);

#endif
