/* SPDX-License-Identifier: Apache-2.0
 *
 * b64.h - base64 (RFC 4648 4) and base64url without padding (RFC 4648 5); one spelling per value
 */
#ifndef LIB_B64_H
#define LIB_B64_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/span.h"

/* Characters of n bytes, without and with padding. */
#define B64URL_CHARS(n)	(((n) * 4 + 2) / 3)
#define B64_CHARS(n)	(((n) + 2) / 3 * 4)

/* Three bytes, at the text's end one or two, to their four characters, padded. */
void		b64_four(const void *bytes, size_t n, char to[4]);
/* Of a padded text.  0, E_FORMAT or E_TOOBIG; *got bytes in `to`. */
must_check int	b64_decode(struct span text, uint8_t *to, size_t room, size_t *got);

/* `to` has room for B64URL_CHARS(n) + 1. */
void		b64url_encode(const void *bytes, size_t n, char *to);
/* 0, E_FORMAT or E_TOOBIG; *got bytes in `to`. */
must_check int	b64url_decode(struct span text, uint8_t *to, size_t room, size_t *got);

#endif
