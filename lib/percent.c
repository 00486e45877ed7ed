/* SPDX-License-Identifier: Apache-2.0
 *
 * percent.c - text as one segment of a URL's path
 *
 * Process: mcpgwctl, mcpgw-stdio.  Owns: nothing.  Trusts: no byte.
 */
#include "lib/percent.h"

int
percent_put(struct buf *to, struct span text)
{
	int	r = 0;

	for (size_t i = 0; i < text.n && r == 0; i++) {
		unsigned char	c = (unsigned char)text.p[i];
		bool		plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
				    (c >= '0' && c <= '9') || (c != '\0' && strchr("-._~", c) != NULL);

		r = plain ? buf_put_u8(to, c) : buf_put_fmt(to, "%%%02X", c);
	}
	return r;
}
