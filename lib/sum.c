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

/* The last n bytes, 1 to 7, as memcpy(3) into a zero would leave them; a copy of unknown length is a call. */
static inline uint64_t
last_bytes(const char *p, size_t n)
{
	const unsigned char	*b = (const unsigned char *)p;
	uint32_t		 low, high;

	if (n >= 4) {
		memcpy(&low, p, 4);
		memcpy(&high, p + n - 4, 4);
		return low | (uint64_t)high << 8 * (n - 4);
	}
	return b[0] | (uint64_t)b[n / 2] << 8 * (n / 2) | (uint64_t)b[n - 1] << 8 * (n - 1);
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
	if (n > 0)
		h = (h ^ mix(last_bytes(p, n))) * MIX1;
	return mix(h);
}

uint64_t
sum64(struct span s)
{
	return sum64_more(0, s);
}

#define ROTL(x, b) ((x) << (b) | (x) >> (64 - (b)))

static inline __attribute__((always_inline)) void
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
	w = n > 0 ? last_bytes(p, n) : 0;
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

/* Eight bytes a step by eight tables, for machines without the instruction. */
static uint32_t
crc32c_tables(struct span s)
{
	static uint32_t	table[8][256];
	uint32_t	crc = ~UINT32_C(0);
	uint64_t	w;

	if (table[0][1] == 0) {
		for (uint32_t i = 0; i < 256; i++) {
			uint32_t c = i;

			for (int k = 0; k < 8; k++)
				c = c & 1 ? UINT32_C(0x82f63b78) ^ c >> 1 : c >> 1;
			table[0][i] = c;
		}
		for (uint32_t i = 0; i < 256; i++)
			for (int t = 1; t < 8; t++)
				table[t][i] = table[0][table[t - 1][i] & 0xff] ^ table[t - 1][i] >> 8;
	}
	for (; s.n >= 8; s.p += 8, s.n -= 8) {
		memcpy(&w, s.p, 8);
		w ^= crc;
		crc = 0;
		for (int t = 0; t < 8; t++)
			crc ^= table[7 - t][w >> 8 * t & 0xff];
	}
	for (size_t i = 0; i < s.n; i++)
		crc = table[0][(crc ^ (unsigned char)s.p[i]) & 0xff] ^ crc >> 8;
	return ~crc;
}

#if defined(__x86_64__)
/* SSE 4.2 has the very polynomial. */
static __attribute__((target("sse4.2"))) uint32_t
crc32c_instruction(struct span s)
{
	uint64_t	crc = ~UINT32_C(0), w;

	for (; s.n >= 8; s.p += 8, s.n -= 8) {
		memcpy(&w, s.p, 8);
		crc = __builtin_ia32_crc32di(crc, w);
	}
	for (; s.n > 0; s.p++, s.n--)
		crc = __builtin_ia32_crc32qi((uint32_t)crc, (unsigned char)*s.p);
	return ~(uint32_t)crc;
}
#endif

uint32_t
crc32c(struct span s)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2"))
		return crc32c_instruction(s);
#endif
	return crc32c_tables(s);
}

uint32_t
crc32c_portable(struct span s)
{
	return crc32c_tables(s);
}
