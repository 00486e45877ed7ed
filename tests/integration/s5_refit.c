/* SPDX-License-Identifier: Apache-2.0
 *
 * s5_refit.c - listeners and the number of workers change by reload, under load, and nobody is cut off; drain
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/harness/hearing.h"
#include "tests/harness/program.h"
#include "tests/integration/steadyload.h"

/* One line of mcpgw.conf in the place of another. */
static void
set(struct gateway *g, const char *name, const char *value)
{
	char	*conf = gateway_file(g, "mcpgw.conf"), *save = NULL, *out = malloc(strlen(conf) + strlen(value) + 64);
	size_t	 at = 0, n = strlen(name);

	for (char *line = strtok_r(conf, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save))
		if (strncmp(line, name, n) != 0 || line[n] != ' ')
			at += (size_t)sprintf(out + at, "%s\n", line);
	sprintf(out + at, "%s = %s\n", name, value);
	gateway_write(g, "mcpgw.conf", out);
	free(out);
	free(conf);
}

static void
reload(struct gateway *g, const char *name, const char *value)
{
	char	*out;
	int	 r;

	set(g, name, value);
	r = gateway_ctl(g, &out, true, "reload", NULL);
	cr_expect(r == 0, "%s = %s: exit %d: %s", name, value, r, out);
	free(out);
}

struct counted {
	const struct gateway	*g;
	size_t			 want;
};

static bool
has_workers(void *arg)
{
	const struct counted	*c = arg;
	struct procs		*p = malloc(sizeof(*p));
	size_t			 n;

	gateway_procs(c->g, p);
	n = procs_count(p, "mcpgw-worker");
	free(p);
	return n == c->want;
}

/* One that is free now; listening keeps it taken. */
static int
port_take(char address[32])
{
	const unsigned		port = port_free();
	struct sockaddr_in	sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
					.sin_port = htons((uint16_t)port) };
	int			fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert(bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 && listen(fd, 8) == 0);
	snprintf(address, 32, "127.0.0.1:%u", port);
	return fd;
}

Test(refit, workers_come_and_go_and_no_request_fails, .timeout = 120)
{
	static const char	*const numbers[] = { "4", "1", "5", "2" };
	struct gateway		 g;
	struct counted		 c = { .g = &g };
	struct steady		 s;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = STEADY_RULES });
	steady_load(&s, &g);
	steady_start(&s);
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
			reload(&g, "workers", numbers[i]);
			c.want = (size_t)atoi(numbers[i]);
			cr_expect(wait_until(has_workers, &c, 15000), "%s workers are not what there is", numbers[i]);
		}
	steady_check(&s, 300);
	EXPECT_CTL(&g, 0, "workers 2/2", "status");
	gateway_stop(&g);
}

static int
call_at(const char *address, const char *key)
{
	struct mcp	m;
	struct answer	a;
	int		status;

	mcp_init(&m, address, "/servers/clock/mcp", key);
	mcp_call(&m, "add", "{\"a\":1,\"b\":2}", &a);
	status = strcmp(json_text_at(a.json, "result.content[0].text"), "3") == 0 ? 200 : a.status;
	answer_fini(&a);
	mcp_fini(&m);
	return status;
}

/* Workers hear of it when the reload is over. */
static bool
is_closed(void *arg)
{
	struct client	c;
	bool		closed = !client_open(&c, arg);

	client_close(&c);
	return closed;
}

Test(refit, listeners_come_and_go_and_no_request_of_others_fails, .timeout = 120)
{
	struct gateway	 g;
	struct steady	 s;
	struct mcp	 stays;
	struct answer	 a;
	char		 other[32], both[64], key[256], *ready;
	int		 fd = port_take(other), rounds = 10;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = STEADY_RULES });
	steady_load(&s, &g);
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "a"));
	snprintf(both, sizeof(both), "127.0.0.1:0, %s", other);
	steady_start(&s);

	/* Somebody else has it: nothing changes. */
	set(&g, "listen", both);
	EXPECT_CTL(&g, 1, "in use", "reload");
	close(fd);
	for (int i = 0; i < rounds; i++) {
		reload(&g, "listen", both);
		cr_expect(call_at(other, key) == 200, "round %d: the new listener does not serve", i);
		mcp_init(&stays, other, "/servers/clock/mcp", key);
		mcp_call(&stays, "add", "{\"a\":1,\"b\":2}", &a);
		EXPECT_STATUS(a, 200, "round %d, before", i);
		answer_fini(&a);
		reload(&g, "listen", "127.0.0.1:0");
		mcp_call(&stays, "add", "{\"a\":1,\"b\":2}", &a);
		EXPECT_STATUS(a, 200, "round %d, on a connection of a listener that is gone", i);
		answer_fini(&a);
		mcp_fini(&stays);
		cr_expect(wait_until(is_closed, other, patience(&g, 5000)), "round %d: somebody still listens", i);
	}
	/* The admin's own. */
	reload(&g, "admin_listen", "");
	cr_expect(wait_until(is_closed, g.admin, patience(&g, 5000)), "admin_listen is served");
	reload(&g, "admin_listen", other);
	client_once(other, "GET", "/readyz", "", NULL, &a);
	for (int i = 0; i < 100 && a.status != 200; i++) {
		answer_fini(&a);
		sleep_ms(20);
		client_once(other, "GET", "/readyz", "", NULL, &a);
	}
	EXPECT_STATUS(a, 200, "readyz");
	answer_fini(&a);
	ready = NULL;
	cr_assert(asprintf(&ready, "%s/run/ready", g.dir) > 0);
	{
		FILE	*f = fopen(ready, "r");
		char	 text[512] = "";

		cr_assert(f != NULL);
		(void)!fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
		cr_expect(strstr(text, other) != NULL && strstr(text, g.mcp) != NULL, "ready: %s", text);
	}
	free(ready);
	steady_check(&s, 300);
	gateway_stop(&g);
}

Test(refit, a_drained_gateway_says_so_and_stays, .timeout = 60)
{
	struct gateway	 g;
	struct hearing	 call;
	struct mcp	 m;
	struct answer	 a;
	json_object	*o;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = STEADY_RULES });
	mcp_init(&m, g.mcp, "/servers/clock/mcp", gateway_key(&g, "a"));
	mcp_call(&m, "add", "{\"a\":1,\"b\":2}", &a);
	EXPECT_STATUS(a, 200, "before");
	answer_fini(&a);
	hearing_begin(&call, &m, "7", "tools/call", "{\"name\":\"sleep\",\"arguments\":{\"ms\":1500}}");
	sleep_ms(300);
	EXPECT_CTL(&g, 0, "\"takes_calls\":true", "status", "--json");
	EXPECT_CTL(&g, 0, "takes no calls", "drain");
	EXPECT_CTL(&g, 0, "{\"takes_calls\":false}", "drain", "--json");
	for (int i = 0; i < 2; i++) {
		mcp_call(&m, "add", "{\"a\":1,\"b\":2}", &a);
		EXPECT_STATUS(a, 503, "drained");
		cr_expect(answer_header(&a, "Retry-After") != NULL && strstr(a.body, "drain") != NULL, "%s", a.body);
		answer_fini(&a);
		client_once(g.admin, "GET", "/readyz", "", NULL, &a);
		EXPECT_STATUS(a, 503, "readyz");
		answer_fini(&a);
		client_once(g.admin, "GET", "/healthz", "", NULL, &a);
		EXPECT_STATUS(a, 200, "healthz");
		answer_fini(&a);
		mcp_ask_modern(&m, "tools/list", NULL, &a);
		EXPECT_STATUS(a, 200, "what is no call");
		answer_fini(&a);
		EXPECT_CTL(&g, 0, "NEEDS YOU  takes no calls: mcpgwctl drain --undo", "status");
		EXPECT_CTL(&g, 0, "\"takes_calls\":false", "status", "--json");
		EXPECT_CTL(&g, 0, "takes no calls: mcpgwctl drain --undo", "upgrade", "--status");
		EXPECT_CTL(&g, 0, "takes no calls: mcpgwctl drain --undo", "top");
		/* It stays so, whoever serves. */
		if (i == 0)
			EXPECT_CTL(&g, 0, "Workers handed over", "upgrade");
		sleep_ms(100);
	}
	o = hearing_next(&call, 5000);		/* it ran already */
	cr_expect(call.status == 200 && json_at(o, "result") != NULL, "status %d: %s", call.status,
	    json_object_to_json_string(o));
	json_object_put(o);
	hearing_fini(&call);
	EXPECT_CTL(&g, 0, "{\"takes_calls\":true}", "drain", "--undo", "--json");
	EXPECT_CTL(&g, 0, "takes calls again", "drain", "--undo");
	mcp_call(&m, "add", "{\"a\":1,\"b\":2}", &a);
	EXPECT_STATUS(a, 200, "after");
	answer_fini(&a);
	client_once(g.admin, "GET", "/readyz", "", NULL, &a);
	EXPECT_STATUS(a, 200, "readyz after");
	answer_fini(&a);
	mcp_fini(&m);
	gateway_stop(&g);
}
