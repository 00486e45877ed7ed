/* SPDX-License-Identifier: Apache-2.0
 *
 * status.h - the master's answer to `status`, gathered for printing
 */
#ifndef CTL_SHOW_STATUS_H
#define CTL_SHOW_STATUS_H

#include "ctl/ctl.h"
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
	struct msg_CTL_RATES	 rates;
	struct msg_CTL_SINCE	 since;
	struct msg_CTL_CACHE	 cache;
	uint32_t		 limits_held;		/* enum limit_written */
	uint32_t		 tools_held;		/* until somebody decides */
	char			 tool_first[256];	/* one of them, SERVER.TOOL */
	char			 cgroup[160];
	char			 version[32], probe_line[512], warning[512], config_dir[1024];
	struct status_process	*processes;
	struct status_server	*servers;
	struct status_listener	*listeners;
	struct msg_CTL_LOAD	*loads;
	size_t			 process_count, server_count, listener_count, load_count;
	struct snap		*policy;	/* in force */
};

/* Asks.  0 or the exit code, said when `say`; status_free() in any case. */
int	status_gather(struct ctl *ctl, bool say, struct status *s);
void	status_free(struct status *s);

/* What was heard of a configured server, or NULL; valid while the status is. */
const struct status_server *status_server_heard(const struct status *s, struct span tenant,
			    struct span name);
/* The calls of this profile: zeroes when there were none. */
struct msg_CTL_LOAD status_load(const struct status *s, uint64_t profile);

/* One configured server, with what was heard of it. */
struct server_row {
	const struct rec_server	*rec;
	const struct status_server *heard;	/* NULL: nothing yet */
	struct msg_CTL_LOAD	 load;
	struct span		 tenant, name, why;
	const char		*state, *tier, *net;
	char			 net_text[40];
};

/* serverrow.c.  The i-th of the policy; false: there are no more. */
bool	server_row_at(const struct status *s, uint64_t i, struct server_row *r);
/* Of this name, and tenant unless it is NULL; false: none. */
bool	server_row_find(const struct status *s, const char *tenant, const char *name, struct server_row *r);
/* It failed, and is not meant to be off. */
bool	server_row_is_bad(const struct server_row *r);
/* For a table: "exit 1 x3, next try 14 s", or "-". */
const char *server_row_last_error(const struct server_row *r, char *to, size_t room);
/* One line of JSON. */
void	server_row_json(const struct server_row *r);

/* status_print.c.  Each answers the exit code. */
int	status_print(struct ctl *ctl, const struct status *s);
int	status_print_json(const struct status *s);
/* status_one.c: of one server (of this tenant, or with NULL of each that has it), tenant or process. */
int	status_print_one(struct ctl *ctl, const struct status *s, const char *tenant, const char *name);

/* Words that both have. */
const char *status_jail_word(uint32_t probe);
/* Does it speak TLS? */
bool	status_is_tls(const struct status_listener *l);
const char *status_by(const struct status *s, char *to, size_t room);
void	status_json_process(const struct status_process *p);

#endif
