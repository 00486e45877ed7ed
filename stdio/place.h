/* SPDX-License-Identifier: Apache-2.0
 *
 * place.h - where the gateway's socket is
 */
#ifndef STDIO_PLACE_H
#define STDIO_PLACE_H

#include <limits.h>

#include "lib/err.h"
#include "lib/where.h"

/* The parameter `socket` of the gateway with this configuration folder: its files, then MCPGW_SOCKET and
 * the like.  *to is a path in any case; not 0 (E_FORMAT, E_NOTFOUND, E_TOOBIG, E_NOMEM): what is
 * configured cannot be used, and it is the default. */
must_check int	place_socket(const struct where *w, const char *config_dir, char to[PATH_MAX]);

#endif
