/* SPDX-License-Identifier: Apache-2.0
 *
 * percent.h - text as one segment of a URL's path
 */
#ifndef LIB_PERCENT_H
#define LIB_PERCENT_H

#include "lib/buf.h"

/* Appends the text, all but RFC 3986's unreserved characters as %XX.  0, E_TOOBIG or E_NOMEM. */
must_check int	percent_put(struct buf *to, struct span text);

#endif
