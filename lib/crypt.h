/* SPDX-License-Identifier: Apache-2.0
 *
 * crypt.h - digest, AEAD, random, constant-time comparison: libcrypto's home
 */
#ifndef LIB_CRYPT_H
#define LIB_CRYPT_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/span.h"

#define CRYPT_SHA256_BYTES	32
#define CRYPT_KEY_BYTES		32
#define CRYPT_NONCE_BYTES	12
#define CRYPT_TAG_BYTES		16

struct crypt_digest {
	uint8_t	bytes[CRYPT_SHA256_BYTES];
};

must_check int	crypt_sha256(struct span bytes, struct crypt_digest *out);
/* Makes what the functions here need, before anybody is served: libcrypto that lacked memory in its beginning
 * fails for as long as the process lives.  0, E_INTERNAL or E_NOMEM. */
must_check int	crypt_prepare(void);
must_check int	crypt_random(void *out, size_t n);
/* True when equal; the time does not depend on the content. */
bool		crypt_equal(const void *a, const void *b, size_t n);
/* Overwrites in a way the compiler keeps. */
void		crypt_wipe(void *p, size_t n);

/* AES-256-GCM.  `out` has room for in.n bytes; the tag goes to `tag`.  Open: E_DENIED when the tag
 * does not fit, with nothing of the plain text left in `out`. */
must_check int	crypt_seal(const uint8_t key[CRYPT_KEY_BYTES], const uint8_t nonce[CRYPT_NONCE_BYTES],
		    struct span ad, struct span in, uint8_t *out, uint8_t tag[CRYPT_TAG_BYTES]);
must_check int	crypt_open(const uint8_t key[CRYPT_KEY_BYTES], const uint8_t nonce[CRYPT_NONCE_BYTES],
		    struct span ad, struct span in, const uint8_t tag[CRYPT_TAG_BYTES], uint8_t *out);

#endif
