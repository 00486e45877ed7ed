/* SPDX-License-Identifier: Apache-2.0
 *
 * keyring.h - the keys that all workers seal with: made by the master, mapped by its children
 *
 * A ring travels as a memfd of sizeof(struct keyring).  New things are sealed with the newest key,
 * old ones are opened while their key is still in the ring.  No libcrypto here: the master links it.
 */
#ifndef LIB_KEYRING_H
#define LIB_KEYRING_H

#include <stdint.h>

#include "lib/err.h"

#define KEYRING_MAGIC	"MCPGWKEY"
#define KEYRING_FORMAT	1
#define KEYRING_KEYS	4
#define KEYRING_BYTES	32

struct keyring_key {
	uint8_t	bytes[KEYRING_BYTES];
	uint8_t	number;			/* named in what was sealed with it */
	uint8_t	in_use;			/* 0 or 1 */
	uint8_t	spare[6];
};
_Static_assert(sizeof(struct keyring_key) == 40, "a ring's key is 40 bytes");

struct keyring {
	char			magic[8];
	uint32_t		format;
	uint32_t		newest;		/* index into key[] */
	struct keyring_key	key[KEYRING_KEYS];
	uint8_t			spare[80];
};
_Static_assert(sizeof(struct keyring) == 256, "a key ring is 256 bytes");

/* A fresh ring with one random key: 0 or E_SYS. */
must_check int	keyring_make(struct keyring *ring);
/* Adds a random key as the newest; the oldest goes when the ring is full.  0 or E_SYS. */
must_check int	keyring_rotate(struct keyring *ring);
/* A ring as the memfd that travels, sealed against change and close-on-exec; the caller's. */
must_check int	keyring_memfd(const struct keyring *ring, int *fd);
/* Reads a ring from its memfd (which stays the caller's): 0, E_SYS, E_SHORT, E_VERSION or E_FORMAT. */
must_check int	keyring_read(int fd, struct keyring *out);
/* The key with this number, or NULL; borrowed from the ring. */
const struct keyring_key *keyring_find(const struct keyring *ring, uint8_t number);

#endif
