/* SPDX-License-Identifier: Apache-2.0
 *
 * canon.h - a JSON value in one form: what means the same has the same digest
 *
 * Members sorted by their decoded names, strings decoded and written again, numbers as digits and a power
 * of ten, no blanks.  Not RFC 8785: numbers are not passed through a double, so 64-bit ids keep their digits.
 */
#ifndef MCP_CANON_H
#define MCP_CANON_H

#include "lib/buf.h"
#include "lib/crypt.h"
#include "lib/json.h"

/* Appends the form of a proven value; members of the top object whose names are in `without` (ends with NULL,
 * or NULL) are left out.  0, E_TOOBIG, E_NOMEM. */
must_check int	canon_put(struct buf *to, struct json_value v, const char *const *without);
/* SHA-256 of `word`, a zero byte and that form, which may have `most` bytes. */
must_check int	canon_digest(const char *word, struct json_value v, const char *const *without, size_t most,
		    struct crypt_digest *out);

#endif
