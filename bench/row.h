/* SPDX-License-Identifier: Apache-2.0
 *
 * row.h - what an answer of many small values is made of, as a tracker lists them; load and upstream agree on it
 */
#ifndef BENCH_ROW_H
#define BENCH_ROW_H

#include <stddef.h>

#define BENCH_ROW	"{\"id\":48151,\"title\":\"A comma too many at the end\"," \
			"\"url\":\"https://tracker.example/48151\",\"state\":\"open\"," \
			"\"labels\":[\"bug\",\"parser\"],\"votes\":12,\"locked\":false,\"closed\":null}"

/* Of whole rows with commas between them, in at most `size` bytes; one row at least. */
static inline size_t
bench_rows_bytes(size_t size)
{
	size_t	count = (size + 1) / sizeof(BENCH_ROW);

	return (count == 0 ? 1 : count) * sizeof(BENCH_ROW) - 1;
}

#endif
