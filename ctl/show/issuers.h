/* SPDX-License-Identifier: Apache-2.0
 *
 * issuers.h - issuers of tokens, as a worker sees them now
 */
#ifndef CTL_SHOW_ISSUERS_H
#define CTL_SHOW_ISSUERS_H

#include <stdint.h>

#include "ctl/ctl.h"

struct issuer_seen {			/* times of the wall clock in ms, 0: never */
	char		issuer[512], from[512], url[512], error[600];	/* from: as configured; url: of the set */
	bool		discovery, secret;
	uint64_t	id;		/* of what is fetched; 0: nothing is */
	uint64_t	configured_keys, fetched_keys, unusable, failures;
	uint64_t	fetched_ms, tried_ms, next_ms, ends_ms;
};
typedef void issuer_fn(const struct issuer_seen *, void *arg);

/* The exit code; with `say` why nothing is there to be asked is said. */
int		issuers_each(struct ctl *ctl, bool say, issuer_fn *fn, void *arg);
/* Its tokens cannot be proven, or soon not any more. */
bool		issuer_is_bad(const struct issuer_seen *i, uint64_t now_ms);

#endif
