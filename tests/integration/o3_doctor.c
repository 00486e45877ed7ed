/* SPDX-License-Identifier: Apache-2.0
 *
 * o3_doctor.c - machines broken on purpose: what is wrong is found, with the way to mend it
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/integration/common.h"

static char	dir[64], build[512], said[32768];

static void
put(const char *name, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
put(const char *name, const char *fmt, ...)
{
	char	 path[256];
	FILE	*f;
	va_list	 ap;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	cr_assert((f = fopen(path, "w")) != NULL, "%s", path);
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	cr_assert(fclose(f) == 0);
}

static void
setup(void)
{
	const char	*from = getenv("BUILD");
	char		 path[128];

	cr_assert(realpath(from == NULL ? "build" : from, build) != NULL);
	snprintf(dir, sizeof(dir), "/tmp/mcpgw-doctor.XXXXXX");
	cr_assert(mkdtemp(dir) != NULL && chmod(dir, 0755) == 0);
	for (const char *const *name = (const char *const[]){ "etc", "state", "run", "project", NULL }; *name != NULL; name++) {
		snprintf(path, sizeof(path), "%s/%s", dir, *name);
		cr_assert(mkdir(path, 0755) == 0);
	}
	put("etc/mcpgw.conf", "state_dir = %s/state\nrun_dir = %s/run\nlisten = 127.0.0.1:0\nadmin_listen =\n", dir, dir);
	put("etc/servers.json", "{\"mcpServers\":{}}");
	put("etc/rules.json", "{\"agents\":{}}");
}

static void
teardown(void)
{
	char	command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	cr_expect(system(command) == 0);
}

/* `doctor`, in project/, behind these words of a shell; answers its exit code, what it said is in `said`. */
static int
doctor(const char *before, const char *after, bool no_namespaces)
{
	char	command[2048];
	int	pipes[2], status;
	size_t	n = 0;
	ssize_t	got;
	pid_t	pid;

	snprintf(command, sizeof(command), "cd %s/project; HOME=%s/project; export HOME; %s '%s/bin/mcpgwctl' --user -c %s/etc "
	    "doctor %s", dir, dir, before, build, dir, after);
	cr_assert(pipe(pipes) == 0 && (pid = fork()) != -1);
	if (pid == 0) {
		if (no_namespaces && gateway_forbid_namespaces() != 0)
			_exit(126);
		dup2(pipes[1], 1);
		dup2(pipes[1], 2);
		close(pipes[0]);
		close(pipes[1]);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	close(pipes[1]);
	while (n < sizeof(said) - 1 && (got = read(pipes[0], said + n, sizeof(said) - 1 - n)) > 0)
		n += (size_t)got;
	said[n] = '\0';
	close(pipes[0]);
	cr_assert(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* One line of this check, with that verdict, that has both. */
static void
expect(const char *verdict, const char *check, const char *what, const char *mend)
{
	char	begins[64], line[1024];

	snprintf(begins, sizeof(begins), "%-4s  %-13s  ", verdict, check);
	for (const char *at = said; *at != '\0';) {
		size_t	n = strcspn(at, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)n, at);
		at += n + (at[n] == '\n');
		if (strncmp(line, begins, strlen(begins)) != 0)
			continue;
		cr_expect(strstr(line, what) != NULL && strstr(line, mend) != NULL, "want \"%s\" and \"%s\" in: %s", what, mend,
		    line);
		return;
	}
	cr_expect(false, "no line of %s is %s:\n%s", check, verdict, said);
}

TestSuite(doctor, .init = setup, .fini = teardown, .timeout = 30);

Test(doctor, is_content_with_what_is_well)
{
	doctor("", "", false);
	expect("ok", "files", "can be read", "");
	expect("ok", "certificates", "", "");	/* those of the machine, if it has any */
	expect("ok", "programs", "no server is configured", "");
	expect("ok", "clients", "none here", "");
	expect("ok", "disk", " MiB left", "");
	doctor("", "--json", false);
	cr_expect(strstr(said, "{\"check\":\"files\",\"verdict\":\"ok\",\"says\":\"can be read") != NULL, "%s", said);
}

/* The system's gateway runs, and its files are root's. */
Test(doctor, takes_what_is_not_theirs_to_see_for_no_fault)
{
	struct sockaddr_un	sa = { .sun_family = AF_UNIX };
	char			path[128];
	int			fd;

	if (geteuid() != 0)
		cr_skip_test("needs root, to have files that are not one's own");
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/run/ctl.sock", dir);
	cr_assert((fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)) != -1);
	cr_assert(bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 && listen(fd, 1) == 0 && chmod(sa.sun_path, 0600) == 0);
	snprintf(path, sizeof(path), "%s/etc/rules.json", dir);
	cr_assert(chmod(path, 0600) == 0);
	doctor("setpriv --reuid=65534 --regid=65534 --clear-groups", "--system", false);
	expect("note", "configuration", "not yours to read", "as root: mcpgwctl doctor");
	expect("note", "files", "rules.json is not yours to read", "as root: mcpgwctl doctor");
	expect("note", "gateway", "one is in ", "group mcpgw-admin");
	expect("ok", "listeners", "127.0.0.1:0", "");
	expect("ok", "issuers", "not yours to ask about", "");
	close(fd);
}

Test(doctor, finds_that_there_are_no_namespaces)
{
	NEEDS_JAILS();
	cr_expect(doctor("", "", true) == 1);
	expect("BAD", "jail", "none: a system call filter", "run it with one that allows both");
}

Test(doctor, finds_few_descriptors)
{
	/* Root may raise its limit, unless it lacks the capability. */
	cr_expect(doctor(geteuid() == 0 ? "ulimit -n 256; setpriv --bounding-set=-sys_resource --inh-caps=-sys_resource" :
	    "ulimit -n 256;", "", false) == 1);
	expect("BAD", "descriptors", "at most 256 open files", "LimitNOFILE=");
	expect("BAD", "descriptors", "256", "mcpgwctl conf -e max_connections=64");
}

Test(doctor, finds_a_full_disk)
{
	char	before[256];

	if (system(geteuid() == 0 ? "unshare -m true" : "unshare -Urm true") != 0)
		cr_skip_test("no mount namespaces on this machine");
	snprintf(before, sizeof(before), "unshare %s sh -c 'mount -t tmpfs -o size=8m none %s/state && exec \"$@\"' sh",
	    geteuid() == 0 ? "-m" : "-Urm", dir);
	cr_expect(doctor(before, "", false) == 1);
	expect("BAD", "disk", "/state is full", "make room");
}

Test(doctor, finds_who_has_the_port)
{
	struct sockaddr_in	sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t		bytes = sizeof(sa);
	int			fd = socket(AF_INET, SOCK_STREAM, 0);
	char			who[64];

	cr_assert(fd != -1 && bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 && listen(fd, 1) == 0 &&
	    getsockname(fd, (struct sockaddr *)&sa, &bytes) == 0);
	put("etc/mcpgw.conf", "state_dir = %s/state\nrun_dir = %s/run\nlisten = 127.0.0.1:%u\n", dir, dir, ntohs(sa.sin_port));
	cr_expect(doctor("", "", false) == 1);
	snprintf(who, sizeof(who), ": in use by pid %d (", getpid());
	expect("BAD", "listeners", who, "mcpgwctl conf -e listen=127.0.0.1:8090");
	close(fd);
}

Test(doctor, finds_a_clock_that_is_behind)
{
	const struct timespec	later[2] = { { time(NULL) + 2 * 86400, 0 }, { time(NULL) + 2 * 86400, 0 } };
	char			path[128];

	snprintf(path, sizeof(path), "%s/etc/servers.json", dir);
	cr_assert(utimensat(AT_FDCWD, path, later, 0) == 0);
	cr_expect(doctor("", "", false) == 1);
	expect("BAD", "clock", "etc/servers.json was written 20", "timedatectl set-ntp true");
}

Test(doctor, finds_a_file_that_cannot_be_read)
{
	char	path[128];

	snprintf(path, sizeof(path), "%s/etc/rules.json", dir);
	cr_assert(chmod(path, 0) == 0);
	/* Root reads it; the user that compiles for root would not. */
	if (geteuid() == 0)
		doctor("", "--system", false);
	else
		doctor("", "", false);
	expect("BAD", "files", "etc/rules.json: ", "chmod ");
}

Test(doctor, finds_a_certificate_that_is_over)
{
	char	command[256];

	snprintf(command, sizeof(command), "cp tests/fixtures/doctor/expired.pem %s/ca.pem", dir);
	cr_assert(system(command) == 0);
	put("etc/servers.json", "{\"mcpServers\":{\"tracker\":{\"url\":\"https://tracker.example/mcp\",\"ca\":\"%s/ca.pem\"}}}",
	    dir);
	cr_expect(doctor("", "", false) == 1);
	expect("BAD", "certificates", "the certificate of tracker.example ended 2020-02-01", "put a new one");
	put("ca.pem", "nothing");
	doctor("", "", false);
	expect("BAD", "certificates", "holds no certificate", "PEM");
	snprintf(command, sizeof(command), "%s/ca.pem", dir);
	unlink(command);
	doctor("", "", false);
	expect("BAD", "certificates", "ca of tracker): No such file", "name a file");
}

Test(doctor, finds_programs_that_are_not_there)
{
	put("etc/servers.json", "{\"mcpServers\":{\"off\":{\"command\":\"/nowhere\",\"enabled\":false},"
	    "\"gone\":{\"command\":\"/opt/none/server\"}}}");
	cr_expect(doctor("", "", false) == 1);
	expect("BAD", "programs", "gone: there is no /opt/none/server", "correct \"command\"");
	put("script", "#!/usr/bin/env ruby9\n");
	{
		char	path[128];

		snprintf(path, sizeof(path), "%s/script", dir);
		cr_assert(chmod(path, 0755) == 0);
	}
	put("etc/servers.json", "{\"mcpServers\":{\"odd\":{\"command\":\"%s/script\"}}}", dir);
	cr_expect(doctor("", "", false) == 1);
	expect("BAD", "programs", "odd: there is no ruby9, which runs ", "install it");
}

Test(doctor, finds_a_client_that_starts_the_servers_itself)
{
	put("etc/servers.json", "{\"mcpServers\":{\"docs\":{\"command\":\"/bin/true\"},\"own\":{\"command\":\"/bin/true\"}}}");
	put("project/.mcp.json", "{\"mcpServers\":{\"docs\":{\"command\":\"npx\"},\"other\":{\"command\":\"x\"}}}");
	doctor("", "", false);
	expect("note", "clients", ".mcp.json still starts 1 server without a jail, beside the gateway: docs.",
	    "mcpgwctl client --for claude-code --project ");
	put("project/.mcp.json", "{\"mcpServers\":{\"docs\":{\"command\":\"mcpgw-stdio\"}}}");
	doctor("", "", false);
	expect("ok", "clients", "none here", "");
}
