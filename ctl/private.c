/* SPDX-License-Identifier: Apache-2.0
 *
 * private.c - a gateway for the length of one command
 *
 * Process: mcpgwctl; and the keeper, a fork of it in a session of its own, which starts the gateway, ends it when
 *          the other end of their socket is closed, and removes its folders.
 * Owns:    the folders.
 * Trusts:  nothing below the state folder: tools write there.
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
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "ctl/files/replace.h"
#include "ctl/folders.h"
#include "ctl/out.h"
#include "ctl/private.h"
#include "ctl/program.h"
#include "ipc/codec.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/where.h"
#include "sandbox/tree.h"

#define START_MS	60000
#define TERM_MS		10000		/* from SIGTERM to SIGKILL */
#define REMOVE_MS	60000
#define LOG_SHOWN	(64 * 1024)
#define OWN_SETTINGS	15

struct private {
	struct ctl	ctl;
	char		base[PATH_MAX], run[PATH_MAX], etc[PATH_MAX + 8];
	const char	*also;
	char		settings[OWN_SETTINGS][PATH_MAX + 32];
	size_t		own_settings;
	int		keeper;		/* our end of the socket; closing it ends all */
	pid_t		pid;		/* the keeper; 0: none */
};

/* ---- folders and files --------------------------------------------------------------------------- */

/* A new folder beside that one, with its mode. */
static int
make_beside(const char *folder, mode_t mode, char to[PATH_MAX])
{
	const char	*slash = strrchr(folder, '/');

	if (snprintf(to, PATH_MAX, "%.*s/mcpgw-private-XXXXXX", (int)(slash - folder), folder) >= PATH_MAX) {
		out_error("%s: too long", folder);
		return EX_CONFIG;
	}
	where_make_above(to, geteuid() == 0 ? 0755 : 0700);
	if (mkdtemp(to) == NULL || chmod(to, mode) == -1) {
		out_error("%s: %s", to, strerror(errno));
		to[0] = '\0';
		return EX_CANTCREAT;
	}
	return 0;
}

static int
make_folder(const struct private *p, const char *name, mode_t mode, bool for_reader, char to[PATH_MAX])
{
	if (snprintf(to, PATH_MAX, "%s/%s", p->base, name) >= PATH_MAX)
		return EX_CONFIG;
	if (mkdir(to, mode) == -1 || chmod(to, mode) == -1 ||
	    (for_reader && geteuid() == 0 && chown(to, 0, folders_reader_group()) == -1)) {
		out_error("%s: %s", to, strerror(errno));
		return EX_CANTCREAT;
	}
	return 0;
}

static int
put_file(const char *folder, const char *name, mode_t mode, struct span text)
{
	char	path[PATH_MAX];
	int	fd = -1, r = 0;

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= PATH_MAX)
		return EX_CONFIG;
	if ((fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)) == -1 || fchmod(fd, mode) == -1 ||
	    fd_write_all(fd, text) != 0) {
		out_error("%s: %s", path, strerror(errno));
		r = EX_CANTCREAT;
	}
	fd_close(&fd);
	return r;
}

/* What the operator set for the real one. */
static int
put_conf(struct ctl *ctl, const char *folder)
{
	char	 path[PATH_MAX], *text;
	size_t	 bytes;
	int	 r;

	if (snprintf(path, sizeof(path), "%s/mcpgw.conf", folders_config(ctl)) >= PATH_MAX)
		return EX_CONFIG;
	if (replace_read(path, &text, &bytes) != 0)
		return EX_NOINPUT;
	r = put_file(folder, "mcpgw.conf", 0644, span_make(text, bytes));
	free(text);
	return r;
}

static int
put_rules(const char *folder, const char *given)
{
	char	text[256];

	snprintf(text, sizeof(text), "{\"agents\": {\"me\": {\"allow\": {\"servers\": [\"*\"], \"tools\": "
	    "{\"*\": [\"*\"]}}}}, \"peers\": {\"user:%u\": \"me\"}}\n", (unsigned)geteuid());
	return put_file(folder, "rules.json", 0644, span_of(given != NULL ? given : text));
}

static int
put_config(struct ctl *ctl, const struct private *p, const struct private_setup *s)
{
	char	etc[PATH_MAX], below[PATH_MAX];
	int	r;

	if ((r = make_folder(p, "etc", 0750, true, etc)) != 0 || (r = put_conf(ctl, etc)) != 0 ||
	    (r = put_file(etc, "servers.json", 0644, span_of(s->servers == NULL ? "{}" : s->servers))) != 0 ||
	    (r = put_rules(etc, s->rules)) != 0 || (r = make_folder(p, "etc/tools.d", 0755, false, below)) != 0)
		return r;
	if (s->tool != NULL && (r = put_file(below, s->tool_file, 0644, span_of(s->tool))) != 0)
		return r;
	r = make_folder(p, "etc/secrets", 0700, false, below);
	for (size_t i = 0; i < s->secret_count && r == 0; i++)
		r = put_file(below, s->secrets[i].name, 0600, s->secrets[i].value);
	return r;
}

/* ---- settings ------------------------------------------------------------------------------------- */

static int
setting_add(struct private *p, const char *setting)
{
	if (p->ctl.setting_count == CTL_SETTINGS_MAX) {
		out_error("too many -o");
		return EX_USAGE;
	}
	p->ctl.settings[p->ctl.setting_count++] = setting;
	return 0;
}

static int __attribute__((format(printf, 2, 3)))
setting_put(struct private *p, const char *fmt, ...)
{
	char	*to = p->settings[p->own_settings++];
	va_list	 ap;

	va_start(ap, fmt);
	vsnprintf(to, sizeof(p->settings[0]), fmt, ap);
	va_end(ap);
	return setting_add(p, to);
}

static int
put_settings(struct private *p, const char *const *more)
{
	static const char *const elsewhere[] = { "tls_certificates", "tls_client_ca", "tls_client_crl" };
	int	r;

	if ((r = setting_put(p, "listen=")) != 0 || (r = setting_put(p, "admin_listen=")) != 0 ||
	    (r = setting_put(p, "workers=1")) != 0 || (r = setting_put(p, "watch=no")) != 0 ||
	    (r = setting_put(p, "socket=$run_dir/mcp.sock")) != 0 ||
	    (r = setting_put(p, "state_dir=%s/state", p->base)) != 0 ||
	    (r = setting_put(p, "run_dir=%s", p->run)) != 0 ||
	    (r = setting_put(p, "servers_file=$config_dir/servers.json")) != 0 ||
	    (r = setting_put(p, "rules_file=$config_dir/rules.json")) != 0 ||
	    (r = setting_put(p, "policy_file=$config_dir/policy.yaml")) != 0 ||
	    (r = setting_put(p, "tools_file=$config_dir/tools.yaml")) != 0 ||
	    (r = setting_put(p, "tools_dir=$config_dir/tools.d")) != 0)
		return r;
	/* Files of the real one's that nobody needs here, and that are not beside its copied mcpgw.conf. */
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
		if ((r = setting_put(p, "%s=", elsewhere[i])) != 0)
			return r;
	for (; more != NULL && *more != NULL && r == 0; more++)
		r = setting_add(p, *more);
	return r;
}

/* ---- the keeper ----------------------------------------------------------------------------------- */

static void
nap_ms(long ms)
{
	nanosleep(&(const struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

static bool
wait_ms(pid_t pid, uint64_t ms)
{
	const uint64_t	until = clock_mono_ms() + ms;

	do {
		if (waitpid(pid, NULL, WNOHANG) != 0)
			return true;
		nap_ms(5);
	} while (clock_mono_ms() < until);
	return false;
}

static void
remove_folder(const char *path)
{
	const struct tree_bounds	bounds = { .time_ms = REMOVE_MS };
	char				above[PATH_MAX];
	const char			*slash = strrchr(path, '/');
	int				at;

	if (slash == NULL)
		return;
	snprintf(above, sizeof(above), "%.*s/", (int)(slash - path), path);
	at = open(above, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (at == -1 || tree_remove(at, slash + 1, &bounds) != 0)
		out_error("%s: not removed: %s", path, strerror(errno));
	fd_close(&at);
}

static void
remove_folders(const struct private *p)
{
	remove_folder(p->run);
	remove_folder(p->base);
	if (p->also != NULL)
		remove_folder(p->also);
}

static pid_t
gateway_begin(struct private *p)
{
	char			 log[PATH_MAX + 8], *argv[PROGRAM_ARGS_MAX];
	struct program_plan	 plan = { .control = -1, .out_err = true, .follows = true };
	size_t			 n = 0;
	pid_t			 pid = 0;

	snprintf(log, sizeof(log), "%s/log", p->base);
	argv[n++] = (char *)(uintptr_t)"mcpgw";
	argv[n++] = (char *)(uintptr_t)"-f";
	n = program_settings(&p->ctl, p->etc, argv, n);
	argv[n] = NULL;
	if ((plan.out = open(log, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) == -1) {
		out_error("%s: %s", log, strerror(errno));
		return 0;
	}
	if (program_start("mcpgw", argv, &plan, &pid) != 0)
		pid = 0;
	fd_close(&plan.out);
	return pid;
}

/* No end of the terminal's, no service manager's word: the gateway is ours, and we are our command's. */
static _Noreturn void
keeper_run(struct private *p, int command)
{
	static const int	ignored[] = { SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGTSTP };
	struct pollfd		poll_fd = { .fd = command, .events = POLLIN };
	pid_t			pid;
	bool			runs;

	(void)setsid();
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	runs = (pid = gateway_begin(p)) != 0;
	if (!runs)
		(void)shutdown(command, SHUT_WR);
	while (poll(&poll_fd, 1, runs ? 50 : -1) == 0 || (poll_fd.revents == 0))
		if (runs && waitpid(pid, NULL, WNOHANG) != 0) {
			runs = false;
			(void)shutdown(command, SHUT_WR);
		}
	if (runs) {
		(void)kill(pid, SIGTERM);
		if (!wait_ms(pid, TERM_MS)) {
			(void)kill(pid, SIGKILL);
			(void)waitpid(pid, NULL, 0);
		}
	}
	remove_folders(p);
	_exit(0);
}

static int
keeper_start(struct private *p)
{
	int	pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1) {
		out_error("socketpair: %s", strerror(errno));
		return EX_OSERR;
	}
	fflush(stdout);
	if ((p->pid = fork()) == 0) {
		close(pair[0]);
		keeper_run(p, pair[1]);
	}
	fd_close(&pair[1]);
	if (p->pid == -1) {
		out_error("fork: %s", strerror(errno));
		fd_close(&pair[0]);
		p->pid = 0;
		return EX_OSERR;
	}
	p->keeper = pair[0];
	return 0;
}

/* ---- start and stop ------------------------------------------------------------------------------- */

/* Its errors, without the time and name in front of each line. */
static void
say_log(const struct private *p)
{
	char		 path[PATH_MAX + 8], *text = NULL;
	size_t		 bytes = 0;
	struct span	 left, line;
	const char	*lf, *error;
	int		 fd;

	snprintf(path, sizeof(path), "%s/log", p->base);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd != -1 && fd_read_all(fd, LOG_SHOWN, &text, &bytes) != 0)
		text = NULL;
	fd_close(&fd);
	for (left = span_make(text, bytes); left.n > 0; left = span_part(left, line.n + 1, left.n)) {
		lf = memchr(left.p, '\n', left.n);
		line = span_part(left, 0, lf == NULL ? left.n : (size_t)(lf - left.p));
		if ((error = memmem(line.p, line.n, "] error: ", 9)) != NULL)
			out_note(LOG_LEVEL_ERR, span_part(line, (size_t)(error - line.p) + 9, line.n));
	}
	free(text);
}

static int
wait_ready(const struct private *p)
{
	const uint64_t	until = clock_mono_ms() + START_MS;
	struct pollfd	poll_fd = { .fd = p->keeper, .events = POLLIN };
	char		path[PATH_MAX + 8];

	snprintf(path, sizeof(path), "%s/ready", p->run);
	while (access(path, F_OK) != 0) {
		if (poll(&poll_fd, 1, 10) > 0) {
			say_log(p);
			out_error("a gateway for this command did not start, as said above");
			return EX_UNAVAILABLE;
		}
		if (clock_mono_ms() > until) {
			out_error("a gateway for this command did not start within %d s", START_MS / 1000);
			return EX_TEMPFAIL;
		}
	}
	return 0;
}

int
private_start(struct ctl *ctl, const struct private_setup *setup, struct private **out)
{
	struct private	*p = calloc(1, sizeof(*p));
	int		 r;

	*out = NULL;
	if (p == NULL)
		fatal(EX_OSERR, "no memory");
	p->keeper = -1;
	p->also = setup->also;
	p->ctl = *ctl;
	p->ctl.folders = NULL;
	p->ctl.tenant = NULL;
	p->ctl.json = false;
	if ((r = make_beside(folders_state(ctl), geteuid() == 0 ? 0711 : 0700, p->base)) == 0 &&
	    (r = make_beside(folders_run(ctl), geteuid() == 0 ? 0755 : 0700, p->run)) == 0 &&
	    (r = put_config(ctl, p, setup)) == 0 && (r = put_settings(p, setup->options)) == 0) {
		snprintf(p->etc, sizeof(p->etc), "%s/etc", p->base);
		p->ctl.config_given = p->etc;
		r = keeper_start(p);
	}
	if (r == 0)
		r = wait_ready(p);
	if (r != 0) {
		private_stop(&p);
		return r;
	}
	*out = p;
	return 0;
}

struct ctl *
private_ctl(struct private *p)
{
	return &p->ctl;
}

const char *
private_folder(const struct private *p)
{
	return p->base;
}

void
private_stop(struct private **pp)
{
	struct private	*p = *pp;

	*pp = NULL;
	if (p == NULL)
		return;
	fd_close(&p->keeper);
	if (p->pid != 0)
		(void)program_wait(p->pid);
	else
		remove_folders(p);
	folders_forget(&p->ctl);
	free(p);
}
