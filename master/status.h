/* SPDX-License-Identifier: Apache-2.0
 *
 * status.h - what children report, and what their deaths mean for others
 */
#ifndef MASTER_STATUS_H
#define MASTER_STATUS_H

#include "master/children.h"

#define STATUS_SERVERS_MAX	4096
#define STATUS_TEXT		256

/* Gossip about one server: shown, never decided by. */
struct server_status {
	char		tenant[64], name[64];
	uint32_t	state, instances, tools;	/* enum server_state */
	bool		has_runner;	/* which then knows all but the tools */
	bool		by_scout;	/* the trouble is what mcpgw-scout saw */
	uint64_t	next_try_ms;
	char		error[STATUS_TEXT];
};

struct status {
	uint64_t		 last_ref;
	uint32_t		 probe;			/* enum probe_result */
	char			 probe_line[512];
	uint64_t		 audit_behind;
	char			 audit_trouble[STATUS_TEXT];
	struct server_status	*servers;
	size_t			 server_count, server_room;
};

void	status_init(struct status *s);
void	status_fini(struct status *s);
/* A number for a question; never 0, never the same twice. */
uint64_t status_new_ref(struct status *s);

/* From children.c. */
void	status_on_message(struct child *c, const struct chan_msg *msg);
void	status_on_death(struct child *c, int wait_status);
/* This tenant's tools are gone with their runner. */
void	status_tenant_down(struct status *s, const char *tenant);
/* A worker of ours, or of the master before, counts a quota: to the store, whoever's it is. */
void	status_on_quota_mark(struct master *m, const struct msg_QUOTA_MARK *b);

#endif
