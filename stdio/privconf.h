/* SPDX-License-Identifier: Apache-2.0
 *
 * privconf.h - mcpgw.conf of a private gateway: the seed's settings as parameters
 */
#ifndef STDIO_PRIVCONF_H
#define STDIO_PRIVCONF_H

#include "stdio/seed.h"

/* Writes DIR/mcpgw.conf and takes variables that would say otherwise out of our environment, which is the
 * gateway's.  0, E_SYS, E_TOOBIG, E_NOMEM. */
must_check int	privconf_write(const char *dir, const char *state_dir, const struct seed *s);

#endif
