/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_message.c - messages between processes: what is read is written again as the same bytes
 *
 * The first two bytes are the type; the rest is the body, as a process that is not ours any more could send it.
 */
#include <stdint.h>
#include <string.h>

#include "ipc/codec.h"
#include "lib/bug.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct buf	to;
	union msg_any		msg;
	struct span		body;
	uint16_t		type;

	if (n < 2)
		return 0;
	if (to.data == NULL)
		buf_init(&to, 64 << 10);
	type = (uint16_t)(data[0] | data[1] << 8);
	body = span_make(data + 2, n - 2);
	memset(&msg, 0xa5, sizeof(msg));
	for (int from = 0; from < ROLE_LIMIT; from++)
		for (int to_role = 0; to_role < ROLE_LIMIT; to_role++)
			BUG_ON(msg_may(type, (enum role)from, (enum role)to_role, true, 0) == 0 &&
			    msg_row(type)->name == NULL);
	if (msg_decode(type, body, &msg) != 0)
		return 0;
	BUG_ON(msg_row(type)->name == NULL);
	buf_clear(&to);
	BUG_ON(msg_encode(&to, type, &msg) != 0 || !span_eq(buf_rest(&to), body));
	return 0;
}
