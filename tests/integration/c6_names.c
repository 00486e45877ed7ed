/* SPDX-License-Identifier: Apache-2.0
 *
 * c6_names.c - names of HTTP servers: looked up by mcpgw-scout, changed under load, lost, and never found
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "tests/harness/lying.h"
#include "tests/harness/nameserver.h"
#include "tests/integration/common.h"

#define RULES	"{\"agents\":{\"one\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}"

static struct gateway		g;
static struct nameserver	names;
static struct lying		server;
static char			key[256];

static void
write_servers(char *to, size_t room, const char *more)
{
	snprintf(to, room, "{\"mcpServers\":{\"web\":{\"url\":\"http://Mcp.Test.Example:%u/mcp\"}%s}}", server.port, more);
}

/* lines: what the name server knows; more: servers beside "web"; conf: further parameters. */
static void
begin(const char *lines, const char *more, const char *conf)
{
	char	text[256], servers[1024];

	nameserver_start(&names);
	nameserver_say(&names, lines);
	lying_start(&server, "legacy large");
	write_servers(servers, sizeof(servers), more);
	snprintf(text, sizeof(text), "upstream_dns = 127.0.0.1:%u\n%s", names.port, conf);
	gateway_start(&g, &(struct gateway_setup){ .workers = 2, .servers = servers, .rules = RULES, .conf = text });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "one"));
}

static void
finish(void)
{
	gateway_stop(&g);
	lying_stop(&server);
	nameserver_stop(&names);
}

/* True when it was answered; else *why (malloc'ed) is what was said. */
static bool
call(const char *name, char **why)
{
	struct answer	a;
	struct mcp	m;
	char		path[64];
	bool		well;

	snprintf(path, sizeof(path), "/servers/%s/mcp", name);
	mcp_init(&m, g.mcp, path, key);
	mcp_call(&m, "fill", "{\"n\":\"32\",\"order\":\"c\",\"end\":\"\"}", &a);
	well = a.body != NULL && strstr(a.body, "\"result\"") != NULL;
	if (why != NULL)
		*why = strdup(a.body == NULL ? "" : a.body);
	answer_fini(&a);
	mcp_fini(&m);
	return well;
}

#define EXPECT_CALL(name, words) do {						\
	char *why_;								\
	(void)call(name, &why_);						\
	cr_expect(strstr(why_, words) != NULL, "want %s: %s", words, why_);	\
	free(why_);								\
} while (0)

struct wanted {
	const char	*server, *words;
	bool		 not;
};

static bool
status_says(void *arg)
{
	const struct wanted	*w = arg;
	char			*out;
	bool			 there;

	(void)gateway_ctl(&g, &out, true, "status", w->server, NULL);
	there = strstr(out, w->words) != NULL;
	free(out);
	return there != w->not;
}

#define EXPECT_STATE(server, words, not) do {					\
	struct wanted w_ = { server, words, not };				\
	cr_expect(wait_until(status_says, &w_, patience(&g, 10000)), "%s %s: %s", server, not ? "is rid of" : "says", words);	\
} while (0)

static bool
was_asked(void *arg)
{
	return nameserver_asked(&names, "mcp.test.example") >= *(size_t *)arg;
}

static pid_t
scout_pid(void)
{
	static struct procs	p;
	const struct proc	*s;

	gateway_procs(&g, &p);
	s = procs_find(&p, "mcpgw-scout", 0);
	return s == NULL ? 0 : s->pid;
}

static bool
another_scout(void *arg)
{
	pid_t	now = scout_pid();

	return now != 0 && now != *(pid_t *)arg;
}

Test(names, are_looked_up_and_a_call_that_comes_first_waits, .timeout = 60)
{
	begin("mcp.test.example 60 slow 127.0.0.1\n", "", "");
	EXPECT_CALL("web", "\"result\"");
	cr_expect(nameserver_asked(&names, "mcp.test.example") == 1);
	/* A reload asks nobody. */
	cr_expect(gateway_ctl(&g, NULL, false, "reload", NULL) == 0);
	EXPECT_CALL("web", "\"result\"");
	cr_expect(nameserver_asked(&names, "mcp.test.example") == 1);
	finish();
}

Test(names, that_are_never_found_hold_up_nobody, .timeout = 60)
{
	char	servers[1024];

	begin("mcp.test.example 60 127.0.0.1\nsilent.example 1 silent\nbroken.example 1 fail\n",
	    ",\"gone\":{\"url\":\"http://gone.example/mcp\"},\"silent\":{\"url\":\"http://silent.example/mcp\"},"
	    "\"broken\":{\"url\":\"http://broken.example/mcp\"}", "connect_timeout = 500ms\n");
	EXPECT_CALL("web", "\"result\"");
	EXPECT_STATE("gone", "gone.example: there is no such name", false);
	EXPECT_STATE("broken", "no name server answers", false);
	EXPECT_STATE("silent", "no name server answers", false);
	EXPECT_CALL("gone", "SERVER_UNAVAILABLE");
	EXPECT_CALL("broken", "SERVER_UNAVAILABLE");
	EXPECT_CALL("silent", "SERVER_UNAVAILABLE");
	/* Nor a reload. */
	write_servers(servers, sizeof(servers), ",\"more\":{\"url\":\"http://more.silent.example/mcp\"}");
	gateway_write(&g, "servers.json", servers);
	cr_expect(gateway_ctl(&g, NULL, false, "reload", NULL) == 0);
	EXPECT_CALL("web", "\"result\"");
	EXPECT_CALL("more", "SERVER_UNAVAILABLE");
	/* One that is found later is there at once. */
	nameserver_say(&names, "mcp.test.example 60 127.0.0.1\nmore.silent.example 60 127.0.0.1\n");
	EXPECT_STATE("more", "no such name", true);
	finish();
}

struct load {
	atomic_bool	over;
	atomic_uint	calls, failed;
	char		why[400];
};

static void *
call_on(void *arg)
{
	struct load	*l = arg;
	char		*why;

	while (!atomic_load(&l->over)) {
		if (!call("web", &why) && atomic_fetch_add(&l->failed, 1) == 0)
			snprintf(l->why, sizeof(l->why), "%s", why);
		free(why);
		atomic_fetch_add(&l->calls, 1);
	}
	return NULL;
}

Test(names, change_their_addresses_under_load_and_no_call_fails, .timeout = 90)
{
	static struct load	l;
	pthread_t		threads[4];
	size_t			asked;

	/* Connections are not kept: each looks where it has to go. */
	begin("mcp.test.example 1 127.0.0.1\n", "", "upstream_idle = 0\n");
	EXPECT_CALL("web", "\"result\"");
	for (int i = 0; i < 4; i++)
		cr_assert(pthread_create(&threads[i], NULL, call_on, &l) == 0);
	for (int k = 0; k < 3; k++) {
		static const char *const said[] = {
			"mcp.test.example 1 127.0.0.2 127.0.0.1\n", "mcp.test.example 1 fail\n", "mcp.test.example 1 many 500\n",
		};

		nameserver_say(&names, said[k]);
		asked = nameserver_asked(&names, "mcp.test.example") + 1;
		cr_expect(wait_until(was_asked, &asked, patience(&g, 8000)), "asked again: %s", said[k]);
		sleep_ms(300);
	}
	atomic_store(&l.over, true);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	cr_expect(atomic_load(&l.calls) > 20);
	cr_expect(atomic_load(&l.failed) == 0, "%u of %u: %s", atomic_load(&l.failed), atomic_load(&l.calls), l.why);

	/* To where nobody listens: it is that address that is gone to. */
	nameserver_say(&names, "mcp.test.example 60 127.0.0.77\n");
	asked = nameserver_asked(&names, "mcp.test.example") + 1;
	cr_expect(wait_until(was_asked, &asked, patience(&g, 8000)));
	sleep_ms(300);
	EXPECT_CALL("web", "connection refused");
	finish();
}

Test(names, stay_what_they_are_when_the_scout_is_killed, .timeout = 60)
{
	pid_t	before;

	begin("mcp.test.example 3600 127.0.0.1\n", "", "upstream_idle = 0\n");
	EXPECT_CALL("web", "\"result\"");
	nameserver_say(&names, "mcp.test.example 1 silent\n");
	before = scout_pid();
	cr_assert(before > 0);
	kill(before, SIGKILL);
	for (int i = 0; i < 20; i++)
		EXPECT_CALL("web", "\"result\"");
	cr_assert(wait_until(another_scout, &before, patience(&g, 10000)));
	/* The next one knows no more than those before, and has not forgotten it. */
	for (int i = 0; i < 20; i++) {
		EXPECT_CALL("web", "\"result\"");
		sleep_ms(50);
	}
	cr_expect(gateway_ctl(&g, NULL, false, "reload", NULL) == 0);
	EXPECT_CALL("web", "\"result\"");
	finish();
}

Test(names, are_not_looked_up_for_who_needs_none, .timeout = 60)
{
	nameserver_start(&names);
	lying_start(&server, "legacy");
	gateway_start(&g, &(struct gateway_setup){ .workers = 1, .rules = RULES,
	    .servers = "{\"mcpServers\":{\"off\":{\"url\":\"http://mcp.test.example/\",\"enabled\":false}}}" });
	cr_expect(scout_pid() == 0, "no scout where there is nothing for it to do");
	gateway_write(&g, "servers.json", "{\"mcpServers\":{\"a\":{\"url\":\"http://127.0.0.1:1/\"}}}");
	cr_expect(gateway_ctl(&g, NULL, false, "reload", NULL) == 0);
	EXPECT_STATE("a", "connection refused", false);
	cr_expect(scout_pid() != 0);
	finish();
}

Test(names, and_servers_are_looked_at_now_and_then, .timeout = 60)
{
	struct lying	other;
	unsigned	port;
	char		more[128];

	lying_start(&other, "legacy large");
	port = other.port;
	snprintf(more, sizeof(more), ",\"b\":{\"url\":\"http://127.0.0.1:%u/mcp\"}", port);
	begin("mcp.test.example 60 127.0.0.1\n", more, "upstream_check = 1s\n");
	sleep_ms(300);
	EXPECT_STATE("b", "connection refused", true);
	lying_stop(&other);
	EXPECT_STATE("b", "connection refused", false);
	EXPECT_STATE("web", "refused", true);
	finish();
}
