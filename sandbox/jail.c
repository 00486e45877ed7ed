/* SPDX-License-Identifier: Apache-2.0
 *
 * jail.c - start one program in a jail: the spawner's side
 *
 * Process: the spawner.
 * Owns:    the pipes, until the caller has them.
 * Trusts:  the spec, which comes from the tenant's profile snapshot; what the child says about its
 *          way, since nothing of the tool has run before the child's last word.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/fd.h"
#include "sandbox/hand.h"
#include "sandbox/init.h"
#include "sandbox/inside.h"
#include "sandbox/jail.h"
#include "sandbox/ns.h"
#include "sandbox/probe.h"
#include "sandbox/reduced.h"
#include "sandbox/rlimit.h"

#define START_MS	10000

_Static_assert(JAIL_SOCKETS_MAX <= HAND_FDS_MAX, "all of a jail's sockets leave it in one message");

static const struct {
	const char	*name, *doing, *setting;
} steps[JAIL_STEP_LIMIT] = {
#define JAIL_STEP(name, word, doing, setting) [JAIL_STEP_##name] = { word, doing, setting },
#include "tables/jailsteps.def"
#undef JAIL_STEP
};

const char *
jail_step_name(enum jail_step s)
{
	return s > JAIL_STEP_NONE && s < JAIL_STEP_LIMIT ? steps[s].name : "none";
}

/* ---- what went wrong, for the operator --------------------------------------------------------- */

/* Advice that depends on the error; "" when the step's row says enough. */
static const char *
advice(enum jail_step step, int os_error)
{
	switch (step) {
	case JAIL_STEP_EXEC:
		if (os_error == ENOENT)
			return "it, or the interpreter it names, is not in the jail's view: add its "
			    "folder to \"read\"";
		if (os_error == EACCES)
			return "not executable, or in a folder that may not hold programs: \"read\" it "
			    "at its own path, or set \"exec_tmp\": true";
		if (os_error == ENOEXEC)
			return "neither a program of this machine nor a script that names its "
			    "interpreter";
		return "";
	case JAIL_STEP_WORKDIR:
		return "not in the jail's view, or no folder: set \"workdir\", or add it to \"read\" or "
		    "\"write\"";
	case JAIL_STEP_BIND:
		if (os_error == ENOENT)
			return "no such path on this machine: correct \"read\" or \"write\"";
		if (os_error == EACCES || os_error == EPERM)
			return "the user tools run as may not reach it: open the folders above it, or "
			    "let the tenant run as its owner";
		if (os_error == ELOOP)
			return "its name in the jail leads over a link: write the real path in \"read\" "
			    "or \"write\"";
		return "";
	default:
		return "";
	}
}

static void
explain(struct jail_failure *f, enum jail_step step, int os_error, const char *detail)
{
	const char	*machine, *hint;

	f->step = step;
	f->os_error = os_error;
	probe_explain(step, os_error, &machine);
	if (*machine != '\0') {
		snprintf(f->text, sizeof(f->text), "%s", machine);
		return;
	}
	hint = advice(step, os_error);
	snprintf(f->text, sizeof(f->text), "cannot %s%s%s: %s%s%s%s%s", steps[step].doing,
	    *detail != '\0' ? ": " : "", detail, strerror(os_error), *hint != '\0' ? "; " : "", hint,
	    *hint == '\0' && *steps[step].setting != '\0' ? "; setting: " : "",
	    *hint == '\0' ? steps[step].setting : "");
}

static int
refuse(struct jail_child *out, enum jail_step step, const char *why)
{
	out->failure.step = step;
	out->failure.os_error = EINVAL;
	snprintf(out->failure.text, sizeof(out->failure.text), "cannot %s: %s", steps[step].doing, why);
	return E_JAIL;
}

/* ---- descriptors ------------------------------------------------------------------------------- */

struct ends {
	int	in[2], out[2], err[2], status[2], lifeline[2], hand[2];
};

static void
pair_close(int pair[2])
{
	fd_close(&pair[0]);
	fd_close(&pair[1]);
}

static void
ends_close(struct ends *e)
{
	pair_close(e->in);
	pair_close(e->out);
	pair_close(e->err);
	pair_close(e->status);
	pair_close(e->lifeline);
	pair_close(e->hand);
}

static int
ends_open(struct ends *e, bool hand)
{
	*e = (struct ends){ { -1, -1 }, { -1, -1 }, { -1, -1 }, { -1, -1 }, { -1, -1 }, { -1, -1 } };
	if (pipe2(e->in, O_CLOEXEC) == -1 || pipe2(e->out, O_CLOEXEC) == -1 ||
	    pipe2(e->err, O_CLOEXEC) == -1 || pipe2(e->status, O_CLOEXEC) == -1 ||
	    pipe2(e->lifeline, O_CLOEXEC) == -1 ||
	    (hand && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, e->hand) == -1)) {
		ends_close(e);
		return E_SYS;
	}
	return 0;
}

static bool
has_listener(const struct jail_spec *spec)
{
	return inside_has_filter(spec) && spec->listener;
}

void
jail_sockets_close(struct jail_socket **sockets, size_t *count)
{
	for (size_t i = 0; i < *count; i++)
		fd_close(&(*sockets)[i].fd);
	free(*sockets);
	*sockets = NULL;
	*count = 0;
}

void
jail_child_close(struct jail_child *c)
{
	jail_sockets_close(&c->sockets, &c->socket_count);
	fd_close(&c->pidfd);
	fd_close(&c->in);
	fd_close(&c->out);
	fd_close(&c->err);
	fd_close(&c->lifeline);
	fd_close(&c->listener);
}

/* Where no namespace ends with the init, it must live to end the others. */
void
jail_end(int pidfd, bool reduced)
{
	if (pidfd == -1)
		return;
	syscall(SYS_pidfd_send_signal, pidfd, reduced ? INIT_END_SIGNAL : SIGKILL, NULL, 0);
	if (reduced)
		syscall(SYS_pidfd_send_signal, pidfd, SIGCONT, NULL, 0);
}

int
jail_child_kill(struct jail_child *c)
{
	struct pollfd	p = { .fd = c->pidfd, .events = POLLIN };
	int		status = 0;

	jail_end(c->pidfd, c->reduced);
	/* Who may signal it may also have stopped it. */
	if (c->reduced && c->pidfd != -1 && poll(&p, 1, JAIL_END_MS) == 0)
		jail_end(c->pidfd, false);
	while (c->pid > 0 && waitpid(c->pid, &status, 0) == -1 && errno == EINTR)
		;
	jail_child_close(c);
	c->pid = -1;
	return status;
}

/* ---- the child's reports ----------------------------------------------------------------------- */

/* One note: 1, 0 at the end of file, or -1 with errno; ETIMEDOUT after `until`. */
static int
note_read(int fd, int64_t until, struct inside_note *note)
{
	struct pollfd	p = { .fd = fd, .events = POLLIN };
	ssize_t		n;

	for (;;) {
		int64_t left = until - (int64_t)clock_mono_ms();
		int ready = poll(&p, 1, left > 0 ? (int)left : 0);

		if (ready == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		if (ready == -1 && errno != EINTR)
			return -1;
		if (ready == 1)
			break;
	}
	if ((n = read(fd, note, sizeof(*note))) == 0)
		return 0;
	if (n != sizeof(*note)) {
		errno = n == -1 ? errno : EPROTO;
		return -1;
	}
	note->detail[sizeof(note->detail) - 1] = '\0';
	return 1;
}

/* Follows the child until its program runs.  0, or E_JAIL with the failure explained. */
static int
follow(int status, unsigned start_ms, struct jail_child *out)
{
	int64_t			until = (int64_t)clock_mono_ms() + (start_ms != 0 ? start_ms : START_MS);
	struct inside_note	note;
	enum jail_step		last = JAIL_STEP_MAP;
	bool			executing = false;
	int			n;

	while ((n = note_read(status, until, &note)) == 1)
		switch ((enum inside_what)note.what) {
		case INSIDE_FAILED:
			explain(&out->failure, note.step < JAIL_STEP_LIMIT ? note.step : last,
			    note.os_error, note.detail);
			return E_JAIL;
		case INSIDE_NO_PROC:
			out->no_proc = true;
			last = JAIL_STEP_INIT;
			break;
		case INSIDE_LANDLOCK:
			out->landlock_abi = note.value;
			last = JAIL_STEP_SECCOMP;
			break;
		case INSIDE_EXEC:
			executing = true;
			break;
		}
	if (n == -1) {
		explain(&out->failure, errno == ETIMEDOUT ? JAIL_STEP_TIMEOUT : last, errno, "");
		return E_JAIL;
	}
	if (!executing) {
		refuse(out, last, "the process died on the way, killed from outside or out of memory");
		return E_JAIL;
	}
	return 0;
}

/* What the jail handed out on its way: first the sockets of its network, then the listener of its filter. */
static int
sockets_take(int from, struct jail_child *out)
{
	struct inside_sockets	list;
	int			fds[JAIL_SOCKETS_MAX];
	size_t			n;

	if (hand_take(from, &list, sizeof(list), fds, JAIL_SOCKETS_MAX, &n) != 0)
		return E_SYS;
	if ((out->sockets = calloc(n, sizeof(*out->sockets))) == NULL) {
		for (size_t i = 0; i < n; i++)
			fd_close(&fds[i]);
		return E_SYS;
	}
	for (size_t i = 0; i < n; i++)
		out->sockets[i] = (struct jail_socket){ fds[i], list.of[i].kind, list.of[i].port };
	out->socket_count = n;
	return 0;
}

static int
handed_take(const struct jail_spec *spec, int from, struct jail_child *out)
{
	char	byte;
	size_t	n;

	if (spec->net == JAIL_NET_LIST && sockets_take(from, out) != 0) {
		explain(&out->failure, JAIL_STEP_NETWORK, errno, "sockets");
		return E_JAIL;
	}
	if (has_listener(spec) && hand_take(from, &byte, 1, &out->listener, 1, &n) != 0) {
		explain(&out->failure, JAIL_STEP_SECCOMP, errno, "listener");
		return E_JAIL;
	}
	return 0;
}

/* ---- start ------------------------------------------------------------------------------------- */

static int
spec_check(const struct jail_spec *spec, struct jail_child *out)
{
	const char	*fault;

	if (spec->port_count > JAIL_PORTS_MAX)
		return refuse(out, JAIL_STEP_NETWORK, "too many different ports in \"net\"");
	if (spec->reduced && (fault = reduced_fault(spec)) != NULL)
		return refuse(out, spec->net == JAIL_NET_NONE || spec->net == JAIL_NET_HOST ? JAIL_STEP_BIND :
		    JAIL_STEP_NETWORK, fault);
	if (spec->program == NULL || spec->program[0] != '/' || spec->argv[0] == NULL)
		return refuse(out, JAIL_STEP_EXEC, "no absolute path of a program");
	if ((fault = rlimit_fault(spec->rlimits, spec->rlimit_count)) != NULL)
		return refuse(out, JAIL_STEP_RLIMIT, fault);
	return 0;
}

static _Noreturn void
child(const struct jail_spec *spec, const struct ends *e, uid_t uid, gid_t gid)
{
	const struct inside_wiring	w = { .in = e->in[0], .out = e->out[1], .err = e->err[1],
					    .status = e->status[1], .lifeline = e->lifeline[0],
					    .hand = e->hand[1] };

	if (spec->reduced)
		reduced_run(spec, &w);
	inside_run(spec, &w, uid, gid);
}

/* The state folder travels as the working folder, which the kernel carries over into the new mount
 * namespace: no path is walked twice. */
static pid_t
clone_at(const struct jail_spec *spec, const struct ends *e, int *pidfd)
{
	uid_t	uid = geteuid();
	gid_t	gid = getegid();
	pid_t	pid;
	int	home = -1, saved;

	if (spec->reduced) {
		if ((pid = reduced_clone(pidfd)) == 0)
			child(spec, e, uid, gid);
		return pid;
	}
	if (spec->state_fd != -1) {
		if ((home = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC)) == -1 ||
		    fchdir(spec->state_fd) == -1) {
			fd_close(&home);
			return -1;
		}
	}
	if ((pid = ns_clone(spec->net, spec->without, pidfd)) == 0)
		child(spec, e, uid, gid);
	saved = errno;
	if (home != -1 && fchdir(home) == -1)
		(void)!chdir("/");
	fd_close(&home);
	errno = saved;
	return pid;
}

int
jail_start(const struct jail_spec *spec, struct jail_child *out)
{
	struct ends	e;
	int		r;

	*out = (struct jail_child){ .pid = -1, .pidfd = -1, .in = -1, .out = -1, .err = -1,
	    .lifeline = -1, .listener = -1 };
	if ((r = spec_check(spec, out)) != 0)
		return r;
	if (ends_open(&e, has_listener(spec) || spec->net == JAIL_NET_LIST) != 0) {
		explain(&out->failure, JAIL_STEP_PIPES, errno, "");
		return E_JAIL;
	}
	out->reduced = spec->reduced;
	if ((out->pid = clone_at(spec, &e, &out->pidfd)) == -1) {
		explain(&out->failure, JAIL_STEP_CLONE, errno, "");
		ends_close(&e);
		return E_JAIL;
	}
	fd_close(&e.in[0]);
	fd_close(&e.out[1]);
	fd_close(&e.err[1]);
	fd_close(&e.status[1]);
	fd_close(&e.lifeline[0]);
	fd_close(&e.hand[1]);
	if ((r = follow(e.status[0], spec->start_ms, out)) == 0)
		r = handed_take(spec, e.hand[0], out);
	if (r != 0) {
		jail_child_kill(out);
	} else {
		out->in = e.in[1];
		out->out = e.out[0];
		out->err = e.err[0];
		out->lifeline = e.lifeline[1];
		e.in[1] = e.out[0] = e.err[0] = e.lifeline[1] = -1;
	}
	ends_close(&e);
	return r;
}
