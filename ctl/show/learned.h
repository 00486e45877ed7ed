/* SPDX-License-Identifier: Apache-2.0
 *
 * learned.h - what a server reached while it was learnt, by the audit
 */
#ifndef CTL_SHOW_LEARNED_H
#define CTL_SHOW_LEARNED_H

#include "ctl/ctl.h"
#include "lib/addr.h"
#include "policy/reach.h"

#define LEARNED_MAX	REACH_HOSTS_MAX
#define LEARNED_TEXT	(REACH_NAME_MAX + ADDR_TEXT_MAX)

struct learned {
	struct {
		char			text[LEARNED_TEXT];	/* HOST:PORT, in canonical form */
		struct reach_rule	rule;
		uint64_t		connections, bytes;
	} host[LEARNED_MAX];
	size_t	count;
	bool	more;		/* there was no room for all */
};

/* Of the last day, in the order they were met.  0, or the exit code; why was said. */
int	learned_read(struct ctl *ctl, const char *tenant, const char *server, struct learned *out);
/* Keeps what a list may have beside those it has; the others are gone, in front of them those that came last. */
struct learned_lost {
	size_t	own_port;		/* at a port that is the jail's own */
	size_t	hosts, ports;		/* over REACH_HOSTS_MAX, over REACH_PORTS_MAX different ones */
};
void	learned_fit(struct learned *l, const uint16_t *ports, size_t port_count, struct learned_lost *lost);
/* One line of JSON of the audit; what is no host and port is passed over, because tools choose the names. */
void	learned_take(struct span line, struct learned *out);

#endif
