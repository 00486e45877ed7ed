/* SPDX-License-Identifier: Apache-2.0
 *
 * name.c - the names tools and prompts have in merged views
 *
 * Process: worker, compile.  Owns: nothing.
 * Trusts:  nothing: an upstream chooses its tools' names.
 */
#include <stdio.h>

#include "lib/sum.h"
#include "mcp/name.h"

#define HASH_BYTES	9	/* _ and 8 hex digits */

static bool
plain(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
	    c == '-';
}

struct span
mcp_name_compose(struct span prefix, struct span server, struct span name, char *to)
{
	size_t		n = 0, whole = name.n + (prefix.n > 0 ? prefix.n + 2 : 0);
	uint64_t	hash;
	bool		clean = whole <= MCP_NAME_MAX && whole > 0;

	for (size_t i = 0; i < prefix.n && n < MCP_NAME_MAX; i++)
		to[n++] = prefix.p[i];
	for (int i = 0; i < 2 && prefix.n > 0 && n < MCP_NAME_MAX; i++)
		to[n++] = '_';
	for (size_t i = 0; i < name.n && n < MCP_NAME_MAX; i++) {
		clean = clean && plain(name.p[i]);
		to[n++] = plain(name.p[i]) ? name.p[i] : '_';
	}
	if (!clean) {
		if (n > MCP_NAME_MAX - HASH_BYTES)
			n = MCP_NAME_MAX - HASH_BYTES;
		hash = sum64_more(sum64_more(0, server), name);
		n += (size_t)snprintf(to + n, HASH_BYTES + 1, "_%08x", (unsigned)(hash ^ hash >> 32));
	}
	to[n] = '\0';
	return span_make(to, n);
}

struct span
mcp_name_prefix(struct span composed)
{
	const char	*cut = composed.n < 2 ? NULL : memmem(composed.p, composed.n, "__", 2);

	return cut == NULL ? SPAN_NONE : span_part(composed, 0, (size_t)(cut - composed.p));
}

bool
mcp_name_is_marked(struct span composed)
{
	if (composed.n < HASH_BYTES || composed.p[composed.n - HASH_BYTES] != '_')
		return false;
	for (size_t i = composed.n - HASH_BYTES + 1; i < composed.n; i++)
		if (!((composed.p[i] >= '0' && composed.p[i] <= '9') ||
		    (composed.p[i] >= 'a' && composed.p[i] <= 'f')))
			return false;
	return true;
}

int
mcp_name_default_prefix(struct span server, char *to)
{
	size_t	n = 0;

	for (size_t i = 0; i < server.n && n < MCP_PREFIX_MAX; i++) {
		char c = server.p[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c | 0x20);
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			to[n++] = c;
		else if (n > 0 && to[n - 1] != '-')
			to[n++] = '-';
	}
	while (n > 0 && to[n - 1] == '-')
		n--;
	to[n] = '\0';
	return n > 0 ? 0 : E_FORMAT;
}

bool
mcp_name_prefix_ok(struct span p)
{
	if (p.n == 0 || p.n > MCP_PREFIX_MAX || p.p[0] == '-' || p.p[p.n - 1] == '-')
		return false;
	for (size_t i = 0; i < p.n; i++)
		if (!((p.p[i] >= 'a' && p.p[i] <= 'z') || (p.p[i] >= '0' && p.p[i] <= '9') ||
		    (p.p[i] == '-' && p.p[i - 1] != '-')))
			return false;
	return true;
}
