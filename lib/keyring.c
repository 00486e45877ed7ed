/* SPDX-License-Identifier: Apache-2.0
 *
 * keyring.c - the keys that all workers seal with
 *
 * Process: master (makes, rotates), those that seal (read).
 * Owns:    nothing; rings are the caller's.
 * Trusts:  a ring that came from the master; size, magic and format are checked against mistakes.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "lib/keyring.h"

static int
key_make(struct keyring_key *k, uint8_t number)
{
	size_t	 have = 0;
	ssize_t	 n;

	memset(k, 0, sizeof(*k));
	while (have < sizeof(k->bytes)) {
		if ((n = getrandom(k->bytes + have, sizeof(k->bytes) - have, 0)) == -1) {
			if (errno == EINTR)
				continue;
			return E_SYS;
		}
		have += (size_t)n;
	}
	k->number = number;
	k->in_use = 1;
	return 0;
}

int
keyring_make(struct keyring *ring)
{
	memset(ring, 0, sizeof(*ring));
	memcpy(ring->magic, KEYRING_MAGIC, sizeof(ring->magic));
	ring->format = KEYRING_FORMAT;
	return key_make(&ring->key[0], 1);
}

int
keyring_rotate(struct keyring *ring)
{
	uint32_t	next = (ring->newest + 1) % KEYRING_KEYS;
	struct keyring_key key;
	int		r;

	if ((r = key_make(&key, (uint8_t)(ring->key[ring->newest].number + 1))) != 0)
		return r;
	ring->key[next] = key;
	ring->newest = next;
	explicit_bzero(&key, sizeof(key));
	return 0;
}

int
keyring_memfd(const struct keyring *ring, int *fd)
{
	*fd = memfd_create("keyring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd == -1)
		return E_SYS;
	if (write(*fd, ring, sizeof(*ring)) != (ssize_t)sizeof(*ring) ||
	    fcntl(*fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == -1) {
		close(*fd);
		*fd = -1;
		return E_SYS;
	}
	return 0;
}

int
keyring_read(int fd, struct keyring *out)
{
	ssize_t	n = pread(fd, out, sizeof(*out), 0);
	int	r = 0;

	if (n == -1)
		r = E_SYS;
	else if (n != (ssize_t)sizeof(*out))
		r = E_SHORT;
	else if (memcmp(out->magic, KEYRING_MAGIC, sizeof(out->magic)) != 0)
		r = E_FORMAT;
	else if (out->format != KEYRING_FORMAT)
		r = E_VERSION;
	else if (out->newest >= KEYRING_KEYS || out->key[out->newest].in_use != 1)
		r = E_FORMAT;
	if (r != 0)
		explicit_bzero(out, sizeof(*out));
	return r;
}

const struct keyring_key *
keyring_find(const struct keyring *ring, uint8_t number)
{
	for (int i = 0; i < KEYRING_KEYS; i++)
		if (ring->key[i].in_use == 1 && ring->key[i].number == number)
			return &ring->key[i];
	return NULL;
}
