/* SPDX-License-Identifier: Apache-2.0
 *
 * test_proxy.c - SOCKS5 and CONNECT
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"
#include "tls.h"
#include "world.h"

TestSuite(proxy, .timeout = 60);

static struct rig	rig;
static const char *const list[] = { "api.docs.example:443", "api.docs.example:80", "api.docs.example:26",
	"*.slow.docs.example:80", "slow.docs.example:80", "nobody.docs.example:80", "10.9.9.9:80", NULL };

static int
proxy(void)
{
	int	fd = tool_connect("127.0.0.1", 3128);

	cr_assert(fd != -1);
	return fd;
}

static void
expect_end(int fd)
{
	char	byte;

	cr_expect(eq(int, tool_read(fd, &byte, 1), 0));
	close(fd);
}

/* What SOCKS answers to a name; *fd is the connection. */
static int
socks(const char *name, size_t bytes, int port, int *fd)
{
	uint8_t	m[300] = { 5, 1, 0, 3, (uint8_t)bytes }, answer[10];

	memcpy(m + 5, name, bytes);
	m[5 + bytes] = (uint8_t)(port >> 8);
	m[6 + bytes] = (uint8_t)port;
	*fd = proxy();
	tool_send(*fd, "\5\1\0", 3);
	cr_assert(eq(int, tool_read(*fd, answer, 2), 2));
	cr_expect(answer[0] == 5 && answer[1] == 0);
	tool_send(*fd, m, 7 + bytes);
	if (tool_read(*fd, answer, 10) != 10)
		return -1;
	cr_expect(eq(int, answer[0], 5));
	return answer[1];
}

static int
socks_once(const char *name, int port)
{
	int	fd, r = socks(name, strlen(name), port, &fd);

	if (r != 0)
		expect_end(fd);
	else
		close(fd);
	return r;
}

static void
expect_echo(int fd, const char *text)
{
	char	got[64];

	tool_send(fd, text, strlen(text));
	cr_assert(eq(int, tool_read(fd, got, strlen(text)), (int)strlen(text)));
	cr_expect(memcmp(got, text, strlen(text)) == 0);
}

/* The status, and all that was said in `said`. */
static int
http(const char *request, char *said, size_t room, int *fd)
{
	size_t	n = 0;
	int	status = 0;

	*fd = proxy();
	tool_send(*fd, request, strlen(request));
	while (n + 1 < room && tool_read(*fd, said + n, 1) == 1) {
		said[++n] = '\0';
		if (n >= 4 && strcmp(said + n - 4, "\r\n\r\n") == 0 && status == 0) {
			cr_assert(eq(int, sscanf(said, "HTTP/1.1 %d", &status), 1));
			if (status == 200)
				return 200;
		}
	}
	close(*fd);
	return status;
}

Test(proxy, socks_connects_to_names_and_addresses_that_are_listed)
{
	const struct record	*begin;
	uint8_t			 hello[2048], got[2048];
	size_t			 n = tls_hello("api.docs.example", 1000, hello);
	int			 fd;

	rig_begin(&rig, list, 0);
	cr_assert(eq(int, socks("Api.docs.example.", 17, 443, &fd), 0));
	tool_send(fd, hello, n);
	cr_expect(eq(int, tool_read(fd, got, n), (int)n));
	close(fd);
	cr_assert(eq(int, socks("10.9.9.9", 8, 80, &fd), 0));
	expect_echo(fd, "GET /");
	close(fd);
	rig_records(&rig, 4);
	begin = rig_find(&rig, RECORD_BEGIN, "api.docs.example:443");
	cr_assert(begin != NULL);
	cr_expect(span_is(begin->f.method, "socks5"));
	cr_expect(rig_find(&rig, RECORD_BEGIN, "10.9.9.9:80") != NULL);
	rig_end(&rig);
}

Test(proxy, socks_refuses_what_is_not_listed_and_what_is_no_name)
{
	const struct record	*once;
	int			 fd;

	rig_begin(&rig, list, 0);
	cr_expect(eq(int, socks_once("evil.example", 443), 2));
	cr_expect(eq(int, socks_once("api.docs.example", 22), 2));
	cr_expect(eq(int, socks_once("127.1", 80), 2));
	cr_expect(eq(int, socks_once("11.0.0.1", 80), 2));
	cr_expect(eq(int, socks("evil.example\0.docs.example", 26, 443, &fd), 2));
	close(fd);
	cr_expect(eq(int, socks("api.docs.example\0", 17, 443, &fd), 2));
	close(fd);
	rig_records(&rig, 6);
	once = rig_find(&rig, RECORD_ONCE, "evil.example?.docs.example");
	cr_assert(once != NULL);
	cr_expect(span_is(once->f.decision, "deny") && span_is(once->f.method, "socks5"));
	cr_expect(rig_find(&rig, RECORD_ONCE, "127.0.0.1:80") != NULL);
	cr_expect(eq(sz, rig.record_count, 6));
	cr_expect(eq(int, rig.world->asked, 0));
	rig_end(&rig);
}

Test(proxy, socks_says_why_a_host_cannot_be_reached)
{
	rig_begin(&rig, list, 0);
	cr_expect(eq(int, socks_once("nobody.docs.example", 80), 4));
	cr_expect(eq(int, socks_once("api.docs.example", WORLD_DEAD_PORT), 5));
	cr_expect(eq(int, socks_once("slow.docs.example", 80), 6));
	rig_records(&rig, 6);
	cr_expect(span_is(rig.records[1].f.outcome, "unavailable") && span_is(rig.records[1].f.error, "NET_NO_ADDRESS"));
	cr_expect(span_is(rig.records[3].f.outcome, "unavailable") && span_is(rig.records[3].f.error, "NET_UNREACHABLE"));
	cr_expect(span_is(rig.records[3].f.address, "11.0.0.1:26"));
	cr_expect(span_is(rig.records[5].f.outcome, "timeout") && span_is(rig.records[5].f.error, "TIMEOUT"));
	rig_end(&rig);
}

Test(proxy, connect_passes_what_is_listed_with_bytes_sent_along)
{
	const struct record	*begin;
	char			 said[512];
	int			 fd;

	rig_begin(&rig, list, 0);
	cr_assert(eq(int, http("CONNECT Api.docs.example:80 HTTP/1.1\r\nHost: elsewhere\r\n\r\nearly ", said, sizeof(said), &fd),
	    200));
	cr_expect(eq(int, tool_read(fd, said, 6), 6));
	cr_expect(memcmp(said, "early ", 6) == 0);
	expect_echo(fd, "late");
	close(fd);
	rig_records(&rig, 2);
	begin = rig_find(&rig, RECORD_BEGIN, "api.docs.example:80");
	cr_assert(begin != NULL);
	cr_expect(span_is(begin->f.method, "connect"));
	cr_assert(rig_end_of(&rig, begin) != NULL);
	cr_expect(eq(u64, rig_end_of(&rig, begin)->f.bytes_out, 10));
	rig_end(&rig);
}

Test(proxy, connect_says_what_is_wrong)
{
	static const struct {
		const char	*request;
		int		 status;
		const char	*text;
	} rows[] = {
		{ "CONNECT evil.example:443 HTTP/1.1\r\nHost: a\r\n\r\n", 403,
		    "evil.example:443 is not in this server's \"net\"" },
		{ "CONNECT api.docs.example:443 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 400, "no body" },
		{ "CONNECT a_b.docs.example:443 HTTP/1.1\r\nHost: a\r\n\r\n", 403, "a_b.docs.example:443" },
		{ "CONNECT api.docs.example:0 HTTP/1.1\r\nHost: a\r\n\r\n", 403, "api.docs.example:0" },
		{ "CONNECT api.docs.example:99999 HTTP/1.1\r\nHost: a\r\n\r\n", 403, "api.docs.example:99999" },
		{ "CONNECT [::1]:443 HTTP/1.1\r\nHost: a\r\n\r\n", 403, "[::1]:443" },
		{ "CONNECT api.docs.example HTTP/1.1\r\nHost: a\r\n\r\n", 400, "" },
		{ "GET http://api.docs.example/ HTTP/1.1\r\nHost: api.docs.example\r\n\r\n", 405, "Allow: CONNECT" },
		{ "GET / HTTP/1.1\r\nHost: api.docs.example\r\n\r\n", 405, "CONNECT" },
		{ "CONNECT nobody.docs.example:80 HTTP/1.1\r\nHost: a\r\n\r\n", 502, "the name has no address" },
		{ "CONNECT api.docs.example:26 HTTP/1.1\r\nHost: a\r\n\r\n", 502, "takes connections" },
		{ "CONNECT slow.docs.example:80 HTTP/1.1\r\nHost: a\r\n\r\n", 504, "took too long" },
		{ "\x16\3\1\2\0\1\0\1\xfc\3\3", 400, "" },
	};
	char	said[1024];
	int	fd;

	rig_begin(&rig, list, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect(eq(int, http(rows[i].request, said, sizeof(said), &fd), rows[i].status), "%s", rows[i].request);
		cr_expect(strstr(said, rows[i].text) != NULL, "%s", said);
	}
	rig_end(&rig);
}

Test(proxy, credentials_other_versions_and_floods_are_refused)
{
	static char	flood[20000];
	uint8_t		answer[16];
	int		fd;

	rig_begin(&rig, list, 0);
	fd = proxy();
	tool_send(fd, "\5\1\2", 3);
	cr_expect(eq(int, tool_read(fd, answer, 2), 2));
	cr_expect(eq(int, answer[1], 0xff));
	expect_end(fd);
	fd = proxy();
	tool_send(fd, "\4\1\0\x50\013\0\0\1\0", 9);
	cr_expect(tool_read(fd, answer, 1) <= 1);
	close(fd);
	fd = proxy();
	tool_send(fd, "\5\1\0", 3);
	cr_expect(eq(int, tool_read(fd, answer, 2), 2));
	tool_send(fd, "\5\2\0\1\013\0\0\1\0\x50", 10);
	cr_expect(eq(int, tool_read(fd, answer, 10), 10));
	cr_expect(eq(int, answer[1], 7));
	expect_end(fd);
	rig_records(&rig, 1);
	cr_expect(rig_find(&rig, RECORD_ONCE, "socks5:command-2") != NULL);
	/* A head without end. */
	memset(flood, 'a', sizeof(flood));
	memcpy(flood, "CONNECT ", 8);
	fd = proxy();
	(void)!write(fd, flood, sizeof(flood));
	cr_expect(eq(int, tool_read(fd, answer, 12), 12));
	cr_expect(memcmp(answer, "HTTP/1.1 431", 12) == 0);
	close(fd);
	rig_end(&rig);
}
