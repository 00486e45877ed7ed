/* SPDX-License-Identifier: Apache-2.0
 *
 * sum.h - 64-bit sums: against accidents (sum64), keyed for tables (hash64), of records (crc32c)
 *
 * None of them is a cryptographic digest; those are in lib/crypt.h.
 */
#ifndef LIB_SUM_H
#define LIB_SUM_H

#include <stdint.h>

#include "lib/span.h"

struct sum_key {
	uint64_t	k0, k1;
};

/* Content hash, the same on every machine and in every release.  Reads 8 bytes a step. */
uint64_t	sum64(struct span bytes);
/* Continues: sum64_more(sum64_more(0, a), b) depends on the borders of a and b. */
uint64_t	sum64_more(uint64_t seed, struct span bytes);
/* SipHash-2-4: for tables whose keys a stranger may choose. */
uint64_t	hash64(const struct sum_key *key, struct span bytes);
/* CRC-32C (Castagnoli), of audit records. */
uint32_t	crc32c(struct span bytes);
/* The same without the processor's instruction: for the test that both agree. */
uint32_t	crc32c_portable(struct span bytes);

#endif
