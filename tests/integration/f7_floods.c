/* SPDX-License-Identifier: Apache-2.0
 *
 * f7_floods.c - too many connections, too few descriptors, and clients who never come to an end (F14, F21)
 *
 * `make check-floods` does the same with thousands, and measures.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/integration/common.h"

#define FLOOD		300
#define DESCRIPTORS	96	/* more than any process of an idle gateway has */
#define TOO_MANY	130	/* connections for so few; who waits behind them is told at ten in a second */
#define SAID_MAX	512
#define CONF	"head_timeout = 2s\nidle_timeout = 60s\nmax_connections_address = 0\n"

static struct gateway	g;
static char		key[256];

static void
begin(unsigned workers, const char *conf)
{
	gateway_start(&g, &(struct gateway_setup){ .workers = workers, .servers = DEMO_SERVERS, .rules = DEMO_RULES,
	    .conf = conf });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "writer"));
}

static pid_t
pid_of(const char *program)
{
	struct procs		*p = malloc(sizeof(*p));
	const struct proc	*one;
	pid_t			 pid;

	gateway_procs(&g, p);
	one = procs_find(p, program, 0);
	cr_assert(one != NULL, "there is no %s", program);
	pid = one->pid;
	free(p);
	return pid;
}

/* Nanoseconds on CPU since its start. */
static unsigned long long
cpu_ns(pid_t pid)
{
	char			path[64];
	unsigned long long	ns = 0;
	FILE			*f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)pid);
	cr_assert((f = fopen(path, "r")) != NULL);
	cr_assert(fscanf(f, "%llu", &ns) == 1);
	fclose(f);
	return ns;
}

static rlim_t
highest_fd(pid_t pid)
{
	char	command[128];
	long	n = 0;
	FILE	*f;

	snprintf(command, sizeof(command), "ls /proc/%d/fd | sort -n | tail -n 1", (int)pid);
	cr_assert((f = popen(command, "r")) != NULL && fscanf(f, "%ld", &n) == 1);
	pclose(f);
	return (rlim_t)n;
}

/* Another process opens connections, so that this one's limit may be the gateway's. */
static struct {
	pid_t	pid;
	int	wire;
} flooder;

static int
flood_connect(const char *address)
{
	struct sockaddr_un	a = { .sun_family = AF_UNIX };
	struct client		c;
	int			fd;

	if (address[0] != '/')
		return client_open(&c, address) ? c.fd : -1;
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", address);
	if ((fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0)) != -1 &&
	    connect(fd, (struct sockaddr *)&a, sizeof(a)) == -1) {
		close(fd);
		fd = -1;
	}
	return fd;
}

struct flood {
	char	to[108], first[SAID_MAX];	/* what each connection says */
};

/* Opens TOO_MANY connections as it reads, and closes them at the next word. */
static void
flooder_run(int wire)
{
	struct flood	f;
	int		fd[TOO_MANY];

	while (read(wire, &f, sizeof(f)) == (ssize_t)sizeof(f)) {
		for (int i = 0; i < TOO_MANY; i++)
			if ((fd[i] = flood_connect(f.to)) != -1 && f.first[0] != '\0')
				(void)!send(fd[i], f.first, strlen(f.first), MSG_NOSIGNAL);
		(void)!write(wire, "1", 1);
		if (read(wire, f.to, 1) != 1)
			break;
		for (int i = 0; i < TOO_MANY; i++)
			if (fd[i] != -1)
				close(fd[i]);
		(void)!write(wire, "0", 1);
	}
	_exit(0);
}

/* From here on this process, and all it starts, have so many descriptors. */
static void
starve(rlim_t most)
{
	const struct rlimit	limit = { most, most };
	int			pair[2];

	cr_assert(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	cr_assert((flooder.pid = fork()) != -1);
	if (flooder.pid == 0) {
		close(pair[0]);
		flooder_run(pair[1]);
	}
	close(pair[1]);
	cr_assert(fcntl(pair[0], F_SETFD, FD_CLOEXEC) == 0);
	flooder.wire = pair[0];
	cr_assert(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

static void
flood_begin_saying(const char *address, const char *first)
{
	struct flood	f = { .to = "" };

	snprintf(f.to, sizeof(f.to), "%s", address);
	snprintf(f.first, sizeof(f.first), "%s", first);
	cr_assert(write(flooder.wire, &f, sizeof(f)) == (ssize_t)sizeof(f) && read(flooder.wire, f.to, 1) == 1);
}

static void
flood_begin(const char *address)
{
	flood_begin_saying(address, "");
}

static void
flood_end(void)
{
	char	word = 0;

	cr_assert(write(flooder.wire, &word, 1) == 1 && read(flooder.wire, &word, 1) == 1);
}

static void
flooder_end(void)
{
	close(flooder.wire);
	waitpid(flooder.pid, NULL, 0);
}

static bool
is_served(void)
{
	struct mcp	m;
	struct answer	a;
	bool		yes;

	mcp_init(&m, g.mcp, "/mcp/discovery", key);
	mcp_call(&m, "list_servers", "{\"agent_id\":\"writer\"}", &a);
	yes = json_at(a.json, "result") != NULL;
	answer_fini(&a);
	mcp_fini(&m);
	return yes;
}

static bool
is_served_soon(void)
{
	for (int i = 0; i < 100; i++, sleep_ms(50))
		if (is_served())
			return true;
	return false;
}

static void
open_all(struct client *c, size_t n, const char *address, const char *first)
{
	for (size_t i = 0; i < n; i++)
		if (!client_open(&c[i], address))
			c[i].fd = -1;
		else if (first[0] != '\0')
			(void)!client_send(&c[i], first, strlen(first));
}

static void
close_all(struct client *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (c[i].fd != -1)
			client_close(&c[i]);
}

/* Whose listener has no descriptor left does not spin. */
static void
expect_rest(pid_t pid)
{
	unsigned long long	ns = cpu_ns(pid);

	sleep_ms(1000);
	ns = cpu_ns(pid) - ns;
	cr_expect(ns < 300000000, "%llu ms of a second", ns / 1000000);
}

static bool
admin_answers(void)
{
	struct answer	a;
	int		status = 0;

	for (int i = 0; i < 100 && status != 200; i++, sleep_ms(50)) {
		client_once(g.admin, "GET", "/health", "", NULL, &a);
		status = a.status;
		answer_fini(&a);
	}
	return status == 200;
}

/* This program says that it is out of descriptors. */
static void
expect_logged(const char *program)
{
	char	*log = gateway_log(&g), *line, *save = NULL;
	bool	 found = false;

	for (line = strtok_r(log, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save))
		found |= strstr(line, program) != NULL && strstr(line, "warning: out of descriptors") != NULL;
	cr_expect(found, "%s says nothing", program);
	free(log);
}

Test(floods, who_has_no_descriptors_left_sheds_and_recovers, .timeout = 120)
{
	char	ctl[320], *said;
	int	code;

	NEEDS_JAILS();
	starve(DESCRIPTORS);
	begin(1, CONF);
	cr_assert(is_served());

	flood_begin(g.mcp);
	expect_rest(pid_of("mcpgw-worker"));
	expect_logged("mcpgw-worker[");
	flood_end();
	cr_expect(is_served_soon());

	flood_begin(g.admin);
	expect_rest(pid_of("mcpgw-admin"));
	expect_logged("mcpgw-admin[");
	flood_end();
	cr_expect(admin_answers());

	snprintf(ctl, sizeof(ctl), "%s/run/ctl.sock", g.dir);
	flood_begin(ctl);
	expect_rest(g.pid);
	code = gateway_ctl(&g, &said, true, "status", NULL);
	cr_expect(code == 75 && strstr(said, "no descriptors left") != NULL, "exit %d: %s", code, said);
	free(said);
	flood_end();
	sleep_ms(500);
	EXPECT_CTL(&g, 0, "mcpgw", "status");
	cr_expect(is_served());
	flooder_end();
	gateway_stop(&g);
}

/* A message of the master's that brings a descriptor is as good as any to a worker that has none left: it is not taken
 * for a broken one, and the worker's master for gone. */
Test(floods, who_has_no_descriptors_left_hears_its_master, .timeout = 120)
{
	struct procs	*before = malloc(sizeof(*before));
	char		 first[SAID_MAX];

	NEEDS_JAILS();
	starve(DESCRIPTORS);
	begin(1, "max_connections_address = 0\n");
	cr_assert(is_served());
	gateway_procs(&g, before);
	/* The body never comes; those who wait for nothing would make room. */
	snprintf(first, sizeof(first), "POST /mcp/discovery HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
	    "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\nContent-Length: 1000\r\n\r\n{",
	    key);
	flood_begin_saying(g.mcp, first);
	expect_rest(pid_of("mcpgw-worker"));
	expect_logged("mcpgw-worker[");
	for (int i = 0; i < 3; i++)
		EXPECT_CTL(&g, 0, "in force in 1 worker", "reload");
	cr_expect(gateway_deaths(before) == 0, "a process ended");
	cr_expect(gateway_logged(&g, "the master is gone") == 0, "the worker takes its master for gone");
	flood_end();
	cr_expect(is_served_soon());
	flooder_end();
	gateway_stop(&g);
	free(before);
}

/* Many of each kind; whoever behaves is served, and what they held is given back. */
Test(floods, clients_who_never_end_do_not_keep_others_out, .timeout = 120)
{
	static struct client	c[FLOOD];
	static const char *const kinds[] = { "", "POST /mcp HTTP/1.1\r\nHost: lo", "GET /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n" };

	NEEDS_JAILS();
	begin(1, CONF "max_connections = 200\nconnection_memory = 32MiB\n");
	cr_assert(is_served());
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		open_all(c, FLOOD, g.mcp, kinds[i]);
		cr_expect(is_served_soon(), "kind %zu", i);
		close_all(c, FLOOD);
	}
	cr_expect(is_served_soon());
	gateway_stop(&g);
}

/* What is no file's. */
static long
own_kib(pid_t pid)
{
	char	path[64];
	long	resident = 0, shared = 0;
	FILE	*f;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	cr_assert((f = fopen(path, "r")) != NULL && fscanf(f, "%*d %ld %ld", &resident, &shared) == 2);
	fclose(f);
	return (resident - shared) * (getpagesize() / 1024);
}

/* Heads of 7 KiB that do not end. */
Test(floods, that_are_over_leave_their_memory_to_others, .timeout = 60)
{
	static struct client	c[FLOOD];
	static char		head[7000];
	long			before, idle, most, after;
	pid_t			worker;

	NEEDS_JAILS();
	begin(1, "max_connections_address = 0\nconnection_memory = 64MiB\n");
	cr_assert(is_served());
	worker = pid_of("mcpgw-worker");
	before = own_kib(worker);
	memset(head, 'x', sizeof(head) - 1);
	memcpy(head, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", 46);
	/* Nobody's who had a request: nothing costs until its first byte. */
	open_all(c, FLOOD, g.mcp, "");
	cr_expect(is_served());
	idle = own_kib(worker);
	close_all(c, FLOOD);
	open_all(c, FLOOD, g.mcp, head);
	cr_expect(is_served_soon());
	sleep_ms(200);
	most = own_kib(worker);
	close_all(c, FLOOD);
	for (int i = 0; i < 60 && (after = own_kib(worker)) > before + (most - before) / 4; i++)
		sleep_ms(50);
	cr_log_info("%ld KiB, %ld in the flood, and %ld after it", before, most, after);
	if (patience(&g, 1) == 1) {
		cr_expect(idle < before + FLOOD, "%ld KiB, and %ld with connections that say nothing", before, idle);
		cr_expect(most > before + FLOOD * 4, "%ld KiB, and %ld in the flood", before, most);
		cr_expect(after <= before + (most - before) / 4, "%ld KiB, %ld in the flood, %ld after it", before, most, after);
	}
	cr_expect(is_served());
	gateway_stop(&g);
}

#define REQUESTS	16	/* the least that max_requests may be */

/* Requests that have begun and do not go on, of somebody with a key. */
Test(floods, of_requests_are_refused_unread_beyond_what_a_worker_may_be_at, .timeout = 60)
{
	static struct client	c[REQUESTS], streams[REQUESTS];
	char			head[1024];
	struct client		late;
	struct answer		a;
	struct mcp		old;

	NEEDS_JAILS();
	begin(1, CONF "max_requests = 16\nmax_connections_address = 0\n");
	cr_assert(is_served());
	/* What stays open without doing anything counts for none. */
	mcp_init(&old, g.mcp, "/servers/notes/mcp", key);
	cr_assert(mcp_initialize(&old) == 200);
	snprintf(head, sizeof(head), "GET /servers/notes/mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
	    "Mcp-Session-Id: %s\r\nMCP-Protocol-Version: " LEGACY_VERSION "\r\nAccept: text/event-stream\r\n\r\n", key, old.session);
	open_all(streams, 4, g.mcp, head);
	snprintf(head, sizeof(head), "POST /servers/notes/mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
	    "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\nContent-Length: 900\r\n\r\n{", key);
	open_all(c, REQUESTS - 1, g.mcp, head);
	sleep_ms(200);
	cr_expect(is_served(), "one fewer than there may be, and it is refused");
	cr_expect(gateway_metric(&g, "mcpgw_requests_shed_total") == 0);
	open_all(&c[REQUESTS - 1], 1, g.mcp, head);
	sleep_ms(200);
	cr_assert(client_open(&late, g.mcp));
	cr_assert(client_send(&late, head, strlen(head)));
	client_read(&late, 5000, &a);
	EXPECT_STATUS(a, 503, "one more");
	cr_expect(answer_header(&a, "Retry-After") != NULL && strstr(a.body, "OVERLOADED") != NULL, "%s", a.body);
	answer_fini(&a);
	client_close(&late);
	cr_expect(!is_served());
	cr_expect(gateway_metric(&g, "mcpgw_requests_shed_total") == 2, "%g", gateway_metric(&g, "mcpgw_requests_shed_total"));
	EXPECT_CTL(&g, 0, "", "status");
	close_all(&c[REQUESTS - 1], 1);
	cr_expect(is_served_soon(), "there is room again");
	close_all(c, REQUESTS - 1);
	close_all(streams, 4);
	mcp_fini(&old);
	gateway_stop(&g);
}

Test(floods, one_address_may_have_so_many_connections, .timeout = 120)
{
	static struct client	c[8];
	struct client		late;
	struct answer		a;

	NEEDS_JAILS();
	begin(1, "max_connections_address = 8\n");
	open_all(c, 8, g.mcp, "");
	sleep_ms(200);
	cr_assert(client_open(&late, g.mcp));
	client_read(&late, 5000, &a);
	EXPECT_STATUS(a, 429, "the ninth");
	cr_expect(answer_header(&a, "Retry-After") != NULL);
	answer_fini(&a);
	client_close(&late);
	close_all(c, 8);
	cr_expect(is_served_soon());
	gateway_stop(&g);
}

/* Connections that are gone without a word, and such that are reset in their first moment. */
Test(floods, peers_that_vanish_or_reset_leave_nothing_behind, .timeout = 120)
{
	static struct client	c[FLOOD];
	const struct linger	reset = { 1, 0 };
	int			on = 1;
	rlim_t			before;

	NEEDS_JAILS();
	begin(1, CONF);
	cr_assert(is_served());
	before = highest_fd(pid_of("mcpgw-worker"));
	open_all(c, FLOOD, g.mcp, "");
	for (size_t i = 0; i < FLOOD; i++) {
		/* In repair nothing is said when it is closed; where that is not allowed it is reset like the others. */
		if (i % 2 == 0 || setsockopt(c[i].fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)) == -1)
			(void)setsockopt(c[i].fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		client_close(&c[i]);
	}
	cr_expect(is_served_soon());
	/* Those who vanished have no more time than for a first byte. */
	for (int i = 0; i < 100 && highest_fd(pid_of("mcpgw-worker")) > before + 20; i++)
		sleep_ms(100);
	cr_expect(highest_fd(pid_of("mcpgw-worker")) <= before + 20);
	gateway_stop(&g);
}

/* Whom a proxy speaks for is who rules and records go by; whoever else says so is not believed. */
Test(floods, trusted_proxies_say_who_it_is, .timeout = 120)
{
	static const char	rules[] = "{\"agents\":{\"writer\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"clock\":["
	    "{\"tool\":\"now\",\"when\":{\"IpAddress\":{\"client_address\":\"192.0.2.0/24\"}}}]}}}}}";
	struct mcp	m;
	struct answer	a;
	json_object	*records;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .workers = 1, .servers = DEMO_SERVERS, .rules = rules,
	    .conf = "trusted_proxies = 127.0.0.0/8 ::1\n" });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "writer"));
	mcp_init(&m, g.mcp, "/servers/clock/mcp", key);
	m.more = "X-Forwarded-For: 10.9.9.9, 192.0.2.7\r\n";
	mcp_call(&m, "now", "{}", &a);
	cr_expect(json_at(a.json, "result") != NULL, "%s", a.body);
	answer_fini(&a);
	m.more = "X-Forwarded-For: 192.0.2.7, 198.51.100.1\r\n";
	mcp_call(&m, "now", "{}", &a);
	cr_expect(json_at(a.json, "result") == NULL, "%s", a.body);
	answer_fini(&a);
	m.more = "X-Forwarded-For: 192.0.2.7, unknown\r\n";
	mcp_call(&m, "now", "{}", &a);
	cr_expect(json_at(a.json, "result") == NULL, "%s", a.body);
	answer_fini(&a);
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "client", "192.0.2.7") == 1);
	cr_expect(audit_count(records, "client", "198.51.100.1") == 1);
	cr_expect(audit_count(records, "client", "127.0.0.1") == 0);
	json_object_put(records);
	gateway_write(&g, "mcpgw.conf", "trusted_proxies = 10.0.0.1/8\n");
	EXPECT_CTL(&g, 78, "did you mean another prefix?", "check");
	mcp_fini(&m);
	gateway_stop(&g);
}
