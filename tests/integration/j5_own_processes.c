/* SPDX-License-Identifier: Apache-2.0
 *
 * j5_own_processes.c - the gateway's own processes are confined too, as docs/privsep.md says
 */
#include <dirent.h>
#include <limits.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/common.h"

#define CAP(name) (1ull << CAP_##name)
/* Of a master that root started. */
#define MASTER_CAPS (CAP(SETUID) | CAP(SETGID) | CAP(SETPCAP) | CAP(KILL) | CAP(CHOWN) | CAP(FOWNER) |	\
	CAP(DAC_OVERRIDE) | CAP(NET_BIND_SERVICE) | CAP(SYS_RESOURCE))

static const char rules[] = "{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}";
static const char servers[] = "{\"mcpServers\":{\"ok\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"ok\"]},"
    "\"web\":{\"url\":\"http://127.0.0.1:1/\"}}}";

/* A line of /proc/PID/status as a number; -1 where there is none. */
static long long
status_of(pid_t pid, const char *field, int base)
{
	char		 path[64], line[256];
	long long	 v = -1;
	size_t		 n = strlen(field);
	FILE		*f;

	snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
	if ((f = fopen(path, "re")) == NULL)
		return -1;
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, field, n) == 0 && line[n] == ':')
			v = (long long)strtoull(line + n + 1, NULL, base);
	fclose(f);
	return v;
}

static bool
is_dumpable(pid_t pid, long long uid)
{
	char		path[64];
	struct stat	st;

	snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
	return stat(path, &st) == 0 && (long long)st.st_uid == uid;
}

static void
check_status(const struct gateway *g, const struct proc *p)
{
	bool		master = p->pid == g->pid, sanitized = is_sanitized(g);
	long long	uid = status_of(p->pid, "Uid", 10), want = 0;

	/* As far as root has them here: this test's own are root's. */
	if (master && geteuid() == 0)
		want = (long long)MASTER_CAPS & status_of(getpid(), "CapEff", 16);
	cr_expect(status_of(p->pid, "NoNewPrivs", 10) == 1, "%s may get new privileges", p->name);
	cr_expect(status_of(p->pid, "CapEff", 16) == want, "%s has capabilities %llx", p->name,
	    status_of(p->pid, "CapEff", 16));
	cr_expect(status_of(p->pid, "CapPrm", 16) == want && status_of(p->pid, "CapInh", 16) == 0 &&
	    status_of(p->pid, "CapAmb", 16) == 0, "%s could have some", p->name);
	if (geteuid() == 0)
		cr_expect(status_of(p->pid, "CapBnd", 16) == want, "%s: bounding set %llx", p->name,
		    status_of(p->pid, "CapBnd", 16));
	if (!master && !sanitized)
		cr_expect(status_of(p->pid, "Seccomp", 10) == 2, "%s has no filter", p->name);
	/* The files of one that is not belong to root; of root's own they do in any case. */
	if (uid != 0)
		cr_expect(!is_dumpable(p->pid, uid), "%s can be traced by its own user", p->name);
	if (!master && geteuid() == 0)
		cr_expect(uid != 0, "%s runs as root", p->name);
}

static bool
is_expected(const struct gateway *g, const char *name, const char *to)
{
	static const char *const	always[] = { "socket:[", "anon_inode:", "/memfd:", "pipe:[", "/dev/null" };
	char				below[300];
	size_t				n;

	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		if (strncmp(to, always[i], strlen(always[i])) == 0)
			return true;
	n = (size_t)snprintf(below, sizeof(below), "%s/", g->dir);
	if (strncmp(to, below, n) != 0)
		/* Each spawner has its tenant's groups. */
		return strcmp(name, "mcpgw-spawn") == 0 && strncmp(to, "/sys/fs/cgroup/", 15) == 0;
	to += n;
	if (strcmp(to, "log") == 0)		/* stderr of this test */
		return true;
	if (strcmp(name, "mcpgw") == 0)
		return strncmp(to, "run", 3) == 0 || strncmp(to, "state", 5) == 0;
	if (strcmp(name, "mcpgw-store") == 0)
		return strncmp(to, "state/store", 11) == 0;
	if (strcmp(name, "mcpgw-audit") == 0)
		return strncmp(to, "state/audit", 11) == 0;
	if (strcmp(name, "mcpgw-worker") == 0)
		return strncmp(to, "state/audit/spool", 17) == 0;
	return strcmp(name, "mcpgw-spawn") == 0 && strncmp(to, "state/tenants/default", 21) == 0;
}

static void
check_descriptors(const struct gateway *g, const struct proc *p)
{
	char		 path[64], link[400], to[PATH_MAX];
	DIR		*d;
	struct dirent	*e;
	ssize_t		 n;

	snprintf(path, sizeof(path), "/proc/%ld/fd", (long)p->pid);
	if ((d = opendir(path)) == NULL)
		return;			/* not ours to look at */
	while ((e = readdir(d)) != NULL) {
		snprintf(link, sizeof(link), "%s/%s", path, e->d_name);
		if (e->d_name[0] == '.' || (n = readlink(link, to, sizeof(to) - 1)) == -1)
			continue;
		to[n] = '\0';
		cr_expect(is_expected(g, p->name, to), "%s has %s open as %s", p->name, to, e->d_name);
	}
	closedir(d);
}

Test(own_processes, have_only_what_they_need, .timeout = 120)
{
	static const char *const	each[] = { "mcpgw", "mcpgw-worker", "mcpgw-audit", "mcpgw-store", "mcpgw-runner",
					    "mcpgw-spawn", "mcpgw-admin", "mcpgw-scout" };
	struct gateway			g;
	struct procs			*procs = malloc(sizeof(*procs));
	struct mcp			m;
	struct answer			a;
	size_t				seen = 0;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = servers, .rules = rules });
	mcp_init(&m, g.mcp, "/servers/ok/mcp", gateway_key(&g, "a"));
	mcp_call(&m, "anything", "{}", &a);
	cr_expect(json_at(a.json, "result") != NULL, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	gateway_procs(&g, procs);
	for (size_t i = 0; i < procs->count; i++)
		for (size_t k = 0; k < sizeof(each) / sizeof(each[0]); k++) {
			const struct proc *p = &procs->all[i];

			/* A jail's init is the spawner's image, and looked at in tests/unit/sandbox. */
			if (strcmp(p->name, each[k]) != 0 || (k == 5 && p->parent != g.pid))
				continue;
			seen |= (size_t)1 << k;
			check_status(&g, p);
			check_descriptors(&g, p);
		}
	cr_expect(seen == 0xff || geteuid() != 0, "not all are there: %#zx", seen);
	free(procs);
	gateway_stop(&g);
}
