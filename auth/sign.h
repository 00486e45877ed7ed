/* SPDX-License-Identifier: Apache-2.0
 *
 * sign.h - signatures of our own (Ed25519, RFC 8032): for tokens that the gateway itself issues
 */
#ifndef AUTH_SIGN_H
#define AUTH_SIGN_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/span.h"

#define SIGN_KEY_BYTES		32
#define SIGN_SIGNATURE_BYTES	64

/* E_INTERNAL. */
must_check int	sign_key_make(uint8_t private_key[SIGN_KEY_BYTES], uint8_t public_key[SIGN_KEY_BYTES]);
must_check int	sign_text(const uint8_t private_key[SIGN_KEY_BYTES], struct span text,
		    uint8_t signature[SIGN_SIGNATURE_BYTES]);

#endif
