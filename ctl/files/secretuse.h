/* SPDX-License-Identifier: Apache-2.0
 *
 * secretuse.h - which servers use which secret, by the files of the configuration
 */
#ifndef CTL_FILES_SECRETUSE_H
#define CTL_FILES_SECRETUSE_H

#include <stdbool.h>

#include "ctl/ctl.h"
#include "lib/span.h"
#include "policy/snap.h"

struct secretuse {
	struct {
		char	secret[65], server[65];
		bool	jailed;		/* it is in a tool's environment, which must start anew to see another */
	} *uses;
	size_t	count;
};

/* Reads servers_file and tools_dir, as these settings name them; what cannot be read has no use of any.  Each server
 * and secret once. */
void	secretuse_read(struct ctl *ctl, const struct snap *settings, struct secretuse *out);
void	secretuse_fini(struct secretuse *u);

#endif
