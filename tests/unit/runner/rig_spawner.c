/* SPDX-License-Identifier: Apache-2.0
 *
 * rig_spawner.c - the rig's spawner: starts lying-server or puppet-server, and ends it as a jail would
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "claim.h"
#include "ipc/wait.h"
#include "policy/policy.h"
#include "policy/words.h"
#include "rig_priv.h"
#include "sandbox/jail.h"

static void
spawner_say(struct rig *r, uint16_t type, uint64_t ref, const void *msg, const int *fds, unsigned count)
{
	if (r->spawner != -1)
		(void)!chan_send_wait(r->spawner, type, ref, msg, fds, count);
}

/* In the child: its socket() calls are answered by whoever holds the listener; tells its number, and
 * waits until it was taken. */
static void
watch_sockets(int tell, int taken)
{
	struct sock_filter	code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog	program = { .len = 4, .filter = code };
	int			fd;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
	if (write(tell, &fd, sizeof(fd)) != sizeof(fd) || read(taken, &fd, 1) != 1)
		_exit(126);
}

/* The arguments of a native, after the program's name. */
struct words {
	char	*argv[16];
	int	 count;
};

static int
take_word(const struct word *word, void *arg)
{
	struct words	*w = arg;

	w->argv[w->count++] = strndup(word->text.p, word->text.n);
	return 0;
}

/* As the real one does, of the profile it was given. */
static void
native_words(struct rig *r, const struct msg_SPAWN_NATIVE *m, struct words *w)
{
	static struct slot_values	 values;
	const struct rec_profile	*p = policy_profile_find(r->profile, m->profile);
	const struct rec_tool		*t;
	char				 why[200];

	w->argv[w->count++] = strdup("native-tool");
	must(p != NULL && slots_decode(m->values, &values) == 0);
	t = SNAP_AT(r->profile, TOOL, (uint64_t)p->tool_first + m->tool);
	must(t != NULL && slots_check(r->profile, t, &values, SLOT_FLAG_ARGS, why, sizeof(why)) == 0);
	must(words_expand(r->profile, t, &values, take_word, w, why, sizeof(why)) == 0);
	w->argv[w->count] = NULL;
}

static void
spawn(struct rig *r, uint64_t ref, const struct msg_SPAWN *m, const struct msg_SPAWN_NATIVE *native)
{
	struct msg_SPAWN_FAILED		 failed = { .why = SPAN_LIT("the rig refuses") };
	struct msg_SPAWNED		 spawned;
	struct msg_SPAWNED_WATCH	 watch;
	struct rig_tool			*t = &r->tools[r->tool_count];
	int				 in[2], out[2], err[2], life[2], tell[2], taken[2], fds[2];
	int				 server = -1, listener;
	char				 path[512];
	struct words			 words = { .count = 0 };
	bool				 puppet;

	for (int i = 0; r->servers[i].name != NULL; i++)
		if (rig_hash(r, i) == m->profile && span_is(m->server, r->servers[i].name))
			server = i;
	if (server == -1 || r->servers[server].spawn_fails) {
		failed.step = server == -1 ? JAIL_STEP_REQUEST : r->servers[server].spawn_fails;
		failed.error = server != -1 && r->servers[server].spawn_error != 0 ? r->servers[server].spawn_error :
		    E_NOTFOUND;
		spawner_say(r, MSG_TYPE_SPAWN_FAILED, ref, &failed, NULL, 0);
		return;
	}
	for (int i = 0; native == NULL && i < r->tool_count; i++)
		claim(r->tools[i].gone || r->tools[i].server != server || r->tools[i].key != m->instance,
		    "two tools of %s with one key", r->servers[server].name);
	cr_assert(lt(int, r->tool_count++, RIG_TOOLS));
	must(!pipe2(in, O_CLOEXEC) && !pipe2(out, O_CLOEXEC) && !pipe2(err, O_CLOEXEC) &&
	    !pipe2(life, O_CLOEXEC) && !pipe2(tell, O_CLOEXEC) && !pipe2(taken, O_CLOEXEC));
	*t = (struct rig_tool){ .server = server, .key = m->instance, .life = life[0], .from_ms = now_ms() };
	puppet = native == NULL && strcmp(r->servers[server].mode, "puppet") == 0;
	if (native != NULL)
		native_words(r, native, &words);
	rig_beside(native != NULL ? "tests/native-tool" : puppet ? "tests/puppet-server" : "tests/lying-server", path,
	    sizeof(path));
	if ((t->pid = fork()) == 0) {
		setsid();
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (r->servers[server].watched)
			watch_sockets(tell[1], taken[0]);
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		if (native != NULL)
			execv(path, words.argv);
		if (puppet)
			execl(path, "puppet-server", r->servers[server].n, NULL);
		execl(path, "lying-server", r->servers[server].mode, r->servers[server].n, NULL);
		_exit(127);
	}
	for (int i = 0; i < words.count; i++)
		free(words.argv[i]);
	close(in[0]);
	close(out[1]);
	close(err[1]);
	spawned.pid = watch.pid = (uint32_t)t->pid;
	spawner_say(r, MSG_TYPE_SPAWNED, ref, &spawned, (int[]){ in[1], out[0], err[0], life[1] }, 4);
	close(in[1]);
	close(out[0]);
	close(err[0]);
	close(life[1]);
	fds[0] = (int)syscall(SYS_pidfd_open, t->pid, 0);
	if (r->servers[server].watched) {
		must(read(tell[0], &listener, sizeof(listener)) == sizeof(listener) && listener != -1);
		fds[1] = (int)syscall(SYS_pidfd_getfd, fds[0], listener, 0);
		must(fds[1] != -1 && write(taken[1], "", 1) == 1);
	} else {
		fds[1] = fcntl(fds[0], F_DUPFD_CLOEXEC, 3);
	}
	close(tell[0]);
	close(tell[1]);
	close(taken[0]);
	close(taken[1]);
	spawner_say(r, MSG_TYPE_SPAWNED_WATCH, ref, &watch, fds, 2);
	close(fds[0]);
	close(fds[1]);
}

/* The jail ends with its tool: what a tool has left behind was given to us, the subreaper. */
void
rig_kill_left_behind(struct rig *r)
{
	char	 path[64], line[256], comm[64], state;
	FILE	*f;
	DIR	*proc = opendir("/proc");
	int	 pid, parent;

	for (struct dirent *d; proc != NULL && (d = readdir(proc)) != NULL;) {
		bool	known = false;

		if ((pid = (int)strtol(d->d_name, NULL, 10)) <= 0 || pid == r->runner)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		if ((f = fopen(path, "r")) == NULL)
			continue;
		parent = 0;
		if (fgets(line, sizeof(line), f) != NULL)
			sscanf(line, "%*d (%63[^)]) %c %d", comm, &state, &parent);
		fclose(f);
		for (int i = 0; i < r->tool_count; i++)
			known = known || (r->tools[i].pid == pid && !r->tools[i].gone);
		if (parent == getpid() && !known)
			kill(pid, SIGKILL);
	}
	if (proc != NULL)
		closedir(proc);
}

void
rig_look_at_tools(struct rig *r)
{
	struct msg_SPAWN_EXITED	m;
	int			status;
	pid_t			pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == r->runner) {
			r->exited = true;
			r->status = status;
			r->exited_ms = now_ms();
			continue;
		}
		for (int i = 0; i < r->tool_count; i++) {
			struct rig_tool	*t = &r->tools[i];

			if (t->pid != pid || t->gone)
				continue;
			t->gone = true;
			t->to_ms = now_ms();
			if (t->life != -1)
				close(t->life);
			t->life = -1;
			rig_kill_left_behind(r);
			m = (struct msg_SPAWN_EXITED){ .pid = (uint32_t)pid, .status = status };
			if (!r->servers[t->server].ends_unsaid)
				spawner_say(r, MSG_TYPE_SPAWN_EXITED, 0, &m, NULL, 0);
		}
	}
}

void
rig_from_spawner(struct rig *r)
{
	char		 room[FRAME_MAX];
	struct frame	 f;
	union msg_any	 body;

	if (chan_recv_wait(r->spawner, ROLE_SPAWNER, ROLE_RUNNER, true, room, &f, &body) != 0) {
		close(r->spawner);
		r->spawner = -1;
		return;
	}
	if (f.head.type == MSG_TYPE_SPAWN)
		spawn(r, f.head.ref, &body.SPAWN, NULL);
	if (f.head.type == MSG_TYPE_SPAWN_NATIVE)
		spawn(r, f.head.ref, &(struct msg_SPAWN){ .profile = body.SPAWN_NATIVE.profile,
		    .server = body.SPAWN_NATIVE.server }, &body.SPAWN_NATIVE);
	frame_close_fds(&f);
}
