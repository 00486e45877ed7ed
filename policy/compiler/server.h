/* SPDX-License-Identifier: Apache-2.0
 *
 * server.h - one server of servers.json or tools_dir while it is being read
 */
#ifndef POLICY_COMPILER_SERVER_H
#define POLICY_COMPILER_SERVER_H

#include "policy/compiler/job.h"
#include "policy/reach.h"

struct reach_entry {
	struct reach_rule	 rule;
	const struct conf_node	*node;
	struct addr		 address;	/* of the rule; of a name by net_hosts, or none */
	uint16_t		 to_port;
};

struct server {
	struct job		*job;
	const struct source	*source;
	const struct conf_node	*node;
	const struct source	*named_in;	/* where it stands; `node` may be what import made of it */
	const struct conf_node	*entry;
	struct span		 name;
	bool			 enabled;	/* false: nothing of it is expanded or looked for */
	struct rec_server	 rec;		/* texts belong to job->policy */
	struct reach_entry	*reach;		/* net = list; the job's */
	size_t			 reach_count;
};

/* A hash over all that decides how a server runs: texts and numbers in a fixed order. */
struct digest {
	uint64_t	sum;
};
void	digest_text(struct digest *d, struct span s);
void	digest_number(struct digest *d, uint64_t v);
void	net_digest(const struct server *sv, struct digest *d);

/* The server stays, is listed, and cannot be called: a warning at n, and its `why`. */
void	server_down(struct server *sv, const struct conf_node *n, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));

/* servers.c: sets up *sv; named_by is where messages about the name go.  False, after saying so, when node is
 * no object. */
bool	server_begin(struct server *sv, struct job *j, const struct source *text, const struct conf_node *node,
	    const struct conf_node *named_by, struct span name);
/* servers.c: what any server may say; values in sv->rec stand where it says nothing. */
void	server_common(struct server *sv);
/* servers.c: adds its SERVER; the index. */
uint32_t server_end(struct server *sv);

/* imported.c: opens imports_file, for as long as servers are read. */
void	imported_open(struct job *j);
void	imported_close(struct job *j);
/* What import made of this entry, in its place, when it would only fetch. */
void	imported_take(struct server *sv);

/* switched.c: is it on? */
void	switched_read(struct server *sv);

/* profile.c: a server with a command.  Adds its PROFILE. */
void	profile_read(struct server *sv, const struct conf_node *command);
/* FILTER and BPF for every tier and net that a profile uses; after all of them. */
void	profile_finish(struct job *j);

/* net.c: "net", and what somebody made it while the server is learnt. */
void	net_read(struct server *sv);
/* The hosts as REACH of this snapshot, one after another; how many. */
uint32_t net_put(const struct server *sv, struct build *b);
/* Says which learning servers there are not; after all of them. */
void	net_finish(struct job *j);

/* anchors.c: whom an https server's certificate must lead to; url is where it stands. */
void	anchors_read(struct server *sv, const struct conf_node *url, struct digest *d);
/* The same of a file that a parameter names.  False after saying what is wrong. */
bool	anchors_of_setting(struct job *j, enum param_id id, uint32_t *first, uint32_t *count);

/* remote.c: a server with a url, or several. */
void	remote_read(struct server *sv, const struct conf_node *url);

/* balance.c: where an http server's urls stand: the first, NULL after saying that there is none; and how many. */
const struct conf_node *balance_urls(struct server *sv, size_t *count);
/* The url after this one, and what it weighs. */
const struct conf_node *balance_url_next(struct server *sv, const struct conf_node *url);
uint32_t balance_weight(struct server *sv, const struct conf_node *url);
/* "balance", "health", "breaker", "retry", "idempotent": what any server may say, and one at several places. */
void	balance_read(struct server *sv);

/* auth.c: how a token for an http server is got; clear: it would travel to another machine in clear text. */
void	auth_read(struct server *sv, struct digest *d, struct span url, bool clear);

/* located.c: where that host is, without brackets. */
void	located_read(struct server *sv, struct span host);

#endif
