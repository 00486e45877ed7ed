/* SPDX-License-Identifier: Apache-2.0
 *
 * sum.c - 64-bit sums and CRC-32C
 *
 * Process: all.  Owns: nothing.
 */
#include "lib/sum.h"

#define MIX1 UINT64_C(0xbf58476d1ce4e5b9)
#define MIX2 UINT64_C(0x94d049bb133111eb)

static uint64_t
mix(uint64_t v)
{
	v ^= v >> 30;
	v *= MIX1;
	v ^= v >> 27;
	v *= MIX2;
	return v ^ v >> 31;
}

uint64_t
sum64_more(uint64_t seed, struct span s)
{
	uint64_t	h = mix(seed + UINT64_C(0x9e3779b97f4a7c15) * (s.n + 1)), w;
	const char	*p = s.p;
	size_t		 n = s.n;

	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&w, p, 8);
		h = (h ^ mix(w)) * MIX1;
		h = h << 29 | h >> 35;
	}
	if (n > 0) {
		w = 0;
		memcpy(&w, p, n);
		h = (h ^ mix(w)) * MIX1;
	}
	return mix(h);
}

uint64_t
sum64(struct span s)
{
	return sum64_more(0, s);
}

#define ROTL(x, b) ((x) << (b) | (x) >> (64 - (b)))

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1]; v[1] = ROTL(v[1], 13); v[1] ^= v[0]; v[0] = ROTL(v[0], 32);
	v[2] += v[3]; v[3] = ROTL(v[3], 16); v[3] ^= v[2];
	v[0] += v[3]; v[3] = ROTL(v[3], 21); v[3] ^= v[0];
	v[2] += v[1]; v[1] = ROTL(v[1], 17); v[1] ^= v[2]; v[2] = ROTL(v[2], 32);
}

uint64_t
hash64(const struct sum_key *key, struct span s)
{
	uint64_t v[4] = {
		key->k0 ^ UINT64_C(0x736f6d6570736575), key->k1 ^ UINT64_C(0x646f72616e646f6d),
		key->k0 ^ UINT64_C(0x6c7967656e657261), key->k1 ^ UINT64_C(0x7465646279746573),
	};
	const char	*p = s.p;
	size_t		 n = s.n;
	uint64_t	 w;

	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&w, p, 8);
		v[3] ^= w;
		sip_round(v);
		sip_round(v);
		v[0] ^= w;
	}
	w = 0;
	if (n > 0)
		memcpy(&w, p, n);
	w |= (uint64_t)s.n << 56;
	v[3] ^= w;
	sip_round(v);
	sip_round(v);
	v[0] ^= w;
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint32_t
crc32c(struct span s)
{
	static uint32_t	table[256];
	uint32_t	crc = ~UINT32_C(0);

	if (table[1] == 0) {
		for (uint32_t i = 0; i < 256; i++) {
			uint32_t c = i;

			for (int k = 0; k < 8; k++)
				c = c & 1 ? UINT32_C(0x82f63b78) ^ c >> 1 : c >> 1;
			table[i] = c;
		}
	}
	for (size_t i = 0; i < s.n; i++)
		crc = table[(crc ^ (unsigned char)s.p[i]) & 0xff] ^ crc >> 8;
	return ~crc;
}
