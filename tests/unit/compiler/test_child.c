/* SPDX-License-Identifier: Apache-2.0
 *
 * test_child.c - the real mcpgw-compile, with the test as its master
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "ipc/heritage.h"
#include "ipc/wait.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "policy/policy.h"
#include "tests/unit/compiler/compile.h"

#define WAIT_MS	10000

struct master {
	pid_t		 pid;
	int		 control;
	bool		 ready;
	const char	*secret;	/* the file that is ${secret:TOKEN} */
	char		 room[FRAME_MAX];
	/* what came back */
	unsigned	 notes, secrets_asked;
	char		 note[2100];
	struct msg_COMPILE_DONE done;
	struct snap	*made[8];
	char		 consumer[8][64];
	unsigned	 made_count;
};

static void
program_path(char path[4096])
{
	ssize_t	n = readlink("/proc/self/exe", path, 3000);

	cr_assert(gt(long, (long)n, 0));
	path[n] = '\0';
	for (int i = 0; i < 4; i++)	/* BUILD/tests/unit/compiler/unit */
		*strrchr(path, '/') = '\0';
	strcat(path, "/libexec/mcpgw/mcpgw-compile");
}

static void
start(struct master *m, const char *folder)
{
	char	path[4096], *argv[] = { path, "0", "-c", (char *)(uintptr_t)folder, "-o", "watch=yes", NULL };
	char	*env[] = { "PATH=/usr/bin:/bin", "FROM_ENV=hello", "ASAN_OPTIONS=detect_leaks=0", NULL };
	int	pair[2];

	program_path(path);
	*m = (struct master){ 0 };
	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0));
	if ((m->pid = fork()) == 0) {
		int null = open("/dev/null", O_RDWR);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(null, 0);
		dup2(null, 1);
		dup2(pair[1], HERITAGE_LIMIT);
		dup2(HERITAGE_LIMIT, HERITAGE_CONTROL);
		dup2(2, HERITAGE_LOG);
		close_range(HERITAGE_LIMIT, ~0u, 0);
		execve(path, argv, env);
		_exit(127);
	}
	close(pair[1]);
	m->control = pair[0];
}

static void
say(struct master *m, uint16_t type, const void *msg, int fd)
{
	cr_assert(eq(int, chan_send_wait(m->control, type, 0, msg, &fd, fd == -1 ? 0 : 1), 0));
}

static void
give_job(struct master *m, uint32_t what, uint64_t generation, int dump)
{
	struct msg_BOOT		boot = { .tenant = SPAN_NONE };
	struct msg_COMPILE_JOB	job = { .what = what, .generation = generation };
	struct msg_GO		go = { 0 };

	say(m, MSG_TYPE_BOOT, &boot, -1);
	say(m, MSG_TYPE_COMPILE_JOB, &job, dump);
	say(m, MSG_TYPE_GO, &go, -1);
}

static void
answer_secret(struct master *m, struct span name)
{
	struct msg_SECRET	secret = { .name = name };
	struct msg_SECRET_NONE	none = { .name = name, .why = SPAN_LIT("no such secret") };
	struct msg_PING		ping = { .token = 5 };
	int			fd;

	m->secrets_asked++;
	say(m, MSG_TYPE_PING, &ping, -1);	/* in the middle of its question */
	if (!span_is(name, "TOKEN")) {
		say(m, MSG_TYPE_SECRET_NONE, &none, -1);
		return;
	}
	fd = open(m->secret, O_RDONLY | O_CLOEXEC);
	cr_assert(ne(int, fd, -1));
	say(m, MSG_TYPE_SECRET, &secret, fd);
	fd_close(&fd);
}

/* Serves the compiler until COMPILE_DONE; answers its exit code. */
static int
serve(struct master *m)
{
	struct pollfd	p = { .fd = m->control, .events = POLLIN };
	union msg_any	b;
	struct frame	f;
	int		status;

	for (bool done = false; !done; frame_close_fds(&f)) {
		cr_assert(eq(int, poll(&p, 1, WAIT_MS), 1), "the compiler says nothing");
		cr_assert(eq(int, chan_recv_wait(m->control, ROLE_MASTER, ROLE_COMPILE, m->ready, m->room, &f,
		    &b), 0));
		switch (f.head.type) {
		case MSG_TYPE_READY:
			m->ready = true;
			break;
		case MSG_TYPE_COMPILE_NOTE:
			m->notes++;
			snprintf(m->note, sizeof(m->note), "%u %.*s", b.COMPILE_NOTE.level,
			    SPAN_FMT(b.COMPILE_NOTE.line));
			break;
		case MSG_TYPE_SECRET_WANT:
			answer_secret(m, b.SECRET_WANT.name);
			break;
		case MSG_TYPE_PING:
			cr_expect(eq(u64, b.PING.token, 5));
			break;
		case MSG_TYPE_COMPILE_MADE:
			cr_assert(lt(uint, m->made_count, 8));
			cr_assert(eq(int, snap_map(f.fds[0], &m->made[m->made_count]), 0));
			cr_expect(eq(u32, snap_head(m->made[m->made_count])->kind, b.COMPILE_MADE.kind));
			cr_expect(eq(u64, snap_head(m->made[m->made_count])->length, b.COMPILE_MADE.length));
			snprintf(m->consumer[m->made_count++], 64, "%.*s", SPAN_FMT(b.COMPILE_MADE.consumer));
			break;
		case MSG_TYPE_COMPILE_DONE:
			m->done = b.COMPILE_DONE;
			done = true;
			break;
		default:
			cr_expect(false, "unexpected message %u", f.head.type);
		}
	}
	cr_assert(eq(int, waitpid(m->pid, &status, 0), m->pid));
	fd_close(&m->control);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static const struct snap *
made(const struct master *m, enum snap_kind kind, const char *consumer)
{
	for (unsigned i = 0; i < m->made_count; i++)
		if (snap_head(m->made[i])->kind == kind && strcmp(m->consumer[i], consumer) == 0)
			return m->made[i];
	return NULL;
}

static void
end(struct master *m)
{
	for (unsigned i = 0; i < m->made_count; i++)
		snap_release(&m->made[i]);
}

static int
dump_of(unsigned count)
{
	struct build	*b;
	uint64_t	 length;
	int		 fd;

	cr_assert(eq(int, build_new(SNAP_DUMP, "", &b), 0));
	for (unsigned i = 0; i < count; i++) {
		struct rec_key k = { .created_ms = i };

		k.digest[0] = (uint8_t)(i * 7);		/* not in order from 37 on */
		cr_assert(eq(int, build_text(b, SPAN_LIT("backend"), &k.agent), 0));
		cr_assert(eq(int, build_add(b, SECTION_KEY, &k, NULL), 0));
	}
	cr_assert(eq(int, build_seal(b, 1, &fd, &length), 0));
	build_free(&b);
	return fd;
}

static void
write_servers(const char *folder, const char *secret)
{
	char	text[400];

	snprintf(text, sizeof(text), "{\"mcpServers\": {\"t\": {\"command\": \"true\", "
	    "\"args\": [\"${FROM_ENV}\"], \"env\": {\"A\": \"${secret:%s}\"}}, "
	    "\"web\": {\"url\": \"http://localhost:1/mcp\"}}}", secret);
	scratch_write(folder, "servers.json", text, 0644);
}

Test(child, makes_everything_that_was_asked_for, .timeout = 30)
{
	const struct rec_server	*web;
	const struct snap	*s;
	uint8_t			 digest[32] = { (uint8_t)(40 * 7) };
	struct master		 m;
	char			 folder[64], secret[80];
	int			 dump = dump_of(50);

	scratch_new(folder);
	scratch_write(folder, "elsewhere", "t0ken\n", 0600);
	snprintf(secret, sizeof(secret), "%s/elsewhere", folder);
	write_servers(folder, "TOKEN");
	start(&m, folder);
	m.secret = secret;
	give_job(&m, COMPILE_POLICY | COMPILE_KEYS, 9, dump);
	cr_expect(eq(int, serve(&m), EX_OK));
	cr_expect(m.ready);
	cr_expect(eq(u32, m.done.errors, 0));
	cr_expect(eq(uint, m.made_count, 6));
	cr_expect(eq(uint, m.secrets_asked, 1));
	s = made(&m, SNAP_POLICY, "");
	cr_assert(s != NULL);
	cr_expect(eq(u64, snap_head(s)->generation, 9));
	cr_expect(policy_server_find(s, SPAN_LIT("default"), SPAN_LIT("t")) != NULL);
	web = policy_server_find(s, SPAN_LIT("default"), SPAN_LIT("web"));
	cr_assert(web != NULL);
	cr_expect(gt(u32, web->address_count, 0), "names are resolved in confinement too");
	s = made(&m, SNAP_PROFILE, "default");
	cr_assert(s != NULL);
	cr_expect(eq(str, (char *)snap_cstr(s, ((const struct rec_arg *)snap_at(s, SECTION_ARG, 1))->text),
	    "hello"));
	s = made(&m, SNAP_SECRETS, "default");
	cr_assert(s != NULL);
	cr_expect(eq(str, (char *)snap_cstr(s, ((const struct rec_secret *)snap_at(s, SECTION_SECRET, 0))->value),
	    "t0ken"));
	cr_expect(made(&m, SNAP_SECRETS, "worker") != NULL);
	cr_expect(made(&m, SNAP_SECRETS, SCOUT_CONSUMER) != NULL);
	s = made(&m, SNAP_KEYS, "");
	cr_assert(s != NULL);
	cr_expect(eq(u64, snap_count(s, SECTION_KEY), 50));
	cr_assert(policy_key_find(s, digest) != NULL);
	cr_expect(span_is(snap_text(s, policy_key_find(s, digest)->agent), "backend"));
	end(&m);
	fd_close(&dump);
	scratch_remove(folder);
}

Test(child, keys_alone_read_no_text, .timeout = 30)
{
	struct master	m;
	char		folder[64];
	int		dump = dump_of(1);

	scratch_new(folder);
	scratch_write(folder, "mcpgw.conf", "this is wrong\n", 0644);
	scratch_write(folder, "rules.json", "{", 0644);
	start(&m, folder);
	give_job(&m, COMPILE_KEYS, 2, dump);
	cr_expect(eq(int, serve(&m), EX_OK));
	cr_expect(eq(uint, m.notes, 0));
	cr_expect(eq(uint, m.made_count, 1));
	cr_expect(made(&m, SNAP_KEYS, "") != NULL);
	end(&m);
	fd_close(&dump);
	scratch_remove(folder);
}

Test(child, no_store_yet_means_no_keys, .timeout = 30)
{
	struct master	m;
	char		folder[64];
	int		null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	scratch_new(folder);
	start(&m, folder);
	give_job(&m, COMPILE_KEYS, 2, null);
	cr_expect(eq(int, serve(&m), EX_OK));
	cr_assert(made(&m, SNAP_KEYS, "") != NULL);
	cr_expect(eq(u64, snap_count(made(&m, SNAP_KEYS, ""), SECTION_KEY), 0));
	end(&m);
	fd_close(&null);
	scratch_remove(folder);
}

Test(child, parameters_alone_need_nothing_else, .timeout = 30)
{
	struct master	m;
	char		folder[64];
	int		null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	scratch_new(folder);
	scratch_write(folder, "rules.json", "{", 0644);
	start(&m, folder);
	give_job(&m, COMPILE_PARAMS, 2, null);
	cr_expect(eq(int, serve(&m), EX_OK));
	cr_expect(eq(uint, m.made_count, 1));
	cr_assert(made(&m, SNAP_POLICY, "") != NULL);
	cr_expect(eq(u64, SNAP_AT(made(&m, SNAP_POLICY, ""), PARAM, PARAM_ID_watch)->number, 1));
	end(&m);
	fd_close(&null);
	scratch_remove(folder);
}

/* One row each: what is wrong, and the note that says so. */
Test(child, after_an_error_nothing_is_handed_over, .timeout = 60)
{
	static const struct {
		const char	*file, *text, *note;
	} rows[] = {
		{ "servers.json", NULL, "3 servers.json:1:80: error: mcpServers.t.env.A: ${secret:ABSENT}: "
		    "no such secret. To keep its value: mcpgwctl secret set ABSENT < FILE" },
		{ "rules.json", "{\"agents\": {", "3 rules.json:1:13: error: the text ends too early: "
		    "is the file whole?" },
		{ "mcpgw.conf", "watch = maybe\n", NULL },
	};
	struct master	m;
	char		folder[64];
	int		dump = dump_of(1);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		scratch_new(folder);
		if (rows[i].text == NULL)
			write_servers(folder, "ABSENT");
		else
			scratch_write(folder, rows[i].file, rows[i].text, 0644);
		start(&m, folder);
		give_job(&m, COMPILE_POLICY | COMPILE_KEYS, 2, dump);
		/* -o watch=yes beats the file, so the last row is no error */
		cr_expect(eq(int, serve(&m), rows[i].note == NULL ? EX_OK : EX_CONFIG), "row %zu", i);
		cr_expect(eq(uint, m.made_count, rows[i].note == NULL ? 6 : 0), "row %zu", i);
		cr_expect(eq(u32, m.done.errors, rows[i].note == NULL ? 0 : 1), "row %zu", i);
		if (rows[i].note != NULL)
			cr_expect(eq(str, m.note, (char *)rows[i].note), "row %zu", i);
		end(&m);
		scratch_remove(folder);
	}
	fd_close(&dump);
}

Test(child, a_dump_that_is_no_dump_is_refused, .timeout = 30)
{
	struct master	m;
	char		folder[64];
	int		fd;

	scratch_new(folder);
	cr_assert(eq(int, fd_memfd_sealed("lie", SPAN_LIT("MCPGWSNP and nothing more"), &fd), 0));
	start(&m, folder);
	give_job(&m, COMPILE_POLICY | COMPILE_KEYS, 2, fd);
	cr_expect(eq(int, serve(&m), EX_CONFIG));
	cr_expect(eq(uint, m.made_count, 0));
	cr_expect(eq(str, m.note, "3 store: error: the dump of the keys is unusable: malformed"));
	end(&m);
	fd_close(&fd);
	scratch_remove(folder);
}

Test(child, leaves_when_the_master_is_gone, .timeout = 30)
{
	struct master	m;
	char		folder[64];
	int		status;

	scratch_new(folder);
	start(&m, folder);
	fd_close(&m.control);
	cr_assert(eq(int, waitpid(m.pid, &status, 0), m.pid));
	cr_expect(eq(int, WTERMSIG(status), 0));
	scratch_remove(folder);
}

/* Root's check too sees what the compiler's user will see. */
Test(check, tells_a_closed_folder_from_an_absent_program, .timeout = 30)
{
	char	folder[64], path[4096], command[4600], text[256], out[1024];
	size_t	n;
	FILE	*f;

	program_path(path);
	scratch_new(folder);
	snprintf(text, sizeof(text), "{\"mcpServers\":{\"a\":{\"command\":\"%s/closed/tool\"},"
	    "\"b\":{\"command\":\"/absent\"},\"c\":{\"command\":\"/usr/bin/true\"}}}", folder);
	scratch_write(folder, "servers.json", text, 0644);
	scratch_write(folder, "closed/tool", "#!/bin/sh\n", 0755);
	snprintf(command, sizeof(command), "chmod 755 %s; chmod 0 %s/closed; %s -t %s -c %s 2>&1; chmod 755 %s/closed",
	    folder, folder, path, geteuid() == 0 ? "" : "-p", folder, folder);
	f = popen(command, "r");
	cr_assert(f != NULL);
	n = fread(out, 1, sizeof(out) - 1, f);
	out[n] = '\0';
	pclose(f);
	cr_expect(strstr(out, "mcpServers.a.command: ") != NULL && strstr(out, "cannot get there") != NULL, "%s", out);
	cr_expect(strstr(out, "/absent: no such program") != NULL, "%s", out);
	cr_expect(strstr(out, "0 errors, 2 warnings") != NULL, "%s", out);
	scratch_remove(folder);
}
