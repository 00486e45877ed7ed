/* SPDX-License-Identifier: Apache-2.0
 *
 * checkjson.h - `check` for programs
 */
#ifndef CTL_FILES_CHECKJSON_H
#define CTL_FILES_CHECKJSON_H

/* Runs mcpgw-compile with these arguments, and prints an object for each line that it says.  Its exit code. */
int	checkjson_run(char *const *argv);

#endif
