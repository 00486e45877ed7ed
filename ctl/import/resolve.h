/* SPDX-License-Identifier: Apache-2.0
 *
 * resolve.h - variables and homes in a server's texts, as its client would have replaced them
 */
#ifndef CTL_IMPORT_RESOLVE_H
#define CTL_IMPORT_RESOLVE_H

#include "ctl/import/server.h"

/* ${VAR}, ${VAR:-default}, ${env:VAR}, ${userHome}, ${workspaceFolder}, ${input:ID} and ~ in all texts; values that
 * are secrets are kept as such.  What is not set switches the server off, with its reason. */
void	resolve_server(struct import *im, struct import_server *s);

#endif
