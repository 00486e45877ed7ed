/* SPDX-License-Identifier: Apache-2.0
 *
 * rig.c - a real mcpgw-runner; the test plays its master, its spawner and its workers
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "claim.h"
#include "ipc/chan.h"
#include "ipc/frame.h"
#include "ipc/heritage.h"
#include "lib/fd.h"
#include "rig_priv.h"

#define LINK_IN	(2 * (LINK_PAYLOAD_MAX + sizeof(struct link_head)))

/* The runner is not dumpable, so its leaks cannot be looked for from outside. */
static char	*environment[] = {
#ifdef MCPGW_SANITIZED
	(char *)(uintptr_t)"ASAN_OPTIONS=detect_leaks=0",
#endif
	NULL
};

uint64_t
now_ms(void)
{
	struct timespec	t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void
rig_beside(const char *name, char *path, size_t bytes)
{
	ssize_t	n = readlink("/proc/self/exe", path, bytes - 1);
	char	*end;

	cr_assert(gt(long, n, 0));
	path[n] = '\0';
	for (int i = 0; i < 4; i++) {
		end = strrchr(path, '/');
		*end = '\0';
	}
	snprintf(path + strlen(path), bytes - strlen(path), "/%s", name);
}

uint64_t
rig_hash(const struct rig *r, int server)
{
	return 0x1000 + (uint64_t)server + (r->servers[server].version << 32);
}

void
rig_say(struct rig *r, uint16_t type, uint64_t ref, const void *msg)
{
	cr_assert(eq(int, chan_send_wait(r->control, type, ref, msg, NULL, 0), 0));
}

static void
say_fd(struct rig *r, uint16_t type, const void *msg, int fd)
{
	cr_assert(eq(int, chan_send_wait(r->control, type, 0, msg, &fd, 1), 0));
	close(fd);
}

void
rig_offer(struct rig *r, const struct rig_server *servers)
{
	struct msg_SNAPSHOT_OFFER	m = { .kind = SNAP_PROFILE, .generation = 7 };

	r->servers = servers;
	say_fd(r, MSG_TYPE_SNAPSHOT_OFFER, &m, rig_make_profile(r));
}

/* --- the master ---------------------------------------------------------------------------------- */

static void
from_runner(struct rig *r)
{
	char		 room[FRAME_MAX];
	struct frame	 f;
	union msg_any	 body;
	int		 res = chan_recv_wait(r->control, ROLE_MASTER, ROLE_RUNNER, r->ready, room, &f, &body);

	if (res != 0) {
		cr_expect(eq(int, res, E_CLOSED));
		close(r->control);
		r->control = -1;
		return;
	}
	switch (f.head.type) {
	case MSG_TYPE_READY:
		r->ready = true;
		break;
	case MSG_TYPE_PING:
		r->pongs += body.PING.token;
		break;
	case MSG_TYPE_SNAPSHOT_IN_FORCE:
		r->in_force++;
		break;
	case MSG_TYPE_SERVER_STATE:
		for (int i = 0; r->servers[i].name != NULL; i++) {
			struct rig_state	*s = &r->states[i];

			if (!span_is(body.SERVER_STATE.server, r->servers[i].name))
				continue;
			s->told = true;
			s->state = body.SERVER_STATE.state;
			s->instances = body.SERVER_STATE.instances;
			snprintf(s->error, sizeof(s->error), "%.*s", SPAN_FMT(body.SERVER_STATE.error));
		}
		break;
	default:
		break;
	}
	frame_close_fds(&f);
}

/* --- workers ------------------------------------------------------------------------------------- */

void
rig_frame(struct rig *r, int link, uint32_t bytes, uint16_t type, uint16_t flags, uint32_t call, uint32_t a,
    const void *payload)
{
	struct link_head	 h = { .bytes = bytes, .type = type, .flags = flags, .call = call, .a = a };
	struct iovec		 iov[2] = { { &h, sizeof(h) }, { (void *)(uintptr_t)payload, bytes } };
	size_t			 skip = 0;
	struct rig_link		*l = &r->links[link];

	while (!l->closed && skip < sizeof(h) + (payload == NULL ? 0 : bytes)) {
		struct msghdr	m = { .msg_iov = iov, .msg_iovlen = 2 };
		ssize_t		n;

		iov[0] = (struct iovec){ (char *)&h + (skip < sizeof(h) ? skip : sizeof(h)),
		    skip < sizeof(h) ? sizeof(h) - skip : 0 };
		iov[1] = (struct iovec){ (char *)(uintptr_t)payload + (skip < sizeof(h) ? 0 : skip - sizeof(h)),
		    payload == NULL ? 0 : skip < sizeof(h) ? bytes : bytes - (skip - sizeof(h)) };
		n = sendmsg(l->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n == -1 && errno == EAGAIN)
			rig_run(r, 5, NULL);
		else if (n == -1)
			return;
		else
			skip += (size_t)n;
	}
}

/* Part of a NOTE or ASK. */
static void
call_said(struct rig_call *c, const struct link_head *h, const char *payload)
{
	struct rig_said	*s = &c->said[c->said_count == 0 ? 0 : c->said_count - 1];

	must(c->said_count == 0 || s->whole || s->type == h->type, "messages of a call are mixed");
	if (c->said_count == 0 || s->whole) {
		/* Of those that do not fit the last one is kept. */
		if (c->said_count < RIG_SAID)
			c->said_count++;
		s = &c->said[c->said_count - 1];
		free(s->text);
		*s = (struct rig_said){ .type = h->type };
	}
	s->frames++;
	s->text = realloc(s->text, s->bytes + h->bytes + 1);
	memcpy(s->text + s->bytes, payload, h->bytes);
	s->bytes += h->bytes;
	s->text[s->bytes] = '\0';
	s->whole = (h->flags & LINK_FLAG_MORE) == 0;
	must((h->flags & ~LINK_FLAG_MORE) == 0 && (s->whole || h->bytes > 0));
}

static void
call_forget(struct rig_call *c)
{
	free(c->answer);
	for (int i = 0; i < c->said_count; i++)
		free(c->said[i].text);
	*c = (struct rig_call){ .credit = LINK_CREDIT_UP, .end = LINK_END_LIMIT };
}

static void
call_frame(struct rig *r, int link, const struct link_head *h, const char *payload)
{
	struct rig_call	*c = &r->links[link].calls[h->call % RIG_CALLS];

	must(!c->ended, "a frame of type %u after END of call %u", h->type, h->call);
	switch (h->type) {
	case LINK_CREDIT:
		c->credit += h->a;
		break;
	case LINK_ANSWER:
		must(!c->answered);
		c->answered = true;
		c->answer_flags = h->flags;
		c->id_span = h->b;
		c->answer_bytes = h->a;
		c->answer = malloc((size_t)h->a + 1);
		break;
	case LINK_BODY:
		must(c->answered && c->answer_have + h->bytes <= c->answer_bytes);
		memcpy(c->answer + c->answer_have, payload, h->bytes);
		c->answer_have += h->bytes;
		c->answer[c->answer_have] = '\0';
		if (!r->links[link].stingy)
			rig_frame(r, link, 0, LINK_CREDIT, 0, h->call, h->bytes, NULL);
		break;
	case LINK_NOTE:
	case LINK_ASK:
		call_said(c, h, payload);
		break;
	case LINK_END:
		must(c->said_count == 0 || c->said[c->said_count - 1].whole);
		c->ended = true;
		c->ended_ms = now_ms();
		c->end = (enum link_end)h->a;
		c->end_flags = h->flags;
		snprintf(c->text, sizeof(c->text), "%.*s", (int)h->bytes, payload);
		break;
	default:
		cr_fatal("frame of type %u from the runner", h->type);
	}
}

static void
event_frame(struct rig_link *l, const struct link_head *h, const char *payload)
{
	struct rig_event	*e = &l->events[l->event_count];

	must(h->call == 0 && h->flags == 0 && h->bytes >= sizeof(e->what));
	must(l->event_count++ < RIG_EVENTS, "more events than there is room for");
	memcpy(&e->what, payload, sizeof(e->what));
	snprintf(e->uri, sizeof(e->uri), "%.*s", (int)(h->bytes - sizeof(e->what)), payload + sizeof(e->what));
	e->at_ms = now_ms();
}

static void
from_link(struct rig *r, int link)
{
	struct rig_link		*l = &r->links[link];
	struct link_head	 h;
	ssize_t			 n = recv(l->fd, l->in + l->in_bytes, LINK_IN - l->in_bytes, MSG_DONTWAIT);
	size_t			 at = 0;

	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0) {
		l->closed = true;
		return;
	}
	l->in_bytes += (size_t)n;
	while (l->in_bytes - at >= sizeof(h)) {
		memcpy(&h, l->in + at, sizeof(h));
		cr_assert(le(int, (int)h.bytes, LINK_PAYLOAD_MAX));
		if (l->in_bytes - at - sizeof(h) < h.bytes)
			break;
		if (h.type == LINK_EVENT)
			event_frame(l, &h, l->in + at + sizeof(h));
		else
			call_frame(r, link, &h, l->in + at + sizeof(h));
		at += sizeof(h) + h.bytes;
	}
	memmove(l->in, l->in + at, l->in_bytes - at);
	l->in_bytes -= at;
}

void
rig_subscribe(struct rig *r, int link, uint16_t type, int server, uint64_t key, const char *uri)
{
	struct link_subscription	 what = { .profile = rig_hash(r, server), .instance = key };
	size_t				 n = strlen(uri);
	char				*payload = malloc(sizeof(what) + n);

	memcpy(payload, &what, sizeof(what));
	memcpy(payload + sizeof(what), uri, n);
	rig_frame(r, link, (uint32_t)(sizeof(what) + n), type, 0, 0, 0, payload);
	free(payload);
}

int
rig_link(struct rig *r)
{
	struct msg_WORKER_LINK	 m = { .incarnation = 1 };
	int			 pair[2], link = 0;

	while (r->links[link].in != NULL)
		link++;
	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0));
	r->links[link].fd = pair[0];
	r->links[link].in = malloc(LINK_IN);
	m.slot = (uint32_t)link;
	say_fd(r, MSG_TYPE_WORKER_LINK, &m, pair[1]);
	return link;
}

void
rig_unlink(struct rig *r, int link)
{
	struct rig_link	*l = &r->links[link];

	if (l->fd != -1)
		close(l->fd);
	l->fd = -1;
	l->closed = true;
}

void
rig_head(struct rig *r, int link, uint32_t call, int server, uint64_t key, uint32_t deadline_ms,
    const struct link_call *spans, uint16_t flags)
{
	struct link_call	 lc = *spans;
	const char		*name = r->servers[server].name;
	char			 payload[256];

	lc.profile = rig_hash(r, server);
	lc.instance = key;
	lc.deadline_ms = deadline_ms;
	lc.name_bytes = (uint32_t)strlen(name);
	memcpy(payload, &lc, sizeof(lc));
	memcpy(payload + sizeof(lc), name, strlen(name));
	call_forget(&r->links[link].calls[call % RIG_CALLS]);
	rig_frame(r, link, (uint32_t)(sizeof(lc) + strlen(name)), LINK_CALL, flags, call, 0, payload);
}

void
rig_send(struct rig *r, int link, uint32_t call, int server, uint64_t key, uint32_t deadline_ms, size_t pad)
{
	static const char	 begin[] = "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"tools/call\",\"params\":{\"name\":\"t\","
				    "\"_meta\":{\"progressToken\":\"client's\",\"modern\":true},\"arguments\":{\"pad\":\"";
	struct link_call	 lc = { .id.bytes = 1 };
	char			*body = malloc(sizeof(begin) + pad + 4);

	memcpy(body, begin, sizeof(begin) - 1);
	memset(body + sizeof(begin) - 1, 'p', pad);
	memcpy(body + sizeof(begin) - 1 + pad, "\"}}}", 5);
	lc.modern_meta.at = (uint32_t)(strstr(body, ",\"modern\"") - body);
	lc.modern_meta.bytes = sizeof(",\"modern\":true") - 1;
	rig_body(r, link, call, server, key, deadline_ms, &lc, 0, body);
	free(body);
}

void
rig_body(struct rig *r, int link, uint32_t call, int server, uint64_t key, uint32_t deadline_ms,
    const struct link_call *more, uint16_t flags, const char *body)
{
	struct rig_call		*c = &r->links[link].calls[call % RIG_CALLS];
	struct link_call	 lc = *more;
	size_t			 at = 0;

	lc.body_bytes = (uint32_t)strlen(body);
	lc.id = (struct link_span){ (uint32_t)(strstr(body, "\"id\":0,") + 5 - body), 1 };
	rig_head(r, link, call, server, key, deadline_ms, &lc, flags);
	while (at < lc.body_bytes && !c->ended && !r->links[link].closed) {
		size_t	n = lc.body_bytes - at < c->credit ? lc.body_bytes - at : c->credit;

		if (n > LINK_PAYLOAD_MAX)
			n = LINK_PAYLOAD_MAX;
		if (n == 0) {
			rig_run(r, 5, NULL);
			continue;
		}
		c->credit -= n;
		rig_frame(r, link, (uint32_t)n, LINK_BODY, 0, call, 0, body + at);
		at += n;
	}
}

struct rig_call *
rig_call(struct rig *r, int link, uint32_t call, int server, uint64_t key, uint32_t deadline_ms)
{
	struct rig_call	*c = &r->links[link].calls[call % RIG_CALLS];

	rig_send(r, link, call, server, key, deadline_ms, 0);
	rig_run(r, deadline_ms * 3 + 1000, &c->ended);
	must(c->ended, "no END for a call to %s (link closed %d, runner gone %d, status %x)",
	    r->servers[server].name, r->links[link].closed, r->exited, r->status);
	return c;
}

/* --- all together -------------------------------------------------------------------------------- */

static void
rig_turn(struct rig *r)
{
	struct pollfd	p[2 + RIG_LINKS + RIG_TOOLS];
	int		what[2 + RIG_LINKS + RIG_TOOLS], n = 0;

#define WATCH(fd_, what_) do { p[n] = (struct pollfd){ .fd = (fd_), .events = POLLIN }; what[n++] = (what_); } while (0)
	if (r->control != -1)
		WATCH(r->control, 0);
	if (r->spawner != -1)
		WATCH(r->spawner, 1);
	for (int i = 0; i < RIG_LINKS; i++)
		if (r->links[i].in != NULL && !r->links[i].closed)
			WATCH(r->links[i].fd, 100 + i);
	for (int i = 0; i < r->tool_count; i++)
		if (r->tools[i].life != -1)
			WATCH(r->tools[i].life, 200 + i);
	poll(p, (nfds_t)n, 2);
	for (int i = 0; i < n; i++) {
		if (p[i].revents == 0)
			continue;
		if (what[i] == 0) {
			from_runner(r);
		} else if (what[i] == 1) {
			rig_from_spawner(r);
		} else if (what[i] < 200) {
			from_link(r, what[i] - 100);
		} else {
			struct rig_tool	*t = &r->tools[what[i] - 200];

			t->life_closed_ms = now_ms();
			close(t->life);
			t->life = -1;
			kill(t->pid, SIGKILL);
		}
	}
	rig_look_at_tools(r);
}

void
rig_run(struct rig *r, uint64_t ms, const bool *flag)
{
	uint64_t	end = now_ms() + ms;

	while ((flag == NULL || !*flag) && now_ms() < end)
		rig_turn(r);
}

int
rig_fds(const struct rig *r)
{
	char	 path[64];
	DIR	*d;
	int	 n = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", r->runner);
	if ((d = opendir(path)) == NULL)
		return -1;
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

int
rig_tools_running(const struct rig *r, int server)
{
	int	n = 0;

	for (int i = 0; i < r->tool_count; i++)
		n += r->tools[i].server == server && !r->tools[i].gone;
	return n;
}

void
rig_begin(struct rig *r, const struct rig_server *servers)
{
	struct msg_BOOT		boot = { .incarnation = 1, .tenant = SPAN_LIT("default") };
	struct msg_PEER		peer = { .none_ = 0 };
	struct msg_GO		go = { .none_ = 0 };
	int			control[2], spawner[2];
	char			path[512];

	*r = (struct rig){ .servers = servers, .control = -1, .spawner = -1 };
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	must(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control));
	must(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, spawner));
	rig_beside("libexec/mcpgw/mcpgw-runner", path, sizeof(path));
	if ((r->runner = fork()) == 0) {
		int	null = open("/dev/null", O_RDWR);
		int	log = getenv("RIG_LOG") != NULL ? dup(2) : open("/dev/null", O_WRONLY);
		int	c = fcntl(control[1], F_DUPFD, 10), o = fcntl(log, F_DUPFD, 10);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(null, 0);
		dup2(null, 1);
		dup2(c, HERITAGE_CONTROL);
		dup2(o, HERITAGE_LOG);
		close_range(HERITAGE_LIMIT, ~0u, 0);
		execle(path, "mcpgw-runner", "0", NULL, environment);
		_exit(127);
	}
	close(control[1]);
	r->control = control[0];
	r->spawner = spawner[0];
	rig_say(r, MSG_TYPE_BOOT, 0, &boot);
	say_fd(r, MSG_TYPE_PEER, &peer, spawner[1]);
	rig_offer(r, servers);
	rig_say(r, MSG_TYPE_GO, 0, &go);
	rig_run(r, 5000, &r->ready);
	must(r->ready, "the runner did not say READY");
}

void
rig_end(struct rig *r)
{
	uint64_t	begin = now_ms();
	int		left = 0;

	if (r->control != -1)
		close(r->control);
	r->control = -1;
	rig_run(r, 2000, &r->exited);
	claim(r->exited, "the runner did not leave within 2 s of the master's end");
	claim(WIFEXITED(r->status), "the runner died with status %d", r->status);
	/* Its descriptors are closed by now, the lifelines with them. */
	while (rig_tools_running(r, 0) + left < 1000 && now_ms() < begin + 3000) {
		left = 0;
		for (int i = 0; i < r->tool_count; i++)
			left += !r->tools[i].gone;
		if (left == 0)
			break;
		rig_turn(r);
	}
	cr_expect(eq(int, left, 0));
	snap_release(&r->profile);
	rig_kill_left_behind(r);
	while (waitpid(-1, NULL, 0) > 0)
		;
	claim(errno == ECHILD);
	for (int i = 0; i < RIG_LINKS; i++) {
		rig_unlink(r, i);
		for (int k = 0; k < RIG_CALLS; k++)
			call_forget(&r->links[i].calls[k]);
		free(r->links[i].in);
	}
	if (r->spawner != -1)
		close(r->spawner);
}
