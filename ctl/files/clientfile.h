/* SPDX-License-Identifier: Apache-2.0
 *
 * clientfile.h - the text of a client's file: its own entries for one that leads to the gateway, and back
 */
#ifndef CTL_FILES_CLIENTFILE_H
#define CTL_FILES_CLIENTFILE_H

#include <stdbool.h>

#include "ctl/files/edit.h"

#define CLIENTFILE_ENTRY	"mcpgw"

/* Is this one of the entries that go?  Asked of each. */
typedef bool clientfile_fn(struct span name, const struct conf_node *entry, void *arg);

/* `entry` (JSON) stands for all that go.  keys: of the object with the servers, made when it is not there; an empty
 * text is an empty file.  *gone: how many.  0; E_EXISTS: there is an entry of this name already; E_FORMAT: another form
 * than a client's file has; E_NOMEM. */
must_check int	clientfile_swap(struct span text, const char *const *keys, struct span entry, clientfile_fn *goes,
		    void *arg, struct buf *out, size_t *gone);
/* And back: `was` is the text before.  When `now` is what came of it, `out` gets `was`, byte for byte; when somebody
 * changed it meanwhile, the entry goes and those that went come back, as they stood there, and the rest stays.
 * *exact: which of these.  0, E_NOTFOUND: no such entry; E_FORMAT, E_NOMEM. */
must_check int	clientfile_back(struct span was, struct span now, const char *const *keys, struct buf *out,
		    bool *exact);

#endif
