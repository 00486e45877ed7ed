/* SPDX-License-Identifier: Apache-2.0
 *
 * sample.h - mcpgw-stdio --init: the two files to begin with
 */
#ifndef STDIO_SAMPLE_H
#define STDIO_SAMPLE_H

/* Writes them to ~/.config/agent-mcp-gateway; asks before it replaces one, and does not without a terminal.
 * Answers the exit code. */
int	sample_write(void);

#endif
