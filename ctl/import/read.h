/* SPDX-License-Identifier: Apache-2.0
 *
 * read.h - the files of MCP clients, as servers
 */
#ifndef CTL_IMPORT_READ_H
#define CTL_IMPORT_READ_H

#include "ctl/import/server.h"

/* Appends the servers of a file: mcpServers (Claude Code, Claude Desktop, Cursor, seed files), servers (VS Code, also
 * below "mcp" of its settings), Claude Code's settings with those of each project.  *about is for people: "3 servers
 * from FILE (Claude Code, project file)".  0 or an exit code, said. */
must_check int	read_file(struct import *im, const char *path, const char **about);

#endif
