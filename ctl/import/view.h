/* SPDX-License-Identifier: Apache-2.0
 *
 * view.h - what of the host a server's jail is to show, by its arguments and the operator's words
 */
#ifndef CTL_IMPORT_VIEW_H
#define CTL_IMPORT_VIEW_H

#include "ctl/import/server.h"

/* One more path for reading, unless it is shown already.  False: it cannot be, and *why (may be NULL) says why. */
bool	view_read(struct import *im, struct import_server *s, const char *path, const char **why);
/* The folder a script is part of (its package, else where it lies); a script that lies in a home or the like is shown
 * alone, which the compiler does. */
void	view_script(struct import *im, struct import_server *s, const char *script);
/* Files and folders that arguments and variables name; relative ones are made absolute. */
void	view_arguments(struct import *im, struct import_server *s);
/* --write NAME:PATH, --net NAME:HOST:PORT. */
void	view_options(struct import *im, struct import_server *s);
/* System mode: what the user that tools run as cannot reach leaves the server out, with what helps. */
void	view_access(struct import *im, struct import_server *s);
/* A folder that holds more than one program's files, or the gateway's own: a home, /tmp and the like. */
bool	view_is_common(struct import *im, const char *path);
/* Is it this folder, or in it? */
bool	view_within(const char *path, const char *folder);
/* Is it of the system, which every jail shows? */
bool	view_is_system(const char *path);

#endif
