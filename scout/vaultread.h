/* SPDX-License-Identifier: Apache-2.0
 *
 * vaultread.h - what a vault answers (HashiCorp's HTTP API: auth/token, auth/approle, sys/internal/ui/mounts, KV 1, 2)
 */
#ifndef SCOUT_VAULTREAD_H
#define SCOUT_VAULTREAD_H

#include <stdint.h>

#include "lib/buf.h"

struct vaultread_token {
	struct span	token;		/* of a login and a renewal; empty: it was not said */
	uint64_t	lease_s;	/* 0: it does not end */
	bool		renewable;
};

/* An answer's body, which is copied: 0, E_FORMAT or E_NOMEM.  The token is appended to *room. */
must_check int	vaultread_login(struct span body, struct buf *room, struct vaultread_token *out);
/* auth/token/lookup-self. */
must_check int	vaultread_lookup(struct span body, struct vaultread_token *out);
/* How many bytes of path are its mount, the slash included, and whether that has versions.  E_DENIED: no KV engine. */
must_check int	vaultread_mount(struct span body, struct span path, size_t *mount, bool *versions);
/* What a field holds, appended to *to.  E_NOTFOUND: there is none; E_FORMAT: no text and no number; E_DENIED: it has a
 * lease of its own, and so is of no KV engine. */
must_check int	vaultread_field(struct span body, bool versions, struct span field, struct buf *to);
/* The first of its errors, for people; "" when it has none. */
void		vaultread_error(struct span body, char *to, size_t room);

#endif
