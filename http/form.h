/* SPDX-License-Identifier: Apache-2.0
 *
 * form.h - application/x-www-form-urlencoded (WHATWG URL 5.1; RFC 6749 appendix B)
 */
#ifndef HTTP_FORM_H
#define HTTP_FORM_H

#include "lib/arena.h"
#include "lib/err.h"

/* The value of this name, decoded, in the arena; an empty span: it is not there, or empty.
 * E_EXISTS: it stands there twice; E_FORMAT: what follows a "%" are no digits, or the value has a NUL; E_NOMEM. */
must_check int	form_find(struct span form, const char *name, struct arena *a, struct span *out);
/* One value by itself. */
must_check int	form_decode(struct span text, struct arena *a, struct span *out);

#endif
