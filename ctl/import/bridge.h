/* SPDX-License-Identifier: Apache-2.0
 *
 * bridge.h - programs that only carry stdio to a url: the url is taken in their place
 */
#ifndef CTL_IMPORT_BRIDGE_H
#define CTL_IMPORT_BRIDGE_H

#include "ctl/import/server.h"

/* mcp-remote, supergateway, mcp-proxy. */
bool	bridge_is(const char *kind, const char *package);
/* s->args are the bridge's: url, transport and headers are taken of them; or it is left out. */
void	bridge_take(struct import *im, struct import_server *s);
/* A name and password in the url become a header; so does what headersHelper prints now, if that is allowed. */
void	bridge_headers(struct import *im, struct import_server *s);

#endif
