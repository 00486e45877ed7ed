/* SPDX-License-Identifier: Apache-2.0
 *
 * gateway.h - a real gateway in a private folder: start, ask with mcpgwctl, stop, look for leftovers
 *
 * The programs are those of $BUILD (build by default).  Whatever goes wrong here fails the test.
 * TEST_KEEP=1 leaves the folders, with the log, for a look.
 */
#ifndef TESTS_HARNESS_GATEWAY_H
#define TESTS_HARNESS_GATEWAY_H

#include <sys/types.h>

#include "tests/harness/client.h"
#include "tests/harness/procs.h"

struct gateway;

struct gateway_setup {
	unsigned	 workers;	/* 0: 2 */
	const char	*listen;	/* NULL: 127.0.0.1:0 */
	void		(*before)(struct gateway *g);	/* puts more into etc/ */
	const char	*conf;		/* lines of mcpgw.conf besides the harness's own, or NULL */
	/* @TOOLS@ and @DIR@ are replaced by a copy of demo/ and tests/ of the build folder and by the
	 * gateway's own; NULL: no servers, nobody may do anything. */
	const char	*servers, *rules;
	const char	*tools;		/* etc/tools.d/native.yaml, the same; NULL: none */
	/* Of the network it is to run in, namespaces (tests/harness/outside.h); 0: ours. */
	int		 user_ns, net_ns;
	bool		 no_namespaces;	/* as in a container: the kernel seems to refuse them */
};

struct gateway {
	char	dir[256];		/* private; etc/, state/ and run/ are below it */
	char	build[256];
	pid_t	pid;			/* the master; 0: not running */
	int	status;			/* as of waitpid(2), when it ended before it was ready */
	bool	no_namespaces;
	char	mcp[64], admin[64];	/* host:port */
	char	tls[3][72];		/* "tls:host:port", the listeners with TLS in their order */
	char	local[320];		/* the unix socket */
	int	user_ns, net_ns;	/* as set up */
};

/* The folder alone, with etc/ and tools/ in it. */
void	gateway_make(struct gateway *g);
/* Returns when it serves. */
void	gateway_start(struct gateway *g, const struct gateway_setup *setup);
/* TERM, then checks that it ends well and that no process of it is left; removes the folder. */
void	gateway_stop(struct gateway *g);
/* Starts it again in the same folder, after gateway_stop_keep() or a kill. */
void	gateway_start_again(struct gateway *g);
/* The same where it may refuse to: false, and `pid` is 0 when it has ended. */
bool	gateway_try_start(struct gateway *g);
void	gateway_stop_keep(struct gateway *g);
/* Removes the folder of a gateway that does not run. */
void	gateway_remove(struct gateway *g);

/* Writes etc/NAME, whole, by rename; a folder in NAME is made. */
void	gateway_write(struct gateway *g, const char *name, const char *text);
/* What stands in etc/NAME, "" when there is none; malloc'ed. */
char	*gateway_file(const struct gateway *g, const char *name);
/* What the master wrote to stderr; malloc'ed. */
char	*gateway_log(const struct gateway *g);
size_t	gateway_log_bytes(const struct gateway *g);
/* How often its log has this. */
size_t	gateway_logged(const struct gateway *g, const char *text);

/* mcpgwctl with these arguments, the last one NULL.  Answers its exit code; *out (malloc'ed; may be
 * NULL) is what it printed, stderr included when `both`. */
int	gateway_ctl(const struct gateway *g, char **out, bool both, ...) __attribute__((sentinel));
/* A new API key of this agent, in a static buffer. */
const char *gateway_key(const struct gateway *g, const char *agent);
/* All audit records of what clients and tools did, once the auditor has caught up: an array. */
json_object *gateway_audit(const struct gateway *g);
/* Those of what operators did. */
json_object *gateway_audit_admin(const struct gateway *g);
/* How many of them have this member with this value. */
size_t	audit_count(json_object *records, const char *member, const char *value);

/* What /metrics says of this series ("mcpgw_connections"); -1: nothing. */
double	gateway_metric(const struct gateway *g, const char *series);

void	gateway_procs(const struct gateway *g, struct procs *out);
/* How many processes that should live as long as the gateway are gone since then: master, workers,
 * auditor, store, admin. */
size_t	gateway_deaths(const struct procs *before);
/* Is the build one with AddressSanitizer? */
bool	is_sanitized(const struct gateway *g);
/* So many times longer when it is. */
int	patience(const struct gateway *g, int ms);

/* From here on this process, and all it starts, are refused new namespaces, as in a container.  0 or -1. */
int	gateway_forbid_namespaces(void);
/* Can this machine build jails at all?  Tests that need one skip where it cannot. */
bool	jails_possible(void);

#endif
