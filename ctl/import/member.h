/* SPDX-License-Identifier: Apache-2.0
 *
 * member.h - a server as it stands in servers.json
 */
#ifndef CTL_IMPORT_MEMBER_H
#define CTL_IMPORT_MEMBER_H

#include "ctl/import/server.h"

#define MEMBER_BYTES	(4u * 1024 * 1024)

/* Appends the value, an object over several lines, whose closing brace stands behind two tabs. */
must_check int	member_put(const struct import_server *s, struct buf *to);
/* Appends `"name": value` of all that run, as a whole file. */
must_check int	members_put(const struct import *im, struct buf *to);
/* Is it the same as this member of the file? */
bool		member_is(const struct import_server *s, const struct conf_node *node);

#endif
