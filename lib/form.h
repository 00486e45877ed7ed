/* SPDX-License-Identifier: Apache-2.0
 *
 * form.h - forms and queries: application/x-www-form-urlencoded (WHATWG URL 5.1; RFC 6749 appendix B)
 */
#ifndef LIB_FORM_H
#define LIB_FORM_H

#include "lib/arena.h"
#include "lib/buf.h"

/* The value of this name, decoded, in the arena; empty: so it is there; p NULL: it is not.
 * E_EXISTS: it stands there twice; E_FORMAT: what follows a "%" are no digits, or the value has a NUL; E_NOMEM. */
must_check int	form_find(struct span form, const char *name, struct arena *a, struct span *out);
/* One value by itself. */
must_check int	form_decode(struct span text, struct arena *a, struct span *out);
/* Appends name=value, with "&" before it unless it is the first; an empty value is left out.  E_TOOBIG, E_NOMEM. */
must_check int	form_put(struct buf *to, const char *name, struct span value);

#endif
