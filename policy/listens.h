/* SPDX-License-Identifier: Apache-2.0
 *
 * listens.h - the entries of the parameter listen: ADDRESS:PORT [tls [client=optional|required]], divided by commas
 */
#ifndef POLICY_LISTENS_H
#define POLICY_LISTENS_H

#include <stdbool.h>

#include "lib/span.h"

#define LISTENS_MAX	6	/* besides admin_listen and socket */

enum listens_client { LISTENS_CLIENT_NONE, LISTENS_CLIENT_OPTIONAL, LISTENS_CLIENT_REQUIRED };

struct listens_entry {
	struct span		address;	/* as written; "" at a comma too many */
	bool			tls;
	enum listens_client	client;		/* its certificate */
	struct span		wrong;		/* a word that means nothing; .n == 0: none */
};

/* The next one off the front of *list, borrowed from it; false: that was all. */
bool	listens_next(struct span *list, struct listens_entry *out);
/* The one to tell clients of: the first with TLS, or the first.  False: there is none. */
bool	listens_best(struct span list, struct listens_entry *out);

#endif
