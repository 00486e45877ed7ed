/* SPDX-License-Identifier: Apache-2.0
 *
 * runtime.h - a runtime that tools of any user may run
 */
#ifndef CTL_IMPORT_RUNTIME_H
#define CTL_IMPORT_RUNTIME_H

#include "ctl/ctl.h"
#include "lib/err.h"

#define RUNTIME_WHY	1024

/* The path of node for servers of this gateway, malloc'ed: as it is, or for the gateway of the system, when it lies
 * in a home that is closed to others, a copy in runtimes/ beside pkgs/, made once.  0, or an error with why[]. */
must_check int	runtime_place(struct ctl *ctl, const char *pkgs, const char *node, const char *version, char **to,
		    char why[RUNTIME_WHY]);

#endif
