/* SPDX-License-Identifier: Apache-2.0
 *
 * status.h - the master's answer to `status`, gathered for printing
 */
#ifndef CTL_STATUS_H
#define CTL_STATUS_H

#include "ipc/codec.h"
#include "policy/snap.h"

/* The message bodies' own texts are gone with their frame; these are the copies. */
struct status_process {
	struct msg_CTL_PROCESS	b;
	char			tenant[64];
};

struct status_server {
	struct msg_CTL_SERVER	b;
	char			tenant[64], name[64], error[256];
};

struct status_listener {
	uint32_t		kind;
	char			address[128];
};

struct status {
	struct msg_CTL_MASTER	 master;
	struct msg_CTL_COUNTERS	 counters;
	uint32_t		 limits_held;		/* enum limit_written */
	char			 cgroup[160];
	char			 version[32], probe_line[512], warning[512], config_dir[1024];
	struct status_process	*processes;
	struct status_server	*servers;
	struct status_listener	*listeners;
	size_t			 process_count, server_count, listener_count;
	struct snap		*policy;	/* in force */
};

/* What was heard of a configured server, or NULL; valid while the status is. */
const struct status_server *status_server_heard(const struct status *s, struct span tenant,
			    struct span name);

/* Each answers the exit code. */
int	status_print(const struct status *s);
int	status_print_one(const struct status *s, const char *name);
int	status_print_json(const struct status *s, const char *name);

#endif
