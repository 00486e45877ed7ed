/* SPDX-License-Identifier: Apache-2.0
 *
 * tree.c - a private installation with a fake worker, and a master running in it
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "ipc/wait.h"
#include "tests/unit/master/tree.h"

#define NOBODY	65534
#define READY_MS 20000

enum { CMD_STATUS = 5 };

static char	notes[4096];

void
nap_ms(int ms)
{
	const struct timespec	t = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&t, NULL);
}

bool
is_alive(pid_t pid)
{
	char	path[64], state = '?';
	FILE	*f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if ((f = fopen(path, "re")) == NULL)
		return false;
	if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = '?';
	fclose(f);
	return state != 'Z' && state != 'X';
}

static const char *
path_of(const struct tree *t, const char *name)
{
	static char	path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", t->dir, name);
	return path;
}

static void
make_dir(const struct tree *t, const char *name)
{
	cr_assert(mkdir(path_of(t, name), 0755) == 0);
	if (geteuid() == 0)
		cr_assert(chown(path_of(t, name), NOBODY, NOBODY) == 0);
}

static void
copy_program(const struct tree *t, const char *from, const char *name)
{
	struct stat	st;
	int		in, out;

	cr_assert((in = open(from, O_RDONLY)) != -1, "%s: %s", from, strerror(errno));
	cr_assert(fstat(in, &st) == 0);
	cr_assert((out = open(path_of(t, name), O_WRONLY | O_CREAT | O_EXCL, 0755)) != -1);
	for (off_t left = st.st_size; left > 0;) {
		ssize_t n = sendfile(out, in, NULL, (size_t)left);

		cr_assert(n > 0);
		left -= n;
	}
	close(in);
	close(out);
}

/* The folder that `bin` and `libexec` of this build are in. */
static void
build_folder(char to[PATH_MAX])
{
	ssize_t	n = readlink("/proc/self/exe", to, PATH_MAX - 1);

	cr_assert(n > 0);
	to[n] = '\0';
	for (int up = 0; up < 4; up++)
		to = dirname(to);
}

void
tree_write(const struct tree *t, const char *name, const char *text)
{
	FILE	*f = fopen(path_of(t, name), "we");

	cr_assert(f != NULL, "%s: %s", name, strerror(errno));
	fputs(text, f);
	cr_assert(fclose(f) == 0);
}

bool
tree_exists(const struct tree *t, const char *name)
{
	return access(path_of(t, name), F_OK) == 0;
}

bool
tree_has(const struct tree *t, const char *name, const char *text)
{
	static char	all[65536];
	FILE		*f = fopen(path_of(t, name), "re");
	size_t		 n;

	if (f == NULL)
		return false;
	n = fread(all, 1, sizeof(all) - 1, f);
	all[n] = '\0';
	fclose(f);
	return strstr(all, text) != NULL;
}

void
tree_make(struct tree *t, const char *conf)
{
	static const char *const real[] = { "mcpgw-compile", "mcpgw-store", "mcpgw-audit",
	    "mcpgw-spawn", "mcpgw-runner", "mcpgw-admin" };
	char			 build[PATH_MAX], from[PATH_MAX + 64], to[64], text[2048];

	*t = (struct tree){ .master = 0 };
	strcpy(t->dir, "/tmp/mcpgw-master-XXXXXX");
	cr_assert(mkdtemp(t->dir) != NULL);
	cr_assert(chmod(t->dir, 0755) == 0);
	build_folder(build);
	make_dir(t, "bin");
	make_dir(t, "libexec");
	make_dir(t, "libexec/mcpgw");
	make_dir(t, "etc");
	make_dir(t, "home");
	if (geteuid() == 0)
		cr_assert(chown(t->dir, NOBODY, NOBODY) == 0);
	snprintf(from, sizeof(from), "%s/bin/mcpgw", build);
	copy_program(t, from, "bin/mcpgw");
	copy_program(t, "/proc/self/exe", "libexec/mcpgw/mcpgw-worker");
	for (size_t i = 0; i < sizeof(real) / sizeof(real[0]); i++) {
		snprintf(from, sizeof(from), "%s/libexec/mcpgw/%s", build, real[i]);
		snprintf(to, sizeof(to), "libexec/mcpgw/%s", real[i]);
		copy_program(t, from, to);
	}
	snprintf(text, sizeof(text), "run_dir = %s/run\nstate_dir = %s/state\nworkers = 2\n"
	    "listen = 127.0.0.1:0\nwatch = no\n%s", t->dir, t->dir, conf);
	tree_write(t, "etc/mcpgw.conf", text);
	tree_write(t, "etc/servers.json", "{\"mcpServers\":{}}");
	tree_write(t, "etc/rules.json", "{}");
}

void
tree_remove(struct tree *t)
{
	char	command[128];

	if (t->master != 0) {
		kill(t->master, SIGKILL);
		(void)waitpid(t->master, NULL, 0);
		nap_ms(200);
	}
	snprintf(command, sizeof(command), "rm -rf %s", t->dir);
	cr_expect(system(command) == 0);
}

static _Noreturn void
master_run(const struct tree *t, const char *log)
{
	char	program[PATH_MAX], config[PATH_MAX], home[PATH_MAX];
	int	fd;

	snprintf(program, sizeof(program), "%s/bin/mcpgw", t->dir);
	snprintf(config, sizeof(config), "%s/etc", t->dir);
	snprintf(home, sizeof(home), "%s/home", t->dir);
	if ((fd = open(path_of(t, log), O_WRONLY | O_CREAT | O_TRUNC, 0644)) == -1 ||
	    dup2(fd, STDERR_FILENO) == -1 || dup2(fd, STDOUT_FILENO) == -1)
		_exit(120);
	if (geteuid() == 0 && (setgid(NOBODY) == -1 || setuid(NOBODY) == -1))
		_exit(121);
	setenv("HOME", home, 1);
	execl(program, "mcpgw", "-f", "-c", config, (char *)NULL);
	_exit(122);
}

bool
tree_start(struct tree *t, int *exit_code)
{
	int	status;

	(void)unlink(path_of(t, "run/ready"));
	cr_assert((t->master = fork()) != -1);
	if (t->master == 0)
		master_run(t, "log");
	for (int ms = 0; ms < READY_MS; ms += 10) {
		if (waitpid(t->master, &status, WNOHANG) == t->master) {
			t->master = 0;
			if (exit_code != NULL)
				*exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
			return false;
		}
		if (tree_exists(t, "run/ready"))
			return true;
		nap_ms(10);
	}
	cr_assert(0, "neither ready nor ended");
	return false;
}

int
tree_start_second(struct tree *t)
{
	int	status;
	pid_t	pid;

	cr_assert((pid = fork()) != -1);
	if (pid == 0)
		master_run(t, "log2");
	cr_assert(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int
tree_wait(struct tree *t)
{
	int	status;

	for (int ms = 0; ms < 5000; ms += 10) {
		if (waitpid(t->master, &status, WNOHANG) == t->master) {
			t->master = 0;
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		}
		nap_ms(10);
	}
	return -1;
}

void
tree_lost(struct tree *t)
{
	(void)waitpid(t->master, NULL, 0);
	t->master = 0;
}

const char *
tree_notes(void)
{
	return notes;
}

static int
ask(const struct tree *t, uint32_t command, struct msg_CTL_DONE *done, struct processes *p)
{
	static char		room[FRAME_MAX];
	struct sockaddr_un	sa = { .sun_family = AF_UNIX };
	struct msg_CTL		msg = { .command = command };
	struct frame		f;
	union msg_any		m;
	int			fd, code = -1;

	notes[0] = '\0';
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/run/ctl.sock", t->dir);
	cr_assert((fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)) != -1);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 &&
	    chan_send_wait(fd, MSG_TYPE_CTL, 0, &msg, NULL, 0) == 0)
		while (code == -1 && chan_recv_wait(fd, ROLE_CTL, ROLE_MASTER, true, room, &f, &m) == 0) {
			if (f.head.type == MSG_TYPE_CTL_DONE) {
				code = m.CTL_DONE.exit_code;
				if (done != NULL)
					*done = m.CTL_DONE;
			} else if (f.head.type == MSG_TYPE_CTL_NOTE) {
				snprintf(notes + strlen(notes), sizeof(notes) - strlen(notes), "%.*s\n",
				    SPAN_FMT(m.CTL_NOTE.line));
			} else if (f.head.type == MSG_TYPE_CTL_PROCESS && p != NULL && p->count < 32) {
				p->at[p->count++] = m.CTL_PROCESS;
			} else if (f.head.type == MSG_TYPE_CTL_MASTER && p != NULL) {
				p->master = m.CTL_MASTER;
				snprintf(p->warning, sizeof(p->warning), "%.*s",
				    SPAN_FMT(m.CTL_MASTER.warning));
			}
			frame_close_fds(&f);
		}
	close(fd);
	return code;
}

int
tree_command(const struct tree *t, uint32_t command, struct msg_CTL_DONE *done)
{
	return ask(t, command, done, NULL);
}

bool
tree_status(const struct tree *t, struct processes *p)
{
	*p = (struct processes){ .count = 0 };
	return ask(t, CMD_STATUS, NULL, p) == 0;
}

pid_t
tree_worker(const struct tree *t, unsigned slot, pid_t not, int ms)
{
	struct processes	p;

	for (; ms >= 0; ms -= 10) {
		if (tree_status(t, &p))
			for (unsigned i = 0; i < p.count; i++)
				if (p.at[i].role == ROLE_WORKER && p.at[i].slot == slot &&
				    p.at[i].state == CTL_PROCESS_READY && (pid_t)p.at[i].pid != not)
					return (pid_t)p.at[i].pid;
		nap_ms(10);
	}
	return 0;
}
