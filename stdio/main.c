/* SPDX-License-Identifier: Apache-2.0
 *
 * main.c - mcpgw-stdio: an MCP server on stdin and stdout whose other end is the gateway's socket
 *
 * Process: mcpgw-stdio, as whoever starts it; the gateway learns from the kernel who that is.
 * Owns:    nothing that outlives it; a private gateway (private.c) where the seed's files ask for one.
 * Trusts:  whoever wrote the command line into a client's configuration.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "stdio/options.h"
#include "stdio/place.h"
#include "stdio/private.h"
#include "stdio/relay.h"
#include "stdio/sample.h"

#define TARGET_MAX	4096
#define LIVES_MS	500

/* The configuration folder, absolute. */
static const char *
config_folder(const struct options *o, const struct where *w)
{
	static char	path[PATH_MAX];

	if (o->config_dir == NULL)
		return w->config_dir;
	if (realpath(o->config_dir, path) == NULL)
		fatal(EX_NOINPUT, "mcpgw-stdio: -c %s: %s", o->config_dir, strerror(errno));
	return path;
}

static const char *
find_socket(const struct options *o, const struct where *w)
{
	static char	path[PATH_MAX];

	if (o->socket != NULL)
		return o->socket;
	if (place_socket(w, config_folder(o, w), path) != 0)
		relay_say("%s/mcpgw.conf cannot be used; looking for %s", config_folder(o, w), path);
	return path;
}

/* What to type when nobody listens there. */
static const char *
how_to_start(const struct options *o, const struct where *w)
{
	static char	text[PATH_MAX + 128];

	if (o->config_dir != NULL)
		snprintf(text, sizeof(text), "mcpgwctl -c %s start", config_folder(o, w));
	else
		snprintf(text, sizeof(text), "%s%s", where_how_to_start(w),
		    !w->system && o->socket == NULL && access("/run/mcpgw/mcp.sock", F_OK) == 0 ?
		    "; or, for the gateway of this system, add --system" : "");
	return text;
}

/* TERM, INT and HUP as bytes to read; -1 when that cannot be had, and they end us as they always do. */
static int
signals_open(void)
{
	sigset_t	set;
	int		fd;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if ((fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) != -1)
		sigprocmask(SIG_BLOCK, &set, NULL);
	return fd;
}

/* 0-2 are open, so that no descriptor of ours is taken for the client. */
static void
hold_standard_descriptors(void)
{
	int	fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd != -1 && fd <= STDERR_FILENO);
	fd_close(&fd);
}

/* One descriptor for each request under way. */
static void
descriptors_allow(void)
{
	struct rlimit	rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1 || rl.rlim_cur >= WIRES_MAX * 2)
		return;
	rl.rlim_cur = rl.rlim_max < WIRES_MAX * 2 ? rl.rlim_max : WIRES_MAX * 2;
	(void)setrlimit(RLIMIT_NOFILE, &rl);
}

/* Does anybody listen there, be it only for others? */
static bool
is_running(const char *socket_path)
{
	struct wires	ws;
	int		r;

	wires_init(&ws, socket_path);
	r = wires_try(&ws);
	wires_fini(&ws);
	return r != E_NOTFOUND;
}

/* Is there to be a gateway for us alone?  Files that variables name are meant in any case; files that lie about
 * only while no gateway runs. */
static bool
wants_private(const struct options *o, const char *socket_path, struct seed *s)
{
	const char	*why = "";
	int		 r;

	if (o->placed || o->socket != NULL || o->config_dir != NULL)
		return false;
	if ((r = seed_read(s, &why)) == E_FORMAT)
		fatal(EX_CONFIG, "mcpgw-stdio: %s", why);
	if (!s->named && !s->http && (is_running(socket_path) || (r != 0 && !s->asked)))
		return false;
	if (r != 0)
		fatal(EX_NOINPUT, "mcpgw-stdio: %s", why);
	s->debug |= o->debug;
	return true;
}

/* GATEWAY_TRANSPORT = http: the gateway serves by itself, until we are told to end or it does. */
static int
serve_http(struct private *p, const struct seed *s, int signal_fd)
{
	struct pollfd	told = { .fd = signal_fd, .events = POLLIN };

	relay_say("serving http://%s/mcp; whoever can log in to this machine may call it as any agent", s->listen);
	while (private_lives(p))
		if (poll(&told, 1, LIVES_MS) == 1)
			return EX_OK;
	relay_say("the private gateway ended");
	return EX_UNAVAILABLE;
}

int
main(int argc, char **argv)
{
	static struct relay	relay;
	static struct private	private;
	static struct seed	seed;
	struct options		o = { .system = geteuid() == 0 };
	struct where		w;
	struct buf		target;
	const char		*why, *socket_path;
	int			code, signal_fd;

	hold_standard_descriptors();
	log_init("mcpgw-stdio", STDERR_FILENO, LOG_FORM_PLAIN);
	if (options_take(&o, argc, argv, &why) != 0)
		fatal(EX_USAGE, "mcpgw-stdio: %s", why);
	if (o.help || o.version) {
		puts(o.help ? OPTIONS_USAGE : "mcpgw-stdio " MCPGW_VERSION);
		return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
	}
	if (o.init)
		return sample_write();
	if (where_init(&w, o.system) != 0)
		fatal(EX_CONFIG, "mcpgw-stdio: no home folder: set HOME or XDG_CONFIG_HOME");
	buf_init(&target, TARGET_MAX);
	if (options_target(&o, &target) != 0 || buf_put_u8(&target, '\0') != 0)
		fatal(EX_USAGE, "mcpgw-stdio: --server: too long for a server's name");
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	descriptors_allow();
	socket_path = find_socket(&o, &w);
	signal_fd = signals_open();
	if (wants_private(&o, socket_path, &seed)) {
		seed_say_unknown();
		if ((code = private_start(&private, &w, &seed, signal_fd)) != 0) {
			private_end(&private);
			return code == PRIVATE_TOLD ? EX_OK : code;
		}
		socket_path = private.socket;
	}
	if (seed.http) {
		code = serve_http(&private, &seed, signal_fd);
		private_end(&private);
		return code;
	}
	if (relay_init(&relay, STDIN_FILENO, STDOUT_FILENO, socket_path, target.data, how_to_start(&o, &w)) != 0)
		fatal(EX_OSERR, "mcpgw-stdio: out of memory");
	code = relay_run(&relay, signal_fd);
	relay_fini(&relay);
	if (private.dir[0] != '\0')
		private_end(&private);
	buf_fini(&target);
	return code;
}
