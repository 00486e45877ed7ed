/* SPDX-License-Identifier: Apache-2.0
 *
 * form.h - names and values of forms and queries (application/x-www-form-urlencoded)
 */
#ifndef OAUTH_FORM_H
#define OAUTH_FORM_H

#include "lib/arena.h"
#include "lib/buf.h"

/* name=value of a form or a query, with "&" before it unless it is the first; an empty value is left out.
 * E_TOOBIG, E_NOMEM. */
must_check int	oauth_form_put(struct buf *to, const char *name, struct span value);
/* The value of a name in a query, decoded; empty: it is not there.  E_FORMAT: twice there, or not decodable;
 * E_NOMEM. */
must_check int	oauth_form_get(struct span query, const char *name, struct arena *a, struct span *out);

#endif
