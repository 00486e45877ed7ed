/* SPDX-License-Identifier: Apache-2.0
 *
 * shell.c - text as one word of a command that somebody copies
 *
 * Process: mcpgw-scout, mcpgwctl.  Owns: nothing.
 * Trusts:  no text: names of issuers and clients stand in such commands.
 */
#include <string.h>

#include "lib/shell.h"

/* Those of ASCII, and the C1 ones in UTF-8: how many bytes. */
static size_t
control_at(struct span s, size_t i)
{
	const unsigned char	c = (unsigned char)s.p[i], next = i + 1 < s.n ? (unsigned char)s.p[i + 1] : 0;

	if (c < 0x20 || c == 0x7f)
		return 1;
	return c == 0xc2 && next >= 0x80 && next < 0xa0 ? 2 : 0;
}

bool
shell_quote(struct span word, char *to, size_t room)
{
	static const char	quote[] = "'\\''";
	size_t			n = 0, control, bytes;

	if (room > 0)
		to[0] = '\0';
	if (room < 3)
		return false;
	to[n++] = '\'';
	for (size_t i = 0; i < word.n; i += control > 0 ? control : 1) {
		control = control_at(word, i);
		bytes = word.p[i] == '\'' ? sizeof(quote) - 1 : 1;
		if (n + bytes + 2 > room) {
			to[0] = '\0';
			return false;
		}
		if (bytes > 1)
			memcpy(to + n, quote, bytes);
		else
			to[n] = control > 0 ? '?' : word.p[i];
		n += bytes;
	}
	to[n++] = '\'';
	to[n] = '\0';
	return true;
}
