/* SPDX-License-Identifier: Apache-2.0
 *
 * secret.h - values that become files in secrets/, and ${secret:NAME} where they stood
 */
#ifndef CTL_IMPORT_SECRET_H
#define CTL_IMPORT_SECRET_H

#include "ctl/import/server.h"

/* Does this name of a variable say that its value is one: ..._KEY, TOKEN, SECRET, PASSWORD? */
bool		 secret_is_name(const char *name);
/* A URL with a password in it. */
bool		 secret_is_url(const char *value);
/* Is there a file secrets/NAME of this gateway? */
bool		 secret_exists(struct import *im, const char *name);
/* The name under which the value is kept: `name`, or when that is another value's, one with the server's. */
const char	*secret_keep(struct import *im, const struct import_server *s, const char *name, const char *value);
/* Writes those that are used by servers that stay.  0 or an exit code, said; what was new is removed again then. */
must_check int	 import_secrets_write(struct import *im);
/* Removes what import_secrets_write() made. */
void		 import_secrets_unwrite(struct import *im);
/* Is it named in what the server keeps? */
bool		 secret_is_used(const struct import_server *s, const char *name);

#endif
