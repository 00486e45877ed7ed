/* SPDX-License-Identifier: Apache-2.0
 *
 * jail.h - start one program in a jail; find out whether jails can be built here
 *
 * The jail is built without privilege: user, mount, pid, net, ipc, uts and cgroup namespaces, a new
 * root, Landlock, rlimits, no capabilities, no new privileges, a system call filter.  Inside, pid 1
 * is our own init (sandbox/init.h); the tool is its child and sees uid and gid 1000, user "tool".
 * Call from a small single-threaded process: the spawner.
 */
#ifndef SANDBOX_JAIL_H
#define SANDBOX_JAIL_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/err.h"

enum jail_step {
	JAIL_STEP_NONE,
#define JAIL_STEP(name, word, doing, setting) JAIL_STEP_##name,
#include "tables/jailsteps.def"
#undef JAIL_STEP
	JAIL_STEP_LIMIT
};

enum jail_network {
	JAIL_NET_NONE,		/* own empty namespace, not even lo */
	JAIL_NET_LOOPBACK,	/* own namespace with lo */
	JAIL_NET_HOST,		/* the host's */
	JAIL_NET_LIST,		/* own namespace, where mcpgw-egress serves sockets (sandbox/net.h) */
};

#define JAIL_PROXY_PORT		3128	/* of 127.0.0.1: HTTP CONNECT and SOCKS5 */
#define JAIL_SOCKETS_MAX	96
#define JAIL_PORTS_MAX		(JAIL_SOCKETS_MAX - 3)

enum jail_socket_kind {		/* as enum egress_socket */
	JAIL_SOCKET_TCP = 1,
	JAIL_SOCKET_DNS_UDP,
	JAIL_SOCKET_DNS_TCP,
	JAIL_SOCKET_PROXY,
};

struct jail_socket {
	int			fd;
	enum jail_socket_kind	kind;
	uint16_t		port;
};

enum jail_bind_flags {
	JAIL_BIND_WRITABLE = 1,
	JAIL_BIND_EXEC = 2,	/* without it the mount is noexec */
	JAIL_BIND_OPTIONAL = 4,	/* an absent source is skipped */
};

struct jail_bind {
	const char	*source;	/* on the host, links are followed */
	const char	*target;	/* absolute, in the jail; its parents come before it */
	unsigned	 flags;		/* enum jail_bind_flags */
};

struct jail_rlimit {
	int		 resource;	/* RLIMIT_* */
	uint64_t	 value;		/* soft and hard */
};

/* What can be left out, one by one, to see what each catches.  For tests alone: whoever gives a tool a jail
 * leaves out nothing, and no profile, message or parameter has a place for it (make check-lint looks).  Left
 * out of the user namespace nothing else could be built, so that it has no bit. */
enum jail_layer {
	JAIL_LAYER_ROOT = 1 << 0,		/* the mount namespace and the new root: it sees the host's */
	JAIL_LAYER_PID = 1 << 1,		/* namespaces */
	JAIL_LAYER_NET = 1 << 2,
	JAIL_LAYER_IPC = 1 << 3,
	JAIL_LAYER_UTS = 1 << 4,
	JAIL_LAYER_CGROUP = 1 << 5,
	JAIL_LAYER_RLIMITS = 1 << 6,
	JAIL_LAYER_CLOSE_RANGE = 1 << 7,	/* it keeps what the spawner did not mark close-on-exec */
	JAIL_LAYER_LANDLOCK = 1 << 8,
	JAIL_LAYER_CAPS = 1 << 9,		/* it has all of them in its user namespace */
	JAIL_LAYER_NO_NEW_PRIVS = 1 << 10,	/* the kernel then loads no filter either */
	JAIL_LAYER_SECCOMP = 1 << 11,
	JAIL_LAYER_INIT = 1 << 12,		/* its init is dumpable */
	JAIL_LAYER_KEYRING = 1 << 13,		/* it keeps the spawner's session keyring */
	JAIL_LAYER_LIMIT = 1 << 14
};

#define JAIL_UID	1000
#define JAIL_GID	1000
#define JAIL_USER	"tool"
#define JAIL_HOME	"/home/tool"	/* where the state folder is seen unless spec.home says else */

/* All borrowed for the call.  /usr, /etc, /dev, /proc and /tmp are made without being asked for. */
struct jail_spec {
	const char		*program;	/* file to execute, as seen inside */
	const char *const	*argv;		/* NULL-terminated */
	const char *const	*envp;		/* NULL-terminated, the whole environment */
	const char		*workdir;	/* inside; NULL: home */
	const char		*hostname;	/* NULL: "jail" */
	const char		*home;		/* target of the state folder; NULL: JAIL_HOME */
	int			 state_fd;	/* the state folder (directory), or -1: home is a tmpfs that
						 * goes with the jail */
	const struct jail_bind	*binds;
	size_t			 bind_count;
	const struct jail_rlimit *rlimits;	/* on top of the built-in ones (sandbox/rlimit.h) */
	size_t			 rlimit_count;
	enum jail_network	 net;
	const uint16_t		*ports;		/* JAIL_NET_LIST: different ones, without 53 and JAIL_PROXY_PORT */
	size_t			 port_count;	/* at most JAIL_PORTS_MAX */
	const struct sock_filter *filter;	/* NULL: tier off */
	size_t			 filter_count;
	bool			 listener;	/* the filter notifies: hand the listener out */
	bool			 exec_tmp;	/* /tmp and home may hold programs */
	uint64_t		 tmp_bytes;	/* of /tmp; 0: 64 MiB */
	uint64_t		 home_bytes;	/* of a home that is a tmpfs; 0: as /tmp */
	unsigned		 start_ms;	/* for all steps up to exec; 0: 10 s */
	bool			 reduced;	/* without namespaces (sandbox/reduced.h): paths are the host's,
						 * `home` and `tmp` are its folders, state_fd is not looked at */
	const char		*tmp;
	const int		*cgroup;	/* where its first process writes itself into its cgroup; */
	int			 cgroup_count;	/* then none of these is left in the jail */
	int			 landlock_abi_max;	/* test knob; 0: the highest there is; -1: none */
	unsigned		 without;	/* tests: enum jail_layer; 0: the whole jail */
	void			*private_memory;	/* page-aligned; unmapped in the in-jail init */
	size_t			 private_bytes;
};

struct jail_failure {
	enum jail_step	 step;
	int		 os_error;	/* errno */
	char		 text[440];	/* one line for the operator, naming the setting that helps */
};

struct jail_child {
	pid_t		 pid;		/* the in-jail init; it exits with the tool's code, or 128 + the
					 * tool's signal, and the whole jail dies with it */
	int		 pidfd;
	int		 in, out, err;	/* our ends of the tool's stdin, stdout, stderr; blocking */
	int		 lifeline;	/* closing all copies kills the jail; a byte written to it asks
					 * the tool to stop (SIGTERM) */
	int		 listener;	/* seccomp notifications (sandbox/notify.h), or -1 */
	struct jail_socket *sockets;	/* JAIL_NET_LIST: of the jail's network; malloc'ed */
	size_t		 socket_count;
	int		 landlock_abi;	/* in use; 0 = the kernel has none */
	bool		 reduced;
	bool		 no_proc;	/* the kernel refused /proc; the jail runs without */
	struct jail_failure failure;	/* when jail_start() did not answer 0 */
};

/* Builds the jail and starts the program.  All descriptors are the caller's and close-on-exec.
 * 0, or E_JAIL with out->failure set and nothing left behind; the caller reaps the pid. */
must_check int	jail_start(const struct jail_spec *spec, struct jail_child *out);
void		jail_child_close(struct jail_child *c);		/* descriptors and sockets, not the process */
void		jail_sockets_close(struct jail_socket **sockets, size_t *count);	/* and frees the list */
/* Kills the jail, waits for it, closes the descriptors.  Answers the wait(2) status. */
int		jail_child_kill(struct jail_child *c);
/* Ends a jail by its init's pidfd, all of it; does not wait.  One that is `reduced` and not gone after
 * JAIL_END_MS is ended as if it were not, and what it leaves is the subreaper's (sandbox/strays.h). */
#define JAIL_END_MS	2000
void		jail_end(int pidfd, bool reduced);

/* "view", "exec"...; static. */
const char	*jail_step_name(enum jail_step s);

/* The rows of operations.md 8.  See probe_may_run(). */
enum probe_result {
	PROBE_UNKNOWN,		/* not tried yet */
	PROBE_FULL,
	PROBE_FULL_NO_PROC,	/* the kernel refuses a new /proc: masked by an outer container */
	PROBE_CHROOT,
	PROBE_SECCOMP,		/* an outer filter forbids namespaces */
	PROBE_NO_NAMESPACES,	/* user.max_user_namespaces */
	PROBE_SWITCHED_OFF,	/* kernel.unprivileged_userns_clone = 0 */
	PROBE_APPARMOR,
	PROBE_OTHER,
	PROBE_REDUCED,		/* no namespaces; without them, as jail_fallback allows */
	PROBE_LIMIT
};

struct jail_probe_result {
	enum probe_result result;
	enum jail_step	  step;		/* that failed */
	int		  os_error;
	int		  landlock_abi;
	char		  line[480];	/* what status, log, doctor and clients are told */
};

/* What all jails of one machine have in common. */
enum jail_fallback {
	JAIL_FALLBACK_NO,
	JAIL_FALLBACK_MAY,	/* not switched on, but could be: told to the operator */
	JAIL_FALLBACK_YES,
};
struct jail_mode {
	int			landlock_abi_max;	/* as in struct jail_spec */
	enum jail_fallback	fallback;
};

/* Builds one whole jail around a trivial program, and explains what went wrong. */
void		jail_probe(struct jail_probe_result *out);
void		jail_probe_as(const struct jail_mode *mode, struct jail_probe_result *out);
static inline bool
probe_may_run(enum probe_result r)
{
	return r == PROBE_FULL || r == PROBE_FULL_NO_PROC || r == PROBE_REDUCED;
}

#endif
