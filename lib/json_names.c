/* SPDX-License-Identifier: Apache-2.0
 *
 * json_names.c - the names seen in checked objects, to find doubles
 *
 * Process: every one that reads JSON.
 * Owns:    the table; it grows with the checked names, and those are counted.
 * Trusts:  nothing: a stranger chooses the names, so they are hashed with a key of this process.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "lib/json_priv.h"

static uint64_t	names_key[2];
static bool		names_key_made;

int
scan_names_ready(void)
{
	ssize_t	n;

	if (names_key_made)
		return 0;
	do {
		n = getrandom(names_key, sizeof(names_key), 0);
	} while (n == -1 && errno == EINTR);
	if (n != sizeof(names_key))
		return E_SYS;
	names_key_made = true;
	return 0;
}

static uint64_t
fold(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/* 1 to 7 bytes as a number, without a loop: the length is in the hash already. */
static uint64_t
tail(const char *p, size_t n)
{
	uint32_t	low, high;

	if (n < 4)
		return (uint64_t)(unsigned char)p[0] << 16 | (uint64_t)(unsigned char)p[n / 2] << 8 |
		    (unsigned char)p[n - 1];
	memcpy(&low, p, 4);
	memcpy(&high, p + n - 4, 4);
	return (uint64_t)high << 32 | low;
}

/* One multiplication by a secret factor per 8 bytes.  Names are a few bytes long and stand on the way
 * of every call; hash64() took half of the time of a small message. */
static uint64_t
names_hash(uint64_t serial, struct span name)
{
	uint64_t	h = names_key[0] ^ (uint64_t)name.n, w;
	const char	*p = name.p;
	size_t		 n = name.n;

	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&w, p, 8);
		h = fold(h ^ w, names_key[1] | 1) + w;
	}
	if (n > 0) {
		w = tail(p, n);
		h = fold(h ^ w, names_key[1] | 1) + w;
	}
	return fold(h ^ serial * UINT64_C(0x9e3779b97f4a7c15), names_key[1] | 1);
}

static bool
names_insert(uint64_t *at, uint32_t room, uint64_t hash)
{
	uint32_t	i = (uint32_t)hash & (room - 1);

	for (; at[i] != 0; i = (i + 1) & (room - 1))
		if (at[i] == hash)
			return false;
	at[i] = hash;
	return true;
}

static int
names_grow(struct scan_names *n)
{
	uint64_t	*wider;

	if (n->used >= JSON_NAMES_MAX)
		return E_TOOBIG;
	if ((wider = calloc((size_t)n->room * 2, sizeof(*wider))) == NULL)
		return E_NOMEM;
	for (uint32_t i = 0; i < n->room; i++)
		if (n->at[i] != 0)
			(void)names_insert(wider, n->room * 2, n->at[i]);
	if (n->at != n->few)
		free(n->at);
	n->at = wider;
	n->room *= 2;
	return 0;
}

int
scan_names_add(struct scan_names *n, uint64_t serial, struct span name)
{
	uint64_t	hash = names_hash(serial, name);
	int		r;

	if (n->used >= n->room / 2 && (r = names_grow(n)) != 0)
		return r;
	if (!names_insert(n->at, n->room, hash != 0 ? hash : 1))
		return E_JSON_DUPLICATE;
	n->used++;
	return 0;
}

void
scan_names_clear(struct scan_names *n)
{
	if (n->at != NULL && n->at != n->few)
		free(n->at);
	if (n->at != n->few || n->used > 0)
		memset(n->few, 0, sizeof(n->few));
	n->at = n->few;
	n->room = SCAN_NAMES_FEW;
	n->used = 0;
}
