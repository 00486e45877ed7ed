/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_hello.c - the first bytes of TLS: the verdict does not depend on the pieces in which they come, and what
 *                more is asked for is more than there is
 */
#include <stdint.h>
#include <string.h>

#include "lib/bug.h"
#include "sandbox/egress/hello.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct hello	whole, part;
	size_t		have;

	hello_look(span_make(data, n), &whole);
	BUG_ON(whole.kind == HELLO_MORE && (whole.need <= n || whole.need > HELLO_BYTES_MAX));
	BUG_ON(whole.kind == HELLO_PLAIN && data[0] >= 20 && data[0] <= 24);	/* a record's type */
	BUG_ON(whole.kind == HELLO_NAME && (whole.name_bytes == 0 || whole.name_bytes > HELLO_NAME_MAX));
	/* As it is collected: never more than was asked for. */
	for (have = 0; ; have = part.need) {
		hello_look(span_make(data, have), &part);
		if (part.kind != HELLO_MORE || part.need > n)
			break;
	}
	if (part.kind == HELLO_MORE) {
		BUG_ON(whole.kind != HELLO_MORE);
		return 0;
	}
	BUG_ON(part.kind != whole.kind || part.name_bytes != whole.name_bytes ||
	    memcmp(part.name, whole.name, whole.name_bytes) != 0);
	return 0;
}
