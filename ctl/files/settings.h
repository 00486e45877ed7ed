/* SPDX-License-Identifier: Apache-2.0
 *
 * settings.h - mcpgw.conf as the gateway would take it
 */
#ifndef CTL_FILES_SETTINGS_H
#define CTL_FILES_SETTINGS_H

#include "ctl/ctl.h"
#include "policy/snap.h"

/* Every parameter, resolved, as a policy snapshot that holds nothing else; *out is the caller's, NULL when
 * there is none.  True when the compiler was content; with `say`, what is wrong is said on stderr. */
bool	settings_read(struct ctl *ctl, bool say, struct snap **out);

#endif
