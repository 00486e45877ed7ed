/* SPDX-License-Identifier: Apache-2.0
 *
 * test_guard.c - where names lead, and learning
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rig.h"

TestSuite(guard, .timeout = 60);

static struct rig	rig;
static const char *const list[] = { "*.docs.example:80", NULL };
static const char *const nothing[] = { "only.example:1", NULL };

/* What became of a connection to this name, as it is recorded: its outcome, and where it led. */
static const struct record *
try(const char *name, int port)
{
	size_t	before;
	char	address[64], byte = 'x';
	int	fd;

	rig_records(&rig, 0);
	before = rig.record_count;
	cr_assert(eq(int, tool_ask(name, 1, address), 0), "%s", name);
	if ((fd = tool_connect(address, port)) != -1) {
		(void)!write(fd, &byte, 1);
		(void)tool_read(fd, &byte, 1);
		close(fd);
	}
	rig_records(&rig, before + 2);
	cr_assert(eq(sz, rig.record_count, before + 2), "%s", name);
	return &rig.records[before + 1];
}

Test(guard, a_name_that_leads_to_an_address_that_is_not_public_is_refused)
{
	static const struct {
		const char	*name, *address;
	} rows[] = {
		{ "private.docs.example", "10.9.9.9:80" }, { "mixed.docs.example", "192.168.1.1:80" },
		{ "loop.docs.example", "127.0.0.1:80" }, { "own.docs.example", "12.0.0.1:80" },
		{ "second.docs.example", "13.0.0.2:80" },
	};
	const struct record	*end;

	rig_begin(&rig, list, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		end = try(rows[i].name, 80);
		cr_expect(span_is(end->f.outcome, "refused") && span_is(end->f.error, "NET_NOT_PUBLIC"), "%s", rows[i].name);
		cr_expect(span_is(end->f.address, rows[i].address), "%s: %.*s", rows[i].name, SPAN_FMT(end->f.address));
	}
	usleep(50000);		/* for a host to notice, if there were something */
	cr_expect(eq(int, rig.world->accepted, 0));
	rig_end(&rig);
}

Test(guard, a_name_that_an_operator_gave_an_address_is_there_and_nobody_is_asked)
{
	static const char *const known[] = { "a.example:80=10.9.9.9:80", "b.example:443=127.0.0.1:80",
		"a.example:443=12.0.0.1:443", NULL };
	static const struct {
		const char	*name;
		int		 port;
		const char	*address;
	} rows[] = {
		{ "a.example", 80, "10.9.9.9:80" }, { "b.example", 443, "127.0.0.1:80" }, { "a.example", 443, "12.0.0.1:443" },
	};
	const struct record	*end;

	rig_begin(&rig, known, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		end = try(rows[i].name, rows[i].port);
		cr_expect(span_is(end->f.outcome, "ok"), "%s: %.*s", rows[i].name, SPAN_FMT(end->f.error));
		cr_expect(span_is(end->f.address, rows[i].address), "%s: %.*s", rows[i].name, SPAN_FMT(end->f.address));
	}
	cr_expect(eq(int, rig.world->asked, 0));
	rig_end(&rig);
}

Test(guard, an_address_that_stands_for_a_name_is_not_one_that_may_be_asked_for)
{
	static const char *const known[] = { "a.example:80=10.9.9.9:80", NULL };
	char			 byte = 'x';
	int			 fd;

	rig_begin(&rig, known, 0);
	if ((fd = tool_connect("10.9.9.9", 80)) != -1) {
		(void)!write(fd, &byte, 1);
		cr_expect(tool_read(fd, &byte, 1) <= 0);
		close(fd);
	}
	rig_records(&rig, 1);
	cr_expect(rig_find(&rig, RECORD_ONCE, "10.9.9.9:80") != NULL);
	cr_expect(eq(int, rig.world->accepted, 0));
	rig_end(&rig);
}

Test(guard, a_name_whose_second_answer_is_private_is_refused_then)
{
	const struct record	*end;

	rig_begin(&rig, list, 0);
	end = try("rebind.docs.example", 80);
	cr_expect(span_is(end->f.outcome, "ok") && span_is(end->f.address, "11.0.0.1:80"));
	/* Its time to live is over at once, so it is asked again, once for one connection. */
	end = try("rebind.docs.example", 80);
	cr_expect(span_is(end->f.outcome, "refused") && span_is(end->f.address, "10.9.9.9:80"));
	cr_expect(eq(int, rig.world->asked, 4));	/* A and AAAA each time */
	cr_expect(eq(int, rig.world->accepted, 1));
	rig_end(&rig);
}

Test(guard, addresses_without_a_way_to_them_are_no_tries)
{
	const struct record	*end;

	rig_begin(&rig, list, 0);
	end = try("lost.docs.example", 80);
	cr_expect(span_is(end->f.outcome, "ok") && span_is(end->f.address, "11.0.0.1:80"), "%.*s",
	    SPAN_FMT(end->f.address));
	rig_end(&rig);
}

Test(guard, an_answer_is_kept_as_long_as_it_says)
{
	rig_begin(&rig, list, 0);
	for (int i = 0; i < 3; i++)
		cr_expect(span_is(try("api.docs.example", 80)->f.outcome, "ok"));
	cr_expect(eq(int, rig.world->asked, 2));
	rig_end(&rig);
}

Test(guard, who_learns_passes_what_is_public_until_its_time_is_over)
{
	const struct record	*begin, *end;
	char			 address[64];
	uint64_t		 until = 1500;
	int			 fd, i;
	char			 byte;

	rig_begin(&rig, nothing, until);
	end = try("api.docs.example", 80);
	cr_expect(span_is(end->f.outcome, "ok"));
	begin = rig_find(&rig, RECORD_BEGIN, "api.docs.example:80");
	cr_assert(begin != NULL);
	cr_expect(span_is(begin->f.decision, "learn") && span_is(begin->f.rule, "learning"));
	end = try("private.docs.example", 80);
	cr_expect(span_is(end->f.outcome, "refused"));
	fd = tool_connect("10.9.9.9", 80);
	cr_assert(fd != -1);
	cr_expect(tool_read(fd, &byte, 1) <= 0);
	close(fd);
	rig_records(&rig, 5);
	cr_expect(rig_find(&rig, RECORD_ONCE, "10.9.9.9:80") != NULL);
	fd = tool_connect("11.0.0.1", 80);
	cr_assert(fd != -1);
	(void)!write(fd, "x", 1);
	cr_expect(eq(int, tool_read(fd, &byte, 1), 1));
	close(fd);
	for (i = 0; i < 50 && tool_ask("api.docs.example", 1, address) == 0; i++)
		usleep(100000);
	cr_expect(i > 0 && i < 50);
	if ((fd = tool_connect("198.18.0.1", 80)) != -1) {
		cr_expect(tool_read(fd, &byte, 1) <= 0);
		close(fd);
	}
	rig_records(&rig, 9);
	cr_assert(rig_find(&rig, RECORD_ONCE, "api.docs.example:80") != NULL);
	cr_expect(span_is(rig_find(&rig, RECORD_ONCE, "api.docs.example:80")->f.decision, "deny"));
	rig_end(&rig);
}

Test(guard, who_learns_stops_when_the_master_says_so)
{
	struct msg_EGRESS_LEARNT	over = { SPAN_LIT("default"), SPAN_LIT("other"), 0, 0 };
	char				address[64];

	rig_begin(&rig, nothing, 60000);
	over.until_ms = rig.learn_until_ms;
	child_say(&rig.egress, MSG_TYPE_EGRESS_LEARNT, 0, &over, -1);
	rig_sync(&rig);
	cr_expect(span_is(try("api.docs.example", 80)->f.outcome, "ok"));
	over.server = SPAN_LIT("docs");
	child_say(&rig.egress, MSG_TYPE_EGRESS_LEARNT, 0, &over, -1);
	rig_sync(&rig);
	cr_expect(eq(int, tool_ask("api.docs.example", 1, address), 3));
	/* Nor does a jail that comes later, with a policy that says it does. */
	rig_say(&rig, MSG_TYPE_EGRESS_CLOSE, &(struct msg_EGRESS_CLOSE){ RIG_JAIL, 0 }, -1);
	rig_sync(&rig);
	usleep(100000);
	rig_jail(&rig, RIG_JAIL + 1, RIG_PROFILE);
	for (int i = 0; i < 5 && tool_ask("1.arpa", 12, address) != 3; i++)
		;
	cr_expect(eq(int, tool_ask("api.docs.example", 1, address), 3));
	rig_end(&rig);
}

Test(guard, a_tool_that_is_refused_in_a_loop_gets_slower)
{
	int	fd;
	char	byte;

	rig_begin(&rig, nothing, 0);
	for (int i = 0; i < 120; i++)
		if ((fd = tool_connect("11.0.0.1", 80)) != -1) {
			(void)tool_read(fd, &byte, 1);
			close(fd);
		}
	/* All of them are in the audit, and it took two ticks at least. */
	rig_records(&rig, 120);
	cr_expect(eq(sz, rig.record_count, 120));
	cr_expect(rig.records[119].wall_ns - rig.records[0].wall_ns > 900 * UINT64_C(1000000));
	rig_end(&rig);
}

Test(guard, a_tool_that_connects_in_a_loop_gets_slower)
{
	int	fd;
	char	byte = 'x', address[64];

	rig_begin(&rig, list, 0);
	cr_assert(eq(int, tool_ask("api.docs.example", 1, address), 0));
	for (int i = 0; i < 160; i++) {
		fd = tool_connect(address, 80);
		cr_assert(fd != -1);
		tool_send(fd, &byte, 1);
		cr_expect(eq(int, tool_read(fd, &byte, 1), 1));
		close(fd);
	}
	/* A tick may have come just before the first of what may begin at once was used up. */
	rig_records(&rig, 320);
	cr_expect(eq(sz, rig.record_count, 320));
	cr_expect(rig.records[319].wall_ns - rig.records[0].wall_ns > 900 * UINT64_C(1000000));
	rig_end(&rig);
}

/* Closing it would wait, for everybody, when its tool reads nothing. */
Test(guard, nobody_waits_for_a_socket_that_lingers)
{
	static const struct linger	ling = { .l_onoff = 1, .l_linger = 60 };
	const struct msg_EGRESS_SOCKET	socket = { RIG_JAIL, EGRESS_SOCKET_TCP, 80, 0 };
	int				own, fd, little = 2048;
	char				address[64], room[1 << 16] = "";

	rig_begin_bare(&rig, list, 0);
	own = tool_socket("0.0.0.0", 80, SOCK_STREAM);
	cr_assert(eq(int, setsockopt(own, SOL_SOCKET, SO_LINGER, &ling, sizeof(ling)), 0));
	rig_say(&rig, MSG_TYPE_EGRESS_SOCKET, &socket, own);
	rig_say(&rig, MSG_TYPE_EGRESS_SOCKET, &(struct msg_EGRESS_SOCKET){ RIG_JAIL, EGRESS_SOCKET_DNS_UDP, 53, 0 },
	    tool_socket("0.0.0.0", 53, SOCK_DGRAM));
	rig_say(&rig, MSG_TYPE_EGRESS_OPEN, &(struct msg_EGRESS_OPEN){ RIG_JAIL, RIG_PROFILE, SPAN_LIT("docs"), 0 }, -1);
	cr_assert(eq(int, tool_ask("api.docs.example", 1, address), 0));
	fd = tool_connect(address, 80);
	cr_assert(fd != -1);
	/* What comes back fills its own end, and waits in ours. */
	cr_assert(eq(int, setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof(little)), 0));
	for (int i = 0; i < 4; i++)
		tool_send(fd, room, sizeof(room));
	usleep(300000);
	rig_say(&rig, MSG_TYPE_EGRESS_CLOSE, &(struct msg_EGRESS_CLOSE){ RIG_JAIL, 0 }, -1);
	rig_sync(&rig);
	close(fd);
	rig_end(&rig);
}

Test(guard, a_connection_that_finds_no_room_is_recorded)
{
	const struct record	*once;
	int			 fd[256], last;
	char			 byte;

	rig_begin(&rig, list, 0);
	for (int i = 0; i < 256; i++) {
		fd[i] = tool_connect("127.0.0.1", 3128);
		cr_assert(fd[i] != -1);
	}
	last = tool_connect("11.0.0.1", 80);
	cr_assert(last != -1);
	cr_expect(tool_read(last, &byte, 1) <= 0);
	close(last);
	rig_records(&rig, 1);
	once = rig_find(&rig, RECORD_ONCE, "11.0.0.1:80");
	cr_assert(once != NULL);
	cr_expect(span_is(once->f.error, "OVERLOADED") && span_is(once->f.method, "transparent"));
	/* There is room again when one of them went. */
	close(fd[0]);
	rig_sync(&rig);
	cr_expect(span_is(try("api.docs.example", 80)->f.outcome, "ok"));
	for (int i = 1; i < 256; i++)
		close(fd[i]);
	rig_end(&rig);
}
