/* SPDX-License-Identifier: Apache-2.0
 *
 * refusals.c - which sockets a server's tools were refused
 *
 * Process: mcpgw-runner.  Owns: nothing; the counts are embedded in their server.
 * Trusts:  nothing: a tool tries what it likes, as often as it likes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "sandbox/runner/refusals.h"

static const struct {
	int		 family;
	const char	*name;
} names[] = {
	{ AF_INET, "inet" }, { AF_INET6, "inet6" }, { AF_UNIX, "unix" }, { AF_NETLINK, "netlink" },
	{ AF_PACKET, "packet" }, { AF_VSOCK, "vsock" }, { AF_ALG, "alg" },
};

void
refusals_add(struct refusals *r, int family, uint64_t wall_ms, const char *request, unsigned running)
{
	struct refused_family	*one;

	for (size_t i = 0; i < r->count; i++)
		if (r->all[i].family == family || i + 1 == REFUSALS_KINDS) {
			r->all[i].count++;
			return;
		}
	one = &r->all[r->count++];
	*one = (struct refused_family){ .family = family, .count = 1, .first_ms = wall_ms, .running = running };
	snprintf(one->request, sizeof(one->request), "%s", request);
}

void
refusals_clear(struct refusals *r)
{
	*r = (struct refusals){ .count = 0 };
}

static void
family_name(int family, char *to, size_t room)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].family == family) {
			snprintf(to, room, "%s", names[i].name);
			return;
		}
	snprintf(to, room, "%d", family);
}

int
refusals_write(const struct refusals *r, struct buf *to)
{
	char	name[16];
	int	e;

	for (size_t i = 0; i < r->count; i++) {
		const struct refused_family	*one = &r->all[i];

		family_name(one->family, name, sizeof(name));
		if ((e = buf_put_fmt(to, "%s %" PRIu64 " %" PRIu64 " %s %u\n", name, one->count, one->first_ms,
		    one->request[0] == '\0' ? "-" : one->request, one->running)) != 0)
			return e;
	}
	return 0;
}
