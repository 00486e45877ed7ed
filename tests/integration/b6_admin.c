/* SPDX-License-Identifier: Apache-2.0
 *
 * b6_admin.c - mcpgw-admin: health and metrics, also when nobody else answers, and what becomes of others without it
 */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/exposition.h"
#include "tests/integration/common.h"

/* The workers of `g`, all of them. */
static void
signal_workers(const struct gateway *g, int signo)
{
	struct procs	*p = malloc(sizeof(*p));

	gateway_procs(g, p);
	for (size_t i = 0; i < p->count; i++)
		if (strcmp(p->all[i].name, "mcpgw-worker") == 0)
			cr_expect(kill(p->all[i].pid, signo) == 0);
	free(p);
}

struct path {
	const char	*address, *path;
	int		 want;
};

static int
status_of(const char *address, const char *path)
{
	struct answer	a;
	int		status;

	client_once(address, "GET", path, "", NULL, &a);
	status = a.status;
	answer_fini(&a);
	return status;
}

static bool
has_status(void *arg)
{
	const struct path	*p = arg;

	return status_of(p->address, p->path) == p->want;
}

static bool
comes_to(const struct gateway *g, const char *path, int status)
{
	struct path	p = { g->admin, path, status };

	return wait_until(has_status, &p, patience(g, 10000));
}

/* Everything of /metrics; malloc'ed. */
static char *
scrape(const struct gateway *g)
{
	struct answer	a;
	char		why[300], *text;

	client_once(g->admin, "GET", "/metrics", "", NULL, &a);
	EXPECT_STATUS(a, 200, "/metrics");
	cr_assert(a.body != NULL);
	cr_expect(exposition_ok(a.body, why, sizeof(why)), "%s\n%s", why, a.body);
	text = strdup(a.body);
	answer_fini(&a);
	return text;
}

Test(admin, health_is_what_the_seeds_clients_read)
{
	static const struct {
		const char	*path, *member, *value;		/* NULL: that it is there */
	} rows[] = {
		{ "/health", "status", "ok" }, { "/health", "app", "mcpgw" }, { "/health", "service", "mcpgw" },
		{ "/health", "version", NULL }, { "/health", "uptime_seconds", NULL }, { "/health", "timestamp", NULL },
		{ "/health/live", "status", "alive" },
		{ "/health/ready", "status", "ready" }, { "/health/ready", "healthy_services", NULL },
		{ "/health/ready", "timestamp", NULL }, { "/ready", "status", "ready" },
	};
	struct gateway	g;
	struct answer	a;

	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = DEMO_RULES });
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		client_once(g.admin, "GET", rows[i].path, "", NULL, &a);
		EXPECT_STATUS(a, 200, "%s", rows[i].path);
		cr_expect(json_at(a.json, rows[i].member) != NULL, "%s has no %s: %s", rows[i].path, rows[i].member, a.body);
		if (rows[i].value != NULL)
			cr_expect_str_eq(json_text_at(a.json, rows[i].member), rows[i].value);
		answer_fini(&a);
	}
	client_once(g.admin, "GET", "/health/ready", "", NULL, &a);
	cr_expect(json_int_at(a.json, "healthy_services") == 2, "%s", a.body);
	answer_fini(&a);
	gateway_stop(&g);
}

Test(admin, the_word_for_well_is_a_parameter)
{
	struct gateway	g;
	struct answer	a;

	gateway_start(&g, &(struct gateway_setup){ .conf = "health_status = healthy\n" });
	client_once(g.admin, "GET", "/health", "", NULL, &a);
	cr_expect_str_eq(json_text_at(a.json, "status"), "healthy");
	answer_fini(&a);
	gateway_stop(&g);
}

Test(admin, reads_and_nothing_else)
{
	static const char *const	paths[] = { "/healthz", "/readyz", "/health", "/health/live", "/metrics" };
	struct gateway			g;
	struct answer			a;

	gateway_start(&g, &(struct gateway_setup){ 0 });
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		client_once(g.admin, "POST", paths[i], "Content-Type: application/json\r\n", "{}", &a);
		EXPECT_STATUS(a, 405, "POST %s", paths[i]);
		cr_expect(answer_header(&a, "Allow") != NULL);
		answer_fini(&a);
		client_once(g.admin, "GET", paths[i], "Origin: https://evil.example\r\n", NULL, &a);
		EXPECT_STATUS(a, 403, "%s for a page", paths[i]);
		answer_fini(&a);
	}
	cr_expect(status_of(g.admin, "/health/") == 404);
	cr_expect(status_of(g.admin, "/metrics/") == 404);
	gateway_stop(&g);
}

Test(admin, metrics_count_and_are_well_formed)
{
	struct gateway	g;
	struct mcp	m;
	struct answer	a;
	char		*text;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = DEMO_RULES });
	mcp_init(&m, g.mcp, "/servers/clock/mcp", gateway_key(&g, "writer"));
	mcp_call(&m, "now", "{}", &a);
	cr_expect(json_at(a.json, "result") != NULL, "%s", a.body);
	answer_fini(&a);
	text = scrape(&g);
	cr_expect(exposition_value(text, "mcpgw_calls_total") == 1, "%s", text);
	cr_expect(exposition_value(text, "mcpgw_call_duration_seconds_count") == 1);
	cr_expect(exposition_value(text, "mcpgw_config_generation") == 1);
	cr_expect(exposition_value(text, "mcpgw_processes{program=\"mcpgw-worker\"}") == 2);
	cr_expect(exposition_value(text, "mcpgw_processes{program=\"mcpgw-admin\"}") == 1);
	cr_expect(exposition_value(text, "mcpgw_processes{program=\"mcpgw-runner\"}") == 1);
	cr_expect(exposition_value(text, "mcpgw_servers{state=\"up\"}") == 1);
	cr_expect(exposition_value(text, "mcpgw_servers{state=\"idle\"}") == 1);
	cr_expect(exposition_value(text, "mcpgw_ready") == 1);
	free(text);
	client_once(g.admin, "GET", "/metrics", "Accept: application/json\r\n", NULL, &a);
	EXPECT_STATUS(a, 200, "/metrics as JSON");
	cr_expect_str_eq(answer_header(&a, "Content-Type"), "application/json");
	cr_expect(json_int_at(a.json, "mcpgw_calls_total") == 1, "%s", a.body);
	answer_fini(&a);
	client_once(g.admin, "GET", "/metrics", "Accept: text/plain;version=0.0.4;q=0.5, application/json;q=0.1\r\n", NULL,
	    &a);
	cr_expect(strncmp(answer_header(&a, "Content-Type"), "text/plain; version=0.0.4", 25) == 0);
	answer_fini(&a);
	mcp_fini(&m);
	gateway_stop(&g);
}

/* What Prometheus itself thinks of it. */
Test(admin, metrics_pass_promtool)
{
	struct gateway	g;
	char		path[400], command[1000], *text;
	FILE		*f;

	if (system("command -v promtool >/dev/null 2>&1") != 0)
		cr_skip_test("promtool is not installed (package prometheus)");
	gateway_start(&g, &(struct gateway_setup){ 0 });
	text = scrape(&g);
	snprintf(path, sizeof(path), "%s/metrics", g.dir);
	cr_assert((f = fopen(path, "we")) != NULL);
	fputs(text, f);
	fclose(f);
	/* What it has against a metric it prints. */
	snprintf(command, sizeof(command), "cd '%s' && promtool check metrics <metrics >told 2>&1 && ! grep . told", g.dir);
	cr_expect(system(command) == 0, "promtool has something to say");
	free(text);
	gateway_stop(&g);
}

Test(admin, answers_when_no_worker_does, .timeout = 60)
{
	struct gateway	g;
	struct answer	a;
	char		*text;

	gateway_start(&g, &(struct gateway_setup){ 0 });
	cr_expect(status_of(g.admin, "/readyz") == 200);
	signal_workers(&g, SIGSTOP);
	cr_expect(comes_to(&g, "/readyz", 503), "nobody can be served, and it does not say so");
	cr_expect(status_of(g.admin, "/healthz") == 200);
	cr_expect(status_of(g.admin, "/health") == 503);
	client_once(g.admin, "GET", "/health/ready", "", NULL, &a);
	EXPECT_STATUS(a, 503, "/health/ready");
	cr_expect_str_eq(json_text_at(a.json, "status"), "not_ready");
	answer_fini(&a);
	text = scrape(&g);
	cr_expect(exposition_value(text, "mcpgw_workers_configured") == 2);
	cr_expect(exposition_value(text, "mcpgw_workers_serving") == 0);
	cr_expect(exposition_value(text, "mcpgw_ready") == 0);
	free(text);
	signal_workers(&g, SIGCONT);
	cr_expect(comes_to(&g, "/readyz", 200), "they answer again");
	signal_workers(&g, SIGKILL);
	cr_expect(comes_to(&g, "/readyz", 200), "they were replaced");
	text = scrape(&g);
	cr_expect(exposition_value(text, "mcpgw_process_deaths_total{program=\"mcpgw-worker\"}") == 2);
	free(text);
	gateway_stop(&g);
}

/* Stopped ones can be asked for ever, and are only ended by the watchdog. */
Test(admin, asking_again_and_again_costs_a_busy_worker_nothing, .timeout = 60)
{
	struct gateway	 g;
	struct procs	*p = malloc(sizeof(*p));

	gateway_start(&g, &(struct gateway_setup){ 0 });
	gateway_procs(&g, p);
	signal_workers(&g, SIGSTOP);
	for (int i = 0; i < 3000; i++)
		(void)status_of(g.admin, "/readyz");
	signal_workers(&g, SIGCONT);
	cr_expect(comes_to(&g, "/readyz", 200));
	cr_expect(gateway_deaths(p) == 0);
	free(p);
	gateway_stop(&g);
}

Test(admin, says_so_when_the_master_hangs, .timeout = 60)
{
	struct gateway	g;
	char		*text;

	gateway_start(&g, &(struct gateway_setup){ 0 });
	cr_assert(kill(g.pid, SIGSTOP) == 0);
	cr_expect(status_of(g.admin, "/healthz") == 200);
	cr_expect(status_of(g.admin, "/readyz") == 503);
	text = scrape(&g);
	cr_expect(exposition_value(text, "mcpgw_ready") == 0);
	cr_expect(exposition_value(text, "mcpgw_calls_total") == 0, "what workers count is there");
	free(text);
	cr_assert(kill(g.pid, SIGCONT) == 0);
	cr_expect(comes_to(&g, "/readyz", 200));
	gateway_stop(&g);
}

struct successor {
	const struct gateway	*g;
	pid_t			 before;
};

static bool
is_replaced(void *arg)
{
	struct successor	*s = arg;
	struct procs		*p = malloc(sizeof(*p));
	const struct proc	*now;
	bool			 yes;

	gateway_procs(s->g, p);
	now = procs_find(p, "mcpgw-admin", 0);
	yes = now != NULL && now->pid != s->before;
	free(p);
	return yes;
}

Test(admin, that_dies_is_missed_by_nobody_and_replaced, .timeout = 60)
{
	struct gateway		 g;
	struct mcp		 m;
	struct answer		 a;
	struct procs		*p = malloc(sizeof(*p));
	const struct proc	*admin;
	char			*text;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = DEMO_RULES });
	mcp_init(&m, g.mcp, "/servers/clock/mcp", gateway_key(&g, "writer"));
	for (int i = 0; i < 2; i++) {
		struct successor	s = { &g, 0 };

		gateway_procs(&g, p);
		cr_assert((admin = procs_find(p, "mcpgw-admin", 0)) != NULL);
		s.before = admin->pid;
		cr_assert(kill(admin->pid, SIGKILL) == 0);
		mcp_call(&m, "now", "{}", &a);
		cr_expect(json_at(a.json, "result") != NULL, "%s", a.body);
		answer_fini(&a);
		cr_expect(wait_until(is_replaced, &s, patience(&g, 5000)), "not replaced");
		cr_expect(status_of(g.admin, "/readyz") == 200, "its listener outlived it");
		cr_expect(procs_alive(p) == p->count - 1, "it alone");
	}
	text = scrape(&g);
	cr_expect(exposition_value(text, "mcpgw_process_deaths_total{program=\"mcpgw-admin\"}") == 2);
	cr_expect(exposition_value(text, "mcpgw_process_deaths_total{program=\"mcpgw-worker\"}") == 0);
	free(text);
	free(p);
	mcp_fini(&m);
	gateway_stop(&g);
}

/* While calls end, nobody new is to be sent here. */
Test(admin, is_not_ready_while_the_gateway_drains, .timeout = 60)
{
	struct gateway	 g;
	struct mcp	 m;
	struct client	 c;
	struct answer	 a;
	char		*headers, *body, *all, head[2000];

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){
	    .servers = "{\"mcpServers\":{\"old\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"slow\",\"3000\"]}}}",
	    .rules = "{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}" });
	mcp_init(&m, g.mcp, "/servers/old/mcp", gateway_key(&g, "a"));
	mcp_write(&m, "1", "tools/call", "{\"name\":\"anything\",\"arguments\":{}}", &headers, &body);
	all = mcp_headers(&m, headers);
	cr_assert(client_open(&c, g.mcp));
	snprintf(head, sizeof(head), "POST %s HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %zu\r\n\r\n%s", m.path, all,
	    strlen(body), body);
	client_send(&c, head, strlen(head));
	free(all);
	free(headers);
	free(body);
	sleep_ms(500);
	kill(g.pid, SIGTERM);
	cr_expect(comes_to(&g, "/readyz", 503), "still said to be ready");
	client_read(&c, 10000, &a);
	EXPECT_STATUS(a, 200, "the call that ran");
	answer_fini(&a);
	client_close(&c);
	mcp_fini(&m);
	gateway_stop(&g);
}

/* An address of this machine that is not its loopback, for who comes from elsewhere; false: there is none. */
static bool
outer_address(char to[INET_ADDRSTRLEN])
{
	struct ifaddrs	*all = NULL;
	bool		 found = false;

	if (getifaddrs(&all) == -1)
		return false;
	for (struct ifaddrs *i = all; i != NULL && !found; i = i->ifa_next)
		if (i->ifa_addr != NULL && i->ifa_addr->sa_family == AF_INET && (i->ifa_flags & IFF_UP) != 0 &&
		    (i->ifa_flags & IFF_LOOPBACK) == 0)
			found = inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)i->ifa_addr)->sin_addr, to,
			    INET_ADDRSTRLEN) != NULL;
	freeifaddrs(all);
	return found;
}

Test(admin, tells_who_comes_from_elsewhere_only_whether_it_is_well)
{
	struct gateway	g;
	struct answer	a;
	char		ip[INET_ADDRSTRLEN], conf[200], headers[300];

	if (!outer_address(ip))
		cr_skip_test("this machine has no address but its loopback's");
	snprintf(conf, sizeof(conf), "admin_listen = %s:0\nallowed_hosts = %s localhost\nanonymous_agent = a\n", ip, ip);
	gateway_start(&g, &(struct gateway_setup){ .conf = conf,
	    .rules = "{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"*\"]}}}}" });
	cr_expect(status_of(g.admin, "/healthz") == 200);
	cr_expect(status_of(g.admin, "/readyz") == 200);
	client_once(g.admin, "GET", "/health", "", NULL, &a);
	EXPECT_STATUS(a, 200, "/health");
	cr_expect(json_at(a.json, "version") == NULL && json_at(a.json, "uptime_seconds") == NULL, "%s", a.body);
	answer_fini(&a);
	client_once(g.admin, "GET", "/health/ready", "", NULL, &a);
	cr_expect(json_at(a.json, "healthy_services") == NULL, "%s", a.body);
	answer_fini(&a);
	client_once(g.admin, "GET", "/metrics", "", NULL, &a);
	EXPECT_STATUS(a, 401, "nobody, also where there is an anonymous agent");
	cr_expect(answer_header(&a, "WWW-Authenticate") != NULL);
	answer_fini(&a);
	client_once(g.admin, "GET", "/metrics", "Authorization: Bearer mgk_00000000_x\r\n", NULL, &a);
	EXPECT_STATUS(a, 401, "an unknown key");
	answer_fini(&a);
	snprintf(headers, sizeof(headers), "Authorization: Bearer %s\r\n", gateway_key(&g, "a"));
	client_once(g.admin, "GET", "/metrics", headers, NULL, &a);
	EXPECT_STATUS(a, 200, "with a key that was made just now");
	answer_fini(&a);
	client_once(g.admin, "GET", "/health", headers, NULL, &a);
	cr_expect(json_at(a.json, "version") != NULL, "%s", a.body);
	answer_fini(&a);
	gateway_stop(&g);
}

Test(admin, is_not_started_when_it_has_nowhere_to_listen)
{
	struct gateway	 g;
	struct procs	*p = malloc(sizeof(*p));

	gateway_start(&g, &(struct gateway_setup){ .conf = "admin_listen =\n" });
	gateway_procs(&g, p);
	cr_expect(procs_count(p, "mcpgw-admin") == 0);
	cr_expect(procs_count(p, "mcpgw-worker") == 2);
	free(p);
	gateway_stop(&g);
}
