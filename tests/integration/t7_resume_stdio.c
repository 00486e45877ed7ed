/* SPDX-License-Identifier: Apache-2.0
 *
 * t7_resume_stdio.c - mcpgw-stdio comes back for what it missed, and its client hears nothing of that
 */
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/harness/bridge.h"
#include "tests/integration/resume.h"

#define WIRES_MAX	32

/* A relay before the gateway's socket, in a process of its own; SIGUSR1 breaks all that is open. */
static volatile sig_atomic_t	to_cut;

static void
on_signal(int signo)
{
	(void)signo;
	to_cut = 1;
}

static int
unix_socket(const char *path, bool listens)
{
	struct sockaddr_un	a = { .sun_family = AF_UNIX };
	int			fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (fd == -1 || (listens ? bind(fd, (struct sockaddr *)&a, sizeof(a)) == -1 || listen(fd, 16) == -1 :
	    connect(fd, (struct sockaddr *)&a, sizeof(a)) == -1))
		_exit(1);
	return fd;
}

/* p[0] listens; two and two behind it are the ends of a wire. */
static void
relay_turn(struct pollfd *p, nfds_t *n, const char *to)
{
	char	bytes[65536];
	ssize_t	got;

	for (nfds_t i = 1; i < *n; i++) {
		const nfds_t	other = i % 2 == 1 ? i + 1 : i - 1, first = i % 2 == 1 ? i : i - 1;

		if (!to_cut && p[i].revents == 0)
			continue;
		if (!to_cut && (got = recv(p[i].fd, bytes, sizeof(bytes), 0)) > 0 &&
		    send(p[other].fd, bytes, (size_t)got, MSG_NOSIGNAL) == got)
			continue;
		close(p[i].fd);
		close(p[other].fd);
		*n -= 2;
		p[first] = p[*n];
		p[first + 1] = p[*n + 1];
		i = first - 1;
	}
	to_cut = 0;
	if (p[0].revents != 0 && *n + 2 <= WIRES_MAX) {
		p[(*n)++] = (struct pollfd){ .fd = accept(p[0].fd, NULL, NULL), .events = POLLIN };
		p[(*n)++] = (struct pollfd){ .fd = unix_socket(to, false), .events = POLLIN };
	}
}

static pid_t
relay_start(const char *path, const char *to)
{
	struct pollfd	p[WIRES_MAX + 2];
	nfds_t		n = 1;
	int		fd = unix_socket(path, true);
	pid_t		pid = fork();

	if (pid != 0) {
		close(fd);
		return pid;
	}
	signal(SIGUSR1, on_signal);
	p[0] = (struct pollfd){ .fd = fd, .events = POLLIN };
	for (;;) {
		/* Signals come in between too, and are seen soon. */
		if (poll(p, n, 20) < 0)
			for (nfds_t i = 0; i < n; i++)
				p[i].revents = 0;
		relay_turn(p, &n, to);
	}
}

static void
expect_note(struct bridge *b, int step)
{
	json_object	*o = bridge_hear(b, SOON);

	cr_expect(json_int_at(o, "params.progress") == step, "not %d: %s", step, json_object_to_json_string(o));
	json_object_put(o);
}

Test(resume_stdio, hears_each_message_once_over_broken_connections, .timeout = 60)
{
	struct bridge	b;
	json_object	*o;
	char		path[320], *said;
	pid_t		relay;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .workers = 2, .rules = ASKING_RULES(""),
	    .conf = "anonymous_agent = one\nstream_after = 100ms\n",
	    .servers = "{\"mcpServers\":{\"old\":{\"command\":\"@TOOLS@/tests/asking-server\",\"args\":[\"legacy\"]}}}" });
	snprintf(path, sizeof(path), "%s/relay.sock", g.dir);
	relay = relay_start(path, g.local);
	setenv("MCPGW_SOCKET", path, 1);
	bridge_start(&b, &g, "--server", "old");
	cr_assert(bridge_initialize(&b));
	bridge_ask(&b, "1", "tools/call", "{\"name\":\"steps\"" STEPS(500) "}");
	expect_note(&b, 1);
	kill(relay, SIGUSR1);
	for (int i = 2; i <= 3; i++)
		expect_note(&b, i);
	kill(relay, SIGUSR1);
	expect_note(&b, 4);
	o = bridge_hear(&b, SOON);
	cr_expect_str_eq(json_text_at(o, "result.content[0].text"), "done", "%s", json_object_to_json_string(o));
	json_object_put(o);

	/* One that says nothing. */
	bridge_ask(&b, "2", "tools/call", "{\"name\":\"slow\",\"arguments\":{\"ms\":3000}}");
	sleep_ms(1000);
	kill(relay, SIGUSR1);
	o = bridge_hear(&b, SOON);
	cr_expect_str_eq(json_text_at(o, "result.content[0].text"), "slow", "%s", json_object_to_json_string(o));
	json_object_put(o);
	cr_expect(metric("stream_resumes_total") >= 3 && metric("stream_resumes_refused_total") == 0);
	cr_expect(bridge_end(&b, 10000) == 0);
	said = bridge_stderr(&b);
	cr_expect_str_eq(said, "", "%s", said);
	free(said);
	bridge_fini(&b);
	kill(relay, SIGKILL);
	waitpid(relay, NULL, 0);
	gateway_stop(&g);
}
