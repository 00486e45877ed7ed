/* SPDX-License-Identifier: Apache-2.0
 *
 * private.c - a gateway for this client alone, made of the seed's files, gone when we are
 *
 * Process: mcpgw-stdio, and for the few lines between fork and exec the child.
 * Owns:    the gateway and its folder.  Should we be killed, the gateway sees its standard input end, and
 *          removes the folder itself.
 * Trusts:  the files no further than their names; the gateway reads them where they are.
 *
 * Each client has one of its own: environment and agent may differ between clients of the same files.  What
 * tools keep lasts, in a folder for each pair of files; where a second client has the same files at the same
 * time, it gets a second folder, for no two gateways can write one audit.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/sum.h"
#include "lib/where.h"
#include "sandbox/tree.h"
#include "stdio/private.h"
#include "stdio/privconf.h"
#include "stdio/privimports.h"
#include "stdio/privsecrets.h"
#include "stdio/relay.h"

#define START_MS	30000
#define END_MS		9000		/* tools get some seconds to leave */
#define LOOK_MS		2
#define SLOTS		64
#define STALE_S		60
#define BASE_MAX	72		/* so that /mcpgw-private-XXXXXX/run/mcp.sock has room in a socket's address */

static const struct tree_bounds	bounds = { .entries = 10000, .time_ms = 2000 };

static void
nap(void)
{
	nanosleep(&(const struct timespec){ 0, LOOK_MS * 1000000 }, NULL);
}

/* --- folders -------------------------------------------------------------------------------------- */

/* Ours alone, and short enough? */
static bool
may_hold(const char *path, bool system)
{
	struct stat	st;

	return path != NULL && path[0] == '/' && strlen(path) <= BASE_MAX && stat(path, &st) == 0 &&
	    S_ISDIR(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & 022) == 0 &&
	    (system || access(path, W_OK) == 0);
}

static void
folder_remove(const char *path)
{
	char	above[PATH_MAX];
	char	*slash;
	int	fd;

	snprintf(above, sizeof(above), "%s", path);
	if ((slash = strrchr(above, '/')) == NULL)
		return;
	*slash = '\0';
	if ((fd = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) != -1 && tree_remove(fd, slash + 1, &bounds) != 0)
		relay_say("%s: not removed: %s", path, strerror(errno));
	fd_close(&fd);
}

/* Does somebody hold this file's lock? */
static bool
is_locked(const char *path)
{
	int	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	bool	locked = fd != -1 && flock(fd, LOCK_EX | LOCK_NB) == -1;

	fd_close(&fd);
	return locked;
}

/* Ours, made a while ago, and without a gateway: one that was killed together with its client. */
static bool
is_stale(const char *path)
{
	char		conf[PATH_MAX + 16], pid[PATH_MAX + 16];
	struct stat	st;

	snprintf(conf, sizeof(conf), "%s/mcpgw.conf", path);
	snprintf(pid, sizeof(pid), "%s/run/pid", path);
	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
	    st.st_mtime + STALE_S < time(NULL) && access(conf, F_OK) == 0 && !is_locked(pid);
}

static void
stale_remove(const char *base)
{
	char		 path[PATH_MAX];
	struct dirent	*e;
	DIR		*d = opendir(base);

	while (d != NULL && (e = readdir(d)) != NULL)
		if (strncmp(e->d_name, WHERE_PRIVATE, strlen(WHERE_PRIVATE)) == 0 &&
		    snprintf(path, sizeof(path), "%s/%s", base, e->d_name) < (int)sizeof(path) && is_stale(path))
			folder_remove(path);
	if (d != NULL)
		closedir(d);
}

/* The compiler of root's gateway is another user, and reads mcpgw.conf. */
static int
folder_make(struct private *p, const struct where *w)
{
	const char	*base = getenv("MCPGW_RUN_DIR");

	if (base == NULL)
		base = w->system ? "/run" : getenv("XDG_RUNTIME_DIR");
	if (!may_hold(base, w->system))
		base = "/tmp";
	stale_remove(base);
	snprintf(p->dir, sizeof(p->dir), "%s/" WHERE_PRIVATE "XXXXXX", base);
	if (mkdtemp(p->dir) == NULL || (w->system && chmod(p->dir, 0755) == -1)) {
		relay_say("%s: %s", p->dir, strerror(errno));
		p->dir[0] = '\0';
		return EX_CANTCREAT;
	}
	return 0;
}

/* Does a gateway that nobody holds any more still end there? */
static bool
is_in_use(const char *state)
{
	char	path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/running", state) >= (int)sizeof(path) || is_locked(path))
		return true;
	(void)unlink(path);	/* of one that was killed: no policy of before is to serve for this one */
	return false;
}

/* 0: p->state is ours as long as we live. */
static int
state_take(struct private *p, const struct where *w, const struct seed *s)
{
	uint64_t	sum = sum64_more(sum64(span_of(s->servers)), span_of(s->rules));
	const char	*base = getenv("MCPGW_STATE_DIR");
	char		lock[PATH_MAX];

	if (base == NULL)
		base = w->state_dir;
	for (int i = 0; i < SLOTS; i++) {
		if (snprintf(p->state, sizeof(p->state), "%s/private/%016llx-%d", base, (unsigned long long)sum,
		    i) >= (int)sizeof(p->state) - 8)
			return E_TOOBIG;
		snprintf(lock, sizeof(lock), "%.4080s.lock", p->state);
		where_make_above(lock, geteuid() == 0 ? 0755 : 0700);	/* root's are passed by others */
		if ((p->slot = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) == -1)
			return E_SYS;
		if (flock(p->slot, LOCK_EX | LOCK_NB) == 0 && !is_in_use(p->state))
			return 0;
		fd_close(&p->slot);
	}
	return E_FULL;
}

/* Where nothing can last, nothing does; root's tools are others, who cannot get to a folder for us alone. */
static int
state_find(struct private *p, const struct where *w, const struct seed *s)
{
	int	r = state_take(p, w, s);

	if (r == 0)
		return 0;
	relay_say("%s/private: %s; what tools keep will not last", w->state_dir,
	    r == E_SYS ? strerror(errno) : err_text(r));
	snprintf(p->state, sizeof(p->state), "%.4000s/state", p->dir);
	return 0;
}

/* Made here, so that what is wrong with it is said at once.  The usual place may be missing; one that was named
 * may not. */
static int
audit_make(struct seed *s)
{
	int	fd;

	if (s->audit[0] == '\0')
		return 0;
	where_make_above(s->audit, geteuid() == 0 ? 0755 : 0700);
	fd = open(s->audit, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd != -1) {
		fd_close(&fd);
		return 0;
	}
	relay_say("%s%s: %s", s->audit_named ? "GATEWAY_AUDIT_LOG: " : "", s->audit, strerror(errno));
	s->audit[0] = '\0';
	return s->audit_named ? EX_CANTCREAT : 0;
}

/* --- the program ---------------------------------------------------------------------------------- */

static _Noreturn void
become(const char *program, char **argv, int in)
{
	sigset_t	none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* stdout is for the client's messages, and a signal from a terminal is for us. */
	if (dup2(in, STDIN_FILENO) == -1 || dup2(STDERR_FILENO, STDOUT_FILENO) == -1 || setsid() == -1)
		_exit(EX_OSERR);
	execv(program, argv);
	relay_say("%s: %s", program, strerror(errno));
	_exit(EX_UNAVAILABLE);
}

static int
program_start(struct private *p)
{
	char	program[PATH_MAX], name[] = "mcpgw", flag[] = "-p", where[] = "-c";
	char	*argv[] = { name, flag, where, p->dir, NULL };
	int	ends[2];

	if (where_program("mcpgw", program, sizeof(program)) != 0) {
		relay_say("%s: not found; the gateway is not completely installed", program);
		return EX_UNAVAILABLE;
	}
	if (pipe2(ends, O_CLOEXEC) == -1 || (p->pid = fork()) == -1) {
		relay_say("%s: %s", program, strerror(errno));
		p->pid = 0;
		return EX_OSERR;
	}
	if (p->pid == 0)
		become(program, argv, ends[0]);
	fd_close(&ends[0]);
	p->hold = ends[1];
	return 0;
}

/* True: it is gone, *code says how. */
static bool
has_ended(struct private *p, int *code)
{
	int	status;

	if (p->pid == 0 || waitpid(p->pid, &status, WNOHANG) != p->pid)
		return p->pid == 0;
	p->pid = 0;
	*code = WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
	return true;
}

static int
wait_ready(struct private *p, int signal_fd)
{
	struct pollfd	told = { .fd = signal_fd, .events = POLLIN };
	const uint64_t	until = clock_mono_ms() + START_MS;
	char		ready[PATH_MAX];
	int		code = 0;

	snprintf(ready, sizeof(ready), "%.4000s/run/ready", p->dir);
	while (access(ready, F_OK) == -1) {
		if (has_ended(p, &code)) {
			relay_say("the private gateway did not start, exit %d; what it says above is why", code);
			return code == 0 ? EX_SOFTWARE : code;
		}
		if (clock_mono_ms() >= until) {
			relay_say("the private gateway does not start within %d s", START_MS / 1000);
			return EX_TEMPFAIL;
		}
		if (poll(&told, 1, LOOK_MS) == 1)
			return PRIVATE_TOLD;
	}
	return 0;
}

/* What the gateway reads besides the seed's two files. */
static int
files_make(struct private *p, const struct where *w, const struct seed *s)
{
	const char	*base = getenv("MCPGW_STATE_DIR");
	char		 own[PATH_MAX];
	bool		 imports = false;
	int		 r;

	if ((r = privimports_write(p->dir, base != NULL ? base : w->state_dir, &imports)) != 0) {
		relay_say("%s/imports.json: %s", p->dir, r == E_SYS ? strerror(errno) : err_text(r));
		return EX_CANTCREAT;
	}
	if ((r = privconf_write(p->dir, p->state, s)) != 0) {
		relay_say("%s/mcpgw.conf: %s", p->dir, r == E_SYS ? strerror(errno) : err_text(r));
		return EX_CANTCREAT;
	}
	snprintf(own, sizeof(own), "%.4000s/servers.json", w->config_dir);
	if ((r = privsecrets_copy(p->dir, s->servers)) != 0 ||
	    (imports && (r = privsecrets_copy(p->dir, own)) != 0)) {
		relay_say("%s/secrets: %s", p->dir, r == E_SYS ? strerror(errno) : "more secrets than a gateway has");
		return EX_CANTCREAT;
	}
	return 0;
}

int
private_start(struct private *p, const struct where *w, struct seed *s, int signal_fd)
{
	int	r;

	*p = (struct private){ .hold = -1, .slot = -1 };
	if ((r = audit_make(s)) != 0 || (r = folder_make(p, w)) != 0 || (r = state_find(p, w, s)) != 0)
		return r;
	snprintf(p->socket, sizeof(p->socket), "%.4000s/run/mcp.sock", p->dir);
	if ((r = files_make(p, w, s)) != 0 || (r = program_start(p)) != 0)
		return r;
	return wait_ready(p, signal_fd);
}

bool
private_lives(struct private *p)
{
	int	code;

	return !has_ended(p, &code);
}

void
private_end(struct private *p)
{
	const uint64_t	until = clock_mono_ms() + END_MS;
	int		code;

	fd_close(&p->hold);
	while (!has_ended(p, &code) && clock_mono_ms() < until)
		nap();
	/* One that was killed has left it; one that still ends removes it. */
	if (p->pid == 0 && p->dir[0] != '\0')
		folder_remove(p->dir);
	fd_close(&p->slot);
}
