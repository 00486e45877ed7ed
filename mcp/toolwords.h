/* SPDX-License-Identifier: Apache-2.0
 *
 * toolwords.h - a server's tools as documents to search: name, argument names, description
 */
#ifndef MCP_TOOLWORDS_H
#define MCP_TOOLWORDS_H

#include "mcp/catalogue.h"
#include "mcp/rank.h"

/* Reads tools of a finished catalogue, in its order, into catalogue_words(), until all are read or about
 * *work bytes of text were; *work becomes what is left.  0 or E_NOMEM; goes on with the next call. */
must_check int	toolwords_read(struct catalogue *c, size_t *work);
/* Are all read? */
bool		toolwords_whole(struct catalogue *c);

#endif
