/* SPDX-License-Identifier: Apache-2.0
 *
 * shape.h - what a command stands for: a package, a bridge to a url, a container, a shell's text, a program
 */
#ifndef CTL_IMPORT_SHAPE_H
#define CTL_IMPORT_SHAPE_H

#include "ctl/import/server.h"

/* Of a launcher (npx, uvx, docker ...) its package, or the url it is a bridge to, is taken, with the arguments that
 * are the server's own; a url is looked at.  What cannot be imported is left out, with its reason.  Commands that
 * are no launcher stay as they are. */
void		 shape_server(struct import *im, struct import_server *s);
/* A program of this machine (shape_server() left it as it was, or its package was fetched): the real file, its
 * interpreter, and the folders it is made of. */
void		 shape_program(struct import *im, struct import_server *s);
/* "NAME" of "NAME@RANGE", "@scope/NAME@RANGE" (npm), "NAME[extra]>=1" (PyPI, in small letters). */
const char	*shape_package_name(struct import *im, const char *kind, const char *spec);
/* Of a url: is it plain http to another machine? */
bool		 shape_is_plain(const char *url);

#endif
