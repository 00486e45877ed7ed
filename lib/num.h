/* SPDX-License-Identifier: Apache-2.0
 *
 * num.h - text to integer, duration, size; strict, whole text, no sign, no blanks
 */
#ifndef LIB_NUM_H
#define LIB_NUM_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/span.h"

/* 0, E_FORMAT (not a number) or E_RANGE (does not fit). */
must_check int	num_u64(struct span s, uint64_t *out);
/* "250ms", "30s", "10min", "2h", "7d" to milliseconds; a bare number is refused but for 0. */
must_check int	num_msec(struct span s, uint64_t *out);
/* "64KiB", "4MiB", "1GiB", "512" to bytes. */
must_check int	num_size(struct span s, uint64_t *out);
/* Decimal, without a NUL; answers how many of `to` it took. */
#define NUM_DECIMAL_MAX	20
size_t		num_decimal(uint64_t v, char to[NUM_DECIMAL_MAX]);
/* What a hexadecimal digit of either case counts, or -1. */
static inline int
num_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Lower-case hexadecimal of n bytes; `to` has room for 2 * n + 1. */
void		num_hex(const void *bytes, size_t n, char *to);

#endif
