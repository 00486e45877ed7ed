/* SPDX-License-Identifier: Apache-2.0
 *
 * main.c - mcpgw, the master: supervises, opens sockets, hands descriptors over
 *
 * Process: master (root, or any user).  No client, tool or tenant byte reaches this program.
 * Owns:    the child table, every listening socket, the shared regions, the snapshots in force.
 * Trusts:  the operator's command line; of its children only what chan.c let through.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/cpu.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "master/daemon.h"
#include "master/logfd.h"
#include "master/master.h"
#include "master/sdnotify.h"
#include "master/signals.h"
#include "sandbox/caps.h"

/* 0-2 are open, so that no descriptor of ours ever becomes one of them. */
static void
hold_standard_descriptors(void)
{
	int	fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd != -1 && fd <= STDERR_FILENO);
	fd_close(&fd);
}

/* Whatever who started us left open is not ours to hold. */
static void
drop_foreign_descriptors(void)
{
	(void)syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0);
}

static void
find_programs(struct master *m)
{
	char	path[PATH_MAX];

	if (where_program(role_program(ROLE_COMPILE), path, sizeof(path)) != 0)
		fatal(EX_UNAVAILABLE, "%s: not found; the gateway is not completely installed", path);
	*strrchr(path, '/') = '\0';
	memcpy(m->libexec, path, sizeof(m->libexec));
}

static void
find_config(struct master *m)
{
	char	path[PATH_MAX];

	if (where_init(&m->where, !m->personal) != 0)
		fatal(EX_CONFIG, "no home folder: set HOME or XDG_CONFIG_HOME");
	if (m->options->config_dir == NULL) {
		if (where_make_config(&m->where) != 0)
			fatal(EX_CANTCREAT, "%s: %s", m->where.config_dir, strerror(errno));
		return;
	}
	if (realpath(m->options->config_dir, path) == NULL)
		fatal(EX_NOINPUT, "-c %s: %s", m->options->config_dir, strerror(errno));
	memcpy(m->where.config_dir, path, sizeof(path));
}

/* -t: the compiler says everything there is to say. */
static _Noreturn void
run_check(const struct master *m)
{
	char	 path[PATH_MAX + 64], flag[] = "-t", personal[] = "-p";
	char	*argv[SPAWN_ARGS_MAX + 4];
	size_t	 n = 0;

	snprintf(path, sizeof(path), "%s/%s", m->libexec, role_program(ROLE_COMPILE));
	argv[n++] = (char *)(uintptr_t)role_program(ROLE_COMPILE);
	argv[n++] = flag;
	if (m->personal)
		argv[n++] = personal;
	options_for_compiler(m->options, m->where.config_dir, argv + n);
	execv(path, argv);
	fatal(EX_UNAVAILABLE, "%s: %s", path, strerror(errno));
}

static void
master_init(struct master *m, const struct options *o)
{
	bool	found;
	int	r;

	m->options = o;
	m->keyring = m->grants_key = m->start.dump = m->start.last_good = -1;
	snapset_init(&m->in_force);
	rollback_init(&m->rollback);
	status_init(&m->status);
	runners_init(&m->tenants);
	LIST_INIT(&m->queries);
	m->dirs = (struct dirs){ .run_fd = -1, .state_fd = -1, .pid_fd = -1, .marker_fd = -1 };
	m->ctl.fd = -1;
	if ((r = loop_new(&m->loop)) != 0 || (r = signals_init(m)) != 0)
		fatal(EX_OSERR, "event loop: %s", err_text(r));
	m->start_ms = loop_now_ms(m->loop);
	m->boot = loop_wall_ms(m->loop);
	for (int role = 0; role < ROLE_LIMIT; role++)
		m->user[role] = (struct spawn_user){ false, 0, 0 };
	if (!m->personal && spawn_user_find(role_user(ROLE_COMPILE), &m->user[ROLE_COMPILE], &found) != 0)
		fatal(EX_NOUSER, "user %s: neither it nor nobody exists", role_user(ROLE_COMPILE));
	child_init(&m->store, m, ROLE_STORE, 0, NULL);
	child_init(&m->auditor, m, ROLE_AUDITOR, 0, NULL);
	child_init(&m->prober, m, ROLE_SPAWNER, 0, NULL);
	egress_init(m);
	admin_init(m);
	scout_init(m);
	children_init(m);
	compile_init(&m->compile, m);
	reload_init(&m->reload, m);
	pins_init(m);
	adminlog_init(&m->adminlog, m);
	learn_init(&m->learn, m);
	lapse_init(&m->lapse, m);
	watch_init(&m->watch, m);
	private_init(m);
}

static void
master_fini(struct master *m)
{
	query_kill_all(m);
	children_kill_all(m);
	private_fini(m);
	watch_fini(&m->watch);
	learn_fini(&m->learn);
	lapse_fini(&m->lapse);
	reload_fini(&m->reload);
	pins_fini(m);
	adminlog_fini(&m->adminlog);
	compile_fini(&m->compile);
	runners_fini(&m->tenants);
	cgroups_fini(&m->cgroups);
	child_fini(&m->store);
	child_fini(&m->auditor);
	child_fini(&m->prober);
	child_fini(&m->egress);
	child_fini(&m->admin);
	child_fini(&m->scout);
	for (uint32_t i = 0; i < m->worker_count; i++)
		child_fini(&m->workers[i]);
	free(m->workers);
	listen_close(&m->listeners);
	ctlsock_close(&m->ctl);
	/* Without the lock it is that of the gateway which runs. */
	if (m->dirs.pid_fd != -1)
		(void)unlinkat(m->dirs.run_fd, "ready", 0);
	fd_close(&m->start.dump);
	fd_close(&m->start.last_good);
	fd_close(&m->keyring);
	ticket_keys_fini(&m->ticket_keys);
	fd_close(&m->grants_key);
	rates_fini(&m->rates);
	if (m->worker_count > 0)
		regions_fini(&m->regions);
	snap_release(&m->policy);
	snapset_fini(&m->in_force);
	rollback_fini(&m->rollback);
	status_fini(&m->status);
	loop_free(&m->loop);
}

/* From here on lines go to the log daemon; before, whoever started us reads them.  Without a log daemon
 * stderr stays, but never stdout: who waits for its end would wait for ours. */
static void
leave_terminal(struct master *m)
{
	bool	syslog;
	int	fd, null;

	if (m->foreground || logfd_open(false, &fd, &syslog) != 0)
		return;
	m->log_fd = fd;
	log_init("mcpgw", fd, syslog ? LOG_FORM_SYSLOG : LOG_FORM_STDERR);
	if ((null = open("/dev/null", O_RDWR | O_CLOEXEC)) == -1)
		return;
	(void)dup2(null, STDIN_FILENO);
	(void)dup2(null, STDOUT_FILENO);
	if (syslog) {
		(void)dup2(null, STDERR_FILENO);
	} else {
		log_warn(NULL, "no /dev/log; lines go to %s", logfd_to_file(m->dirs.state_fd) ? LOGFD_FILE
		    " in the folder state_dir" : "stderr");
		signals_reopen_logs(m);
	}
	fd_close(&null);
}

/* What a master of root uses: others' uids for its children, and folders and sockets of others.  It is never
 * CAP_SYS_ADMIN.  No filter and no Landlock: jails are built below it, and they would bind them. */
static void
confine(void)
{
	static const int	kept[] = { CAP_SETUID, CAP_SETGID, CAP_SETPCAP, CAP_KILL, CAP_CHOWN, CAP_FOWNER,
				    CAP_DAC_OVERRIDE, CAP_NET_BIND_SERVICE, CAP_SYS_RESOURCE };

	if (caps_keep(kept, sizeof(kept) / sizeof(kept[0])) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		fatal(EX_OSERR, "cannot confine myself: %s", strerror(errno));
}

int
main(int argc, char **argv)
{
	static struct master	m;
	struct options		o;
	int			r;

	/* The modes we make things with are meant: a stricter mask of a service manager would close a tenant's groups
	 * to the tenant, and what is in run_dir to mcpgwctl.  Children have a mask of their own. */
	umask(022);
	drop_foreign_descriptors();
	hold_standard_descriptors();
	log_init("mcpgw", STDERR_FILENO, LOG_FORM_PLAIN);
	options_parse(&o, argc, argv);
	confine();
	m.options = &o;
	m.log_fd = -1;
	m.personal = geteuid() != 0;
	m.foreground = o.foreground;
	find_programs(&m);
	find_config(&m);
	if (o.check)
		run_check(&m);
	private_check(&m);
	if (m.foreground)
		log_init("mcpgw", STDERR_FILENO, LOG_FORM_STDERR);
	/* A service manager keeps us in its hand; nobody waits for a background. */
	if (!sdnotify_init() && !m.foreground)
		daemon_enter();
	if (chdir("/") == -1)
		fatal(EX_OSERR, "/: %s", strerror(errno));
	cpu_be_prompt();
	master_init(&m, &o);
	if ((r = start_run(&m)) == 0) {
		leave_terminal(&m);
		start_say_ready(&m);	/* in the log, where it is looked for */
		daemon_tell(0);
		loop_run(m.loop);
	}
	master_fini(&m);
	/* A refused start leaves the marker of an unclean end as it found it. */
	if (r == 0 || !m.dirs.unclean)
		dirs_release(&m.dirs);
	else
		dirs_fini(&m.dirs);
	private_remove(&m);
	if (r == 0)
		log_notice(NULL, "stopped");
	daemon_tell(r);
	fd_close(&m.log_fd);
	return r;
}
