/* SPDX-License-Identifier: Apache-2.0
 *
 * challenge.h - what a server wants of a bearer: WWW-Authenticate (RFC 9110 11.6.1, RFC 6750 3, RFC 9728 5.1)
 */
#ifndef OAUTH_CHALLENGE_H
#define OAUTH_CHALLENGE_H

#include <stdbool.h>

#include "lib/arena.h"
#include "lib/err.h"

#define OAUTH_CHALLENGE_MAX	2048	/* bytes of the field that are looked at */

struct oauth_challenge {
	bool		present;	/* there is a challenge of the scheme Bearer */
	struct span	resource_metadata, scope, error;	/* decoded; empty: it has none */
};

/* The first challenge of the scheme Bearer in the field's value; of a parameter that comes twice the first one.  What
 * cannot be read any further ends the reading: what came before counts.  0; E_TOOBIG, E_NOMEM. */
must_check int	oauth_challenge_read(struct span field, struct arena *a, struct oauth_challenge *out);

#endif
