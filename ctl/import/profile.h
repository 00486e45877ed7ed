/* SPDX-License-Identifier: Apache-2.0
 *
 * profile.h - what is known of a package: its view, its network, its limits; mcpgw-profiles(5)
 */
#ifndef CTL_IMPORT_PROFILE_H
#define CTL_IMPORT_PROFILE_H

#include "ctl/import/server.h"

/* Reads all profiles: the built-in ones, and those of CONFDIR/profiles.d in their place.  0 or an exit code, said. */
must_check int	 profiles_read(struct import *im);
/* The view of a server that is a package: its arguments, the operator's words, and what the package's profile says,
 * where the file says nothing. */
void		 profile_apply(struct import *im, struct import_server *s);
/* `npx -y @scope/name`: the package that is the same as the image among these arguments, or NULL. */
const char	*profile_twin(struct import *im, const struct words *args);

#endif
