/* SPDX-License-Identifier: Apache-2.0
 *
 * rig.c - mcpgw-spawn itself, between a master and a runner that are the test
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/heritage.h"
#include "lib/fd.h"
#include "lib/sum.h"
#include "policy/compiler/filter.h"
#include "sandbox/confine.h"
#include "tests/unit/spawner/rig.h"

#define NOBODY	65534
#define WAIT_MS	10000

/* ---- snapshots --------------------------------------------------------------------------------- */

static struct stext
put_text(struct build *b, const char *text)
{
	struct stext	t = { 0 };

	if (text != NULL)
		cr_assert(eq(int, build_text(b, span_of(text), &t), 0));
	return t;
}

static void
put(struct build *b, enum snap_section section, const void *record)
{
	cr_assert(eq(int, build_add(b, section, record, NULL), 0));
}

uint64_t
rig_hash(const struct rig_tool *tool)
{
	return sum64_more(sum64(span_of(tool->name)), span_of(tool->script)) + tool->isolation;
}

static void
put_env(struct build *b, const char *name, const char *value, const char *secret, uint32_t *count)
{
	struct rec_env	e = { .name = put_text(b, name), .value = put_text(b, value) };

	e.secret = put_text(b, secret);
	put(b, SECTION_ENV, &e);
	++*count;
}

/* sh -c SCRIPT sh {word} [{file}] [{new}] */
static void
put_native(struct build *b, const struct rig_tool *t, struct rec_profile *p)
{
	static const struct { const char *text; uint32_t slot, group; } words[] = {
		{ "-c", 0, 0 }, { NULL, 0, 0 }, { "sh", 0, 0 }, { NULL, RIG_WORD + 1, 0 }, { NULL, RIG_FILE + 1, 1 },
		{ NULL, RIG_NEW + 1, 2 },
	};
	static const char *const	names[RIG_SLOTS] = { "word", "file", "new" };
	struct rec_tool			tool = { .slot_count = RIG_SLOTS };

	tool.program = put_text(b, "/bin/sh");
	tool.argv0 = put_text(b, "sh");
	tool.slot_first = (uint32_t)build_count(b, SECTION_SLOT);
	tool.word_first = (uint32_t)build_count(b, SECTION_WORD);
	for (uint32_t i = 0; i < RIG_SLOTS; i++) {
		struct rec_slot	s = { .name = put_text(b, names[i]), .type = i == RIG_WORD ? SLOT_STRING : SLOT_PATH,
		    .slot_class = SLOT_NAME, .flags = SLOT_FLAG_ARGS, .min_length = 1, .max_length = 100, .max_items = 1 };

		s.flags |= i == RIG_WORD ? SLOT_FLAG_REQUIRED : i == RIG_NEW ? SLOT_FLAG_MAY_CREATE : 0;
		put(b, SECTION_SLOT, &s);
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct rec_word	w = { .part_first = (uint32_t)build_count(b, SECTION_PART), .part_count = 1,
		    .group = words[i].group };
		struct rec_part	part = { .slot = words[i].slot };

		if (words[i].slot == 0)
			part.text = put_text(b, words[i].text == NULL ? t->script : words[i].text);
		put(b, SECTION_PART, &part);
		put(b, SECTION_WORD, &w);
		tool.word_count++;
	}
	p->flags |= SERVER_FLAG_NATIVE;
	p->tool_first = (uint32_t)build_count(b, SECTION_TOOL);
	p->tool_count = 1;
	p->arg_count = 0;
	put(b, SECTION_TOOL, &tool);
}

static void
put_reach(struct build *b, const struct rig_tool *t, struct rec_profile *p)
{
	struct rec_reach	r = { .kind = 1, .port = t->port };

	p->reach_first = (uint32_t)build_count(b, SECTION_REACH);
	if (t->port == 0)
		return;
	r.host = put_text(b, "a.example");
	put(b, SECTION_REACH, &r);
	p->reach_count = 1;
	p->net = NET_LIST;
	p->filter = 2;
	if (t->learns)
		p->flags |= SERVER_FLAG_LEARN;
}

static void
put_tool(struct build *b, const struct rig_tool *t)
{
	const char		*args[] = { "sh", "-c", t->script };
	struct rec_profile	 p = { .hash = rig_hash(t), .tier = TIER_RUNTIME, .net = NET_NONE, .filter = 1,
				    .arg_count = 3, .tmp_bytes = 1 << 20, .isolation = t->isolation,
				    .memory_bytes = t->memory_bytes != 0 ? t->memory_bytes : 1 << 30,
				    .landlock_abi_max = t->landlock_abi_max, .max_instances = 32,
				    .state_bytes = t->state_bytes, .tenant_bytes = t->tenant_bytes,
				    .pids = t->pids, .cpu_milli = t->cpu_milli };
	struct rec_bind		 usr = { .flags = BIND_EXEC }, home = { .flags = BIND_STATE | BIND_WRITABLE };

	p.server = put_text(b, t->name);
	p.program = put_text(b, t->program != NULL ? t->program : "/bin/sh");
	p.workdir = put_text(b, t->workdir);
	p.arg_first = (uint32_t)build_count(b, SECTION_ARG);
	for (int i = 0; i < 3; i++) {
		struct rec_arg a = { put_text(b, args[i]) };

		put(b, SECTION_ARG, &a);
	}
	put_reach(b, t, &p);
	p.env_first = (uint32_t)build_count(b, SECTION_ENV);
	put_env(b, "PATH", "/usr/bin:/bin", NULL, &p.env_count);
	put_env(b, "HOME", "/home/tool", NULL, &p.env_count);
	if (t->wants_secret)
		put_env(b, "TOKEN", NULL, "TOKEN", &p.env_count);
	p.bind_first = (uint32_t)build_count(b, SECTION_BIND);
	p.bind_count = 2;
	usr.source = usr.target = put_text(b, "/usr");
	home.target = put_text(b, "/home/tool");
	put(b, SECTION_BIND, &home);
	put(b, SECTION_BIND, &usr);
	if (t->native) {
		usr.source = usr.target = put_text(b, t->workdir);
		put(b, SECTION_BIND, &usr);
		p.bind_count++;
		put_native(b, t, &p);
	}
	put(b, SECTION_PROFILE, &p);
}

static void
put_filter(struct build *b, enum jail_net net)
{
	struct filter		 f;
	struct rec_filter	 rec = { .listener = 1, .first = build_count(b, SECTION_BPF) };

	cr_assert(eq(int, filter_make(TIER_RUNTIME, net, &f), 0));
	for (size_t i = 0; i < f.count; i++)
		put(b, SECTION_BPF, &f.code[i]);
	rec.count = f.count;
	rec.name = put_text(b, f.name);
	put(b, SECTION_FILTER, &rec);
	filter_fini(&f);
}

static int
profile_make(const struct rig_tool *tools, size_t count, uint64_t generation, uint64_t *length)
{
	struct build		*b;
	int			 fd;

	cr_assert(eq(int, build_new(SNAP_PROFILE, "default", &b), 0));
	put_filter(b, NET_NONE);
	put_filter(b, NET_LIST);
	for (size_t i = 0; i < count; i++)
		put_tool(b, &tools[i]);
	cr_assert(eq(int, build_seal(b, generation, &fd, length), 0));
	build_free(&b);
	return fd;
}

static int
secrets_make(const char *server, const char *value, uint64_t *length)
{
	struct build		*b;
	struct rec_secret	 s = { 0 };
	int			 fd;

	cr_assert(eq(int, build_new(SNAP_SECRETS, "default", &b), 0));
	s.tenant = put_text(b, "default");
	s.server = put_text(b, server);
	s.name = put_text(b, "TOKEN");
	s.value = put_text(b, value);
	put(b, SECTION_SECRET, &s);
	cr_assert(eq(int, build_seal(b, 1, &fd, length), 0));
	build_free(&b);
	return fd;
}

/* ---- messages ---------------------------------------------------------------------------------- */

static void
say(struct rig *r, uint16_t type, uint64_t ref, const void *msg, int *fd)
{
	cr_assert(eq(int, chan_send_wait(r->master, type, ref, msg, fd, fd != NULL), 0));
	if (fd != NULL)
		fd_close(fd);
}

void
rig_expect(struct rig *r, int end, uint16_t type)
{
	struct pollfd	p = { .fd = end, .events = POLLIN };
	enum role	me = end == r->master ? ROLE_MASTER : end == r->egress ? ROLE_EGRESS : ROLE_RUNNER;
	/* READY may be said before or after this; both are right for us. */
	const bool	ready = msg_row(type)->when != MSG_BOOT;
	int		res;

	cr_assert(eq(int, poll(&p, 1, WAIT_MS), 1), "no %s", msg_row(type)->name);
	res = chan_recv_wait(end, me, ROLE_SPAWNER, ready, r->room, &r->frame, &r->body);
	cr_assert(eq(int, res, 0), "waiting for %s", msg_row(type)->name);
	cr_assert(eq(str, (char *)(uintptr_t)msg_row(r->frame.head.type)->name,
	    (char *)(uintptr_t)msg_row(type)->name));
}

void
rig_link(struct rig *r)
{
	struct msg_EGRESS_LINK	m = { .tenant = SPAN_LIT("default") };
	int			pair[2];

	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0));
	say(r, MSG_TYPE_EGRESS_LINK, 0, &m, &pair[1]);
	r->egress = pair[0];
}

void
rig_offer(struct rig *r, const struct rig_tool *tools, size_t count, uint64_t generation)
{
	struct msg_SNAPSHOT_OFFER	m = { .kind = SNAP_PROFILE, .generation = generation };
	int				fd = profile_make(tools, count, generation, &m.length);

	say(r, MSG_TYPE_SNAPSHOT_OFFER, 0, &m, &fd);
	rig_expect(r, r->master, MSG_TYPE_SNAPSHOT_IN_FORCE);
}

static void
offer_secret(struct rig *r, const char *server, const char *value)
{
	struct msg_SNAPSHOT_OFFER	m = { .kind = SNAP_SECRETS, .generation = 1 };
	int				fd = secrets_make(server, value, &m.length);

	say(r, MSG_TYPE_SNAPSHOT_OFFER, 0, &m, &fd);
	rig_expect(r, r->master, MSG_TYPE_SNAPSHOT_IN_FORCE);
}

void
rig_spawn(struct rig *r, const struct rig_tool *tool, uint64_t instance, uint64_t ref)
{
	struct msg_SPAWN	m = { .profile = rig_hash(tool), .instance = instance,
				    .server = span_of(tool->name) };

	cr_assert(eq(int, chan_send_wait(r->runner, MSG_TYPE_SPAWN, ref, &m, NULL, 0), 0));
}

void
rig_spawn_native(struct rig *r, const struct rig_tool *tool, uint32_t index, struct span values, uint64_t ref)
{
	struct msg_SPAWN_NATIVE	m = { .profile = rig_hash(tool), .tool = index, .server = span_of(tool->name),
				    .values = values };

	cr_assert(eq(int, chan_send_wait(r->runner, MSG_TYPE_SPAWN_NATIVE, ref, &m, NULL, 0), 0));
}

void
rig_spawned(struct rig *r, uint64_t ref, struct rig_jail *j)
{
	rig_expect(r, r->runner, MSG_TYPE_SPAWNED);
	cr_assert(eq(u64, r->frame.head.ref, ref));
	*j = (struct rig_jail){ .in = r->frame.fds[0], .out = r->frame.fds[1], .err = r->frame.fds[2],
	    .lifeline = r->frame.fds[3], .pid = (pid_t)r->body.SPAWNED.pid };
	rig_expect(r, r->runner, MSG_TYPE_SPAWNED_WATCH);
	cr_assert(eq(u64, r->frame.head.ref, ref));
	cr_assert(eq(int, (int)r->body.SPAWNED_WATCH.pid, j->pid));
	j->pidfd = r->frame.fds[0];
	j->listener = r->frame.fds[1];
}

void
rig_jail_close(struct rig_jail *j)
{
	fd_close(&j->in);
	fd_close(&j->out);
	fd_close(&j->err);
	fd_close(&j->lifeline);
	fd_close(&j->pidfd);
	fd_close(&j->listener);
}

const char *
rig_read(int fd)
{
	static char	text[4096];
	struct pollfd	p = { .fd = fd, .events = POLLIN };
	size_t		used = 0;
	ssize_t		n;

	while (used < sizeof(text) - 1) {
		cr_assert(eq(int, poll(&p, 1, WAIT_MS), 1), "nothing more, and no end: %.*s", (int)used, text);
		if ((n = read(fd, text + used, sizeof(text) - 1 - used)) <= 0)
			break;
		used += (size_t)n;
	}
	text[used] = '\0';
	return text;
}

/* ---- birth and death --------------------------------------------------------------------------- */

/* Opened while we may: a build tree may lie where an ordinary user cannot walk. */
static int
program_open(void)
{
	char	path[PATH_MAX];
	ssize_t	n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	int	fd;

	cr_assert(n > 0);
	path[n] = '\0';
	for (int i = 0; i < 4; i++)
		*strrchr(path, '/') = '\0';
	cr_assert(strlen(path) + 32 < sizeof(path));
	strcat(path, "/libexec/mcpgw/mcpgw-spawn");
	fd = open(path, O_PATH | O_CLOEXEC);
	cr_assert(fd != -1, "%s", path);
	return fd;
}

/* As container engines do: clone with a new user namespace is refused. */
static int
forbid_namespaces(void)
{
	struct sock_filter	code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_NEWUSER, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog	program = { sizeof(code) / sizeof(code[0]), code };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static _Noreturn void
become_spawner(int program, int control, bool reduced)
{
	char *const	argv[] = { (char[]){ "mcpgw-spawn" }, (char[]){ "0" }, NULL }, *const envp[] = { NULL };

	if (dup2(control, HERITAGE_CONTROL) == -1 || dup2(STDERR_FILENO, HERITAGE_LOG) == -1 ||
	    (geteuid() == 0 && confine_become(NOBODY, NOBODY) != 0))
		_exit(126);
	if (reduced && forbid_namespaces() != 0)
		_exit(126);
	syscall(SYS_close_range, HERITAGE_LIMIT, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */);
	syscall(SYS_execveat, program, "", argv, envp, AT_EMPTY_PATH);
	_exit(127);
}

static void
tell_who(struct rig *r, int *peer)
{
	struct msg_BOOT		boot = { .incarnation = 1, .tenant = SPAN_LIT("default") };
	struct msg_DIRECTORY	dir = { .kind = DIR_TENANT, .path = span_of(r->folder) };
	struct msg_PEER		msg = { 0 };

	if (r->reduced)
		boot.flags = BOOT_FLAG_FALLBACK;
	say(r, MSG_TYPE_BOOT, 0, &boot, NULL);
	say(r, MSG_TYPE_DIRECTORY, 0, &dir, NULL);
	for (int i = 0; i < CGROUP_PART_LIMIT; i++) {
		dir.kind = (uint32_t)(DIR_CGROUP_MEMORY + i);
		dir.path = span_of(r->cgroup[i]);
		if (dir.path.n > 0)
			say(r, MSG_TYPE_DIRECTORY, 0, &dir, NULL);
	}
	say(r, MSG_TYPE_PEER, 0, &msg, peer);
}

static void
start(struct rig *r, const struct rig_tool *tools, size_t count, const char *secret)
{
	struct msg_GO	go = { 0 };
	int		control[2], peer[2], program = program_open();

	strcpy(r->folder, "/tmp/spawner-test-XXXXXX");
	r->egress = -1;
	cr_assert(mkdtemp(r->folder) != NULL);
	if (geteuid() == 0)
		cr_assert(eq(int, chown(r->folder, NOBODY, NOBODY), 0));
	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control), 0));
	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, peer), 0));
	if ((r->pid = fork()) == 0)
		become_spawner(program, control[1], r->reduced);
	close(control[1]);
	close(program);
	r->master = control[0];
	r->runner = peer[0];
	tell_who(r, &peer[1]);
	rig_offer(r, tools, count, 1);
	if (secret != NULL)
		offer_secret(r, tools[0].name, secret);
	say(r, MSG_TYPE_GO, 0, &go, NULL);
	rig_expect(r, r->master, MSG_TYPE_JAIL_PROBE);
	r->probe = r->body.JAIL_PROBE.result;
	if (!probe_may_run((enum probe_result)r->probe)) {
		(void)rig_stop(r);
		cr_skip("%.*s", SPAN_FMT(r->body.JAIL_PROBE.line));
	}
	rig_expect(r, r->master, MSG_TYPE_READY);
}

void
rig_start(struct rig *r, const struct rig_tool *tools, size_t count, const char *secret)
{
	*r = (struct rig){ .pid = -1 };
	start(r, tools, count, secret);
}

void
rig_start_reduced(struct rig *r, const struct rig_tool *tools, size_t count)
{
	*r = (struct rig){ .pid = -1, .reduced = true };
	start(r, tools, count, NULL);
	cr_assert(eq(int, (int)r->probe, PROBE_REDUCED));
}

static void
cgroups_remove(const struct rig *r)
{
	for (int i = 0; i < CGROUP_PART_LIMIT; i++)
		if (r->cgroup[i][0] != '\0')
			cr_expect(eq(int, rmdir(r->cgroup[i]), 0), "%s: a jail's is left in it", r->cgroup[i]);
}

void
rig_start_in_cgroups(struct rig *r, const struct rig_tool *tools, size_t count)
{
	static const char *const	parts[CGROUP_PART_LIMIT] = { "memory", "pids", "cpu", "freezer" };

	if (geteuid() != 0)
		cr_skip("cgroups of version 1 are made by root");
	*r = (struct rig){ .pid = -1 };
	for (int i = 0; i < CGROUP_PART_LIMIT; i++) {
		snprintf(r->cgroup[i], sizeof(r->cgroup[i]), "/sys/fs/cgroup/%s/spawner-test-%ld", parts[i],
		    (long)getpid());
		if (mkdir(r->cgroup[i], 0755) == -1) {
			r->cgroup[i][0] = '\0';
			cgroups_remove(r);
			cr_skip("no %s controller of version 1", parts[i]);
		}
		cr_assert(eq(int, chown(r->cgroup[i], NOBODY, NOBODY), 0));
	}
	start(r, tools, count, NULL);
}

int
rig_stop(struct rig *r)
{
	char	command[256];
	int	status = -1;

	fd_close(&r->master);
	fd_close(&r->runner);
	fd_close(&r->egress);
	while (waitpid(r->pid, &status, 0) == -1 && errno == EINTR)
		;
	cgroups_remove(r);
	snprintf(command, sizeof(command), "chmod -R u+rwX '%s'; rm -rf '%s'", r->folder, r->folder);
	cr_assert(eq(int, system(command), 0));
	return status;
}

void
rig_expect_failure(struct rig *r, enum jail_step step, const char *says)
{
	char	why[512];

	rig_expect(r, r->runner, MSG_TYPE_SPAWN_FAILED);
	snprintf(why, sizeof(why), "%.*s", SPAN_FMT(r->body.SPAWN_FAILED.why));
	cr_expect(eq(int, (int)r->body.SPAWN_FAILED.step, step), "%s", why);
	cr_expect(strstr(why, says) != NULL, "%s", why);
}
