/* SPDX-License-Identifier: Apache-2.0
 *
 * test_way.c - the transparent way out: names, TLS, bytes, and what is recorded
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rig.h"
#include "tls.h"

TestSuite(way, .timeout = 60);

static struct rig	rig;
static const char *const list[] = { "api.docs.example:443", "*.docs.example:25", "10.9.9.9:80", "other.docs.example:80",
	NULL };

/* Connected to what stands for this name. */
static int
connect_name(const char *name, int port)
{
	char	address[64];
	int	fd;

	cr_assert(eq(int, tool_ask(name, 1, address), 0), "%s", name);
	fd = tool_connect(address, port);
	cr_assert(fd != -1, "%s", address);
	return fd;
}

static void
expect_echo(int fd, const char *text)
{
	char	got[256];

	tool_send(fd, text, strlen(text));
	cr_assert(eq(int, tool_read(fd, got, strlen(text)), (int)strlen(text)));
	cr_expect(memcmp(got, text, strlen(text)) == 0);
}

static void
expect_nothing(int fd)
{
	char	byte;

	cr_expect(tool_read(fd, &byte, 1) <= 0);
	close(fd);
}

static void
expect_end(const struct record *begin, const char *outcome, const char *error, uint64_t out, uint64_t in)
{
	const struct record	*end = begin == NULL ? NULL : rig_end_of(&rig, begin);

	cr_assert(begin != NULL);
	cr_assert(end != NULL);
	cr_expect(span_is(end->f.outcome, outcome), "%.*s", SPAN_FMT(end->f.outcome));
	cr_expect(span_is(end->f.error, error), "%.*s", SPAN_FMT(end->f.error));
	cr_expect(eq(u64, end->f.bytes_out, out));
	cr_expect(eq(u64, end->f.bytes_in, in));
}

Test(way, names_that_may_be_reached_get_an_address_and_others_do_not_exist)
{
	const struct record	*once;
	char			 a[64], b[64];

	rig_begin(&rig, list, 0);
	cr_expect(eq(int, tool_ask("api.docs.example", 1, a), 0));
	cr_expect(eq(int, strncmp(a, "198.18.", 7), 0), "%s", a);
	cr_expect(eq(int, tool_ask("API.docs.example", 1, b), 0));
	cr_expect(eq(str, a, b));
	cr_expect(eq(int, tool_ask("deep.below.docs.example", 1, b), 0));
	cr_expect(ne(str, a, b));
	cr_expect(eq(int, tool_ask("api.docs.example", 28, b), 0));
	cr_expect(eq(str, b, ""));
	cr_expect(eq(int, tool_ask("evil.example", 1, b), 3));
	cr_expect(eq(int, tool_ask("evil.example", 28, b), 3));
	cr_expect(eq(int, tool_ask("docs.example", 1, b), 3));
	cr_expect(eq(int, tool_ask("10.9.9.9", 1, b), 3));
	cr_expect(eq(int, tool_ask("_x.docs.example", 1, b), 3));
	cr_expect(eq(int, tool_ask("1.0.18.198.in-addr.arpa", 12, b), 3));
	rig_records(&rig, 2);
	once = rig_find(&rig, RECORD_ONCE, "evil.example");
	cr_assert(once != NULL);
	cr_expect(span_is(once->f.kind, "net") && span_is(once->f.method, "dns") && span_is(once->f.decision, "deny"));
	cr_expect(span_is(once->f.rule, "default") && span_is(once->f.server, "docs"));
	cr_expect(span_is(once->f.tenant, "default") && span_is(once->f.jail, "runtime/list"));
	cr_expect(rig_find(&rig, RECORD_ONCE, "docs.example") != NULL);
	/* Once for each name; a name that was given an address leaves nothing yet, and nobody was asked. */
	cr_expect(eq(sz, rig.record_count, 2));
	cr_expect(eq(int, rig.world->asked, 0));
	rig_end(&rig);
}

Test(way, malformed_questions_are_answered_as_such_and_with_little)
{
	uint8_t	answer[512];

	rig_begin(&rig, list, 0);
	cr_expect(eq(int, tool_ask_raw("\1\2\1\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1", 18, answer, sizeof(answer)), 12));
	cr_expect(eq(int, answer[3] & 15, 1));
	cr_expect(eq(int, tool_ask_raw("\1\2", 2, answer, sizeof(answer)), -1));
	cr_expect(eq(int, tool_ask_raw("\1\2\x81\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1", 19, answer, sizeof(answer)), -1));
	cr_expect(eq(int, tool_ask_raw("\1\2\x11\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1", 19, answer, sizeof(answer)), 12));
	cr_expect(eq(int, answer[3] & 15, 4));
	rig_end(&rig);
}

Test(way, questions_over_tcp_are_answered_one_after_the_other)
{
	static const char	two[] = "\0\24\1\2\1\0\0\1\0\0\0\0\0\0\2ab\0\0\1\0\1" "\0\24\3\4\1\0\0\1\0\0\0\0\0\0\2cd\0\0\1\0\1";
	uint8_t			answer[22];
	int			fd;

	rig_begin(&rig, list, 0);
	fd = tool_connect("10.0.0.53", 53);
	cr_assert(fd != -1);
	for (size_t i = 0; i < sizeof(two) - 1; i++)
		tool_send(fd, two + i, 1);
	cr_expect(eq(int, tool_read(fd, answer, 22), 22));
	cr_expect(answer[1] == 20 && answer[2] == 1 && (answer[5] & 15) == 3);
	cr_expect(eq(int, tool_read(fd, answer, 22), 22));
	cr_expect(answer[2] == 3);
	tool_send(fd, "\xff\xff", 2);
	expect_nothing(fd);
	rig_end(&rig);
}

Test(way, tls_that_asks_for_the_name_passes_and_is_counted)
{
	const struct record	*begin;
	uint8_t			 hello[2048], got[2048];
	size_t			 n = tls_hello("API.docs.example", 50, hello);
	int			 fd;

	rig_begin(&rig, list, 0);
	fd = connect_name("api.docs.example", 443);
	/* In pieces, so that it is collected. */
	for (size_t i = 0; i < n; i += 30) {
		tool_send(fd, hello + i, n - i < 30 ? n - i : 30);
		usleep(1000);
	}
	cr_expect(eq(int, tool_read(fd, got, n), (int)n));
	cr_expect(memcmp(hello, got, n) == 0);
	expect_echo(fd, "what follows");
	shutdown(fd, SHUT_WR);
	expect_nothing(fd);
	rig_records(&rig, 2);
	begin = rig_find(&rig, RECORD_BEGIN, "api.docs.example:443");
	expect_end(begin, "ok", "", n + 12, n + 12);
	cr_expect(span_is(begin->f.decision, "allow") && span_is(begin->f.rule, "mcpServers.docs.net[0]"));
	cr_expect(span_is(begin->f.method, "transparent") && span_is(begin->f.kind, "net"));
	cr_expect(span_is(rig_end_of(&rig, begin)->f.address, "11.0.0.1:443"));
	rig_end(&rig);
}

Test(way, tls_that_asks_for_another_name_or_none_is_refused)
{
	static const char *const	names[] = { "other.docs.example", "evil.example", NULL, "11.0.0.1", "api.docs.example.x" };
	uint8_t				hello[2048];
	int				fd;

	rig_begin(&rig, list, 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		fd = connect_name("api.docs.example", 443);
		tool_send(fd, hello, tls_hello(names[i], 1000, hello));
		expect_nothing(fd);
		rig_records(&rig, 2 * (i + 1));
		cr_assert(eq(sz, rig.record_count, 2 * (i + 1)));
		cr_expect(span_is(rig.records[2 * i + 1].f.outcome, "refused"));
		cr_expect(span_is(rig.records[2 * i + 1].f.error, "NET_OTHER_NAME"));
		/* Not a byte of it left. */
		cr_expect(eq(u64, rig.records[2 * i + 1].f.bytes_out, 0));
	}
	/* One that says less than it promised. */
	fd = connect_name("api.docs.example", 443);
	tool_send(fd, "\x16\3\1", 3);
	shutdown(fd, SHUT_WR);
	expect_nothing(fd);
	rig_end(&rig);
}

Test(way, a_host_that_speaks_first_is_heard)
{
	char	banner[11];
	int	fd;

	rig_begin(&rig, list, 0);
	fd = connect_name("api.docs.example", 25);
	cr_expect(eq(int, tool_read(fd, banner, 11), 11));
	cr_expect(memcmp(banner, "220 hello\r\n", 11) == 0);
	expect_echo(fd, "EHLO");
	close(fd);
	rig_records(&rig, 2);
	expect_end(rig_find(&rig, RECORD_BEGIN, "api.docs.example:25"), "ok", "", 4, 15);
	rig_end(&rig);
}

Test(way, ports_and_addresses_that_are_not_listed_are_reset_and_recorded)
{
	static const struct {
		const char	*address;
		int		 port;
		const char	*object;
	} rows[] = {
		{ "11.0.0.1", 443, "11.0.0.1:443" }, { "10.9.9.9", 443, "10.9.9.9:443" }, { "10.9.9.8", 80, "10.9.9.8:80" },
		{ "127.0.0.1", 80, "127.0.0.1:80" }, { "169.254.169.254", 80, "169.254.169.254:80" },
		{ "198.18.77.7", 443, "198.18.77.7:443" },
	};
	const struct record	*once;
	size_t			 i;
	int			 fd;

	rig_begin(&rig, list, 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if ((fd = tool_connect(rows[i].address, rows[i].port)) != -1)
			expect_nothing(fd);
	fd = connect_name("api.docs.example", 80);
	expect_nothing(fd);
	rig_records(&rig, i + 1);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		once = rig_find(&rig, RECORD_ONCE, rows[i].object);
		cr_assert(once != NULL, "%s", rows[i].object);
		cr_expect(span_is(once->f.decision, "deny") && span_is(once->f.outcome, "refused"));
		cr_expect(span_is(once->f.error, "NET_NOT_LISTED"));
	}
	cr_expect(rig_find(&rig, RECORD_ONCE, "api.docs.example:80") != NULL);
	cr_expect(eq(int, rig.world->accepted, 0));
	rig_end(&rig);
}

Test(way, an_address_that_is_listed_passes_although_it_is_private)
{
	uint8_t	hello[2048], got[2048];
	size_t	n = tls_hello(NULL, 1000, hello);
	int	fd;

	rig_begin(&rig, list, 0);
	fd = tool_connect("10.9.9.9", 80);
	cr_assert(fd != -1);
	/* It is asked for no name. */
	tool_send(fd, hello, n);
	cr_expect(eq(int, tool_read(fd, got, n), (int)n));
	close(fd);
	rig_records(&rig, 2);
	expect_end(rig_find(&rig, RECORD_BEGIN, "10.9.9.9:80"), "ok", "", n, n);
	rig_end(&rig);
}

Test(way, many_bytes_pass_both_ways_when_either_side_is_slow)
{
	static char	out[1 << 20], in[1 << 20];
	size_t		at;
	pid_t		pid;
	int		fd;

	rig_begin(&rig, list, 0);
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (char)(i * 7 + i / 251);
	fd = connect_name("other.docs.example", 80);
	if ((pid = fork()) == 0) {
		for (at = 0; at < sizeof(out); at += 65536)
			if (send(fd, out + at, 65536, MSG_NOSIGNAL) != 65536)
				_exit(1);
		shutdown(fd, SHUT_WR);
		_exit(0);
	}
	for (at = 0; at < sizeof(in); at += 4096) {
		if (at % (256 * 1024) == 0)
			usleep(100000);
		cr_assert(eq(int, tool_read(fd, in + at, 4096), 4096), "at %zu", at);
	}
	expect_nothing(fd);
	cr_expect(memcmp(in, out, sizeof(in)) == 0);
	rig_records(&rig, 2);
	expect_end(rig_find(&rig, RECORD_BEGIN, "other.docs.example:80"), "ok", "", sizeof(out), sizeof(in));
	rig_end(&rig);
}
