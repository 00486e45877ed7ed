/* SPDX-License-Identifier: Apache-2.0
 *
 * test_links.c - spawners: whose sockets are served by what, and what ends a link
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rig.h"

TestSuite(links, .timeout = 60);

static struct rig	rig;
static const char *const list[] = { "api.docs.example:80", NULL };
static const char *const other[] = { "other.docs.example:80", NULL };

static bool
passes(const char *name)
{
	char	address[64], byte = 'x';
	int	fd;
	bool	ok;

	if (tool_ask(name, 1, address) != 0 || (fd = tool_connect(address, 80)) == -1)
		return false;
	ok = write(fd, &byte, 1) == 1 && tool_read(fd, &byte, 1) == 1;
	close(fd);
	return ok;
}

/* Until nobody takes connections any more. */
static void
wait_closed(void)
{
	int	fd = -1;

	for (int i = 0; i < 50 && (fd = tool_connect("11.0.0.1", 80)) != -1; i++) {
		close(fd);
		usleep(100000);
	}
	cr_assert(eq(int, fd, -1));
}

static void
say_socket(uint64_t jail, enum egress_socket kind, uint32_t port, int fd)
{
	rig_say(&rig, MSG_TYPE_EGRESS_SOCKET, &(struct msg_EGRESS_SOCKET){ jail, kind, port, 0 }, fd);
}

static int
file(void)
{
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

Test(links, a_broken_rule_ends_the_link_and_its_jails_and_nothing_else)
{
	rig_begin(&rig, list, 0);
	for (int i = 0; i < 10; i++) {
		cr_assert(passes("api.docs.example"), "round %d", i);
		switch (i) {
		case 0:		/* no socket */
			say_socket(6, EGRESS_SOCKET_TCP, 81, file());
			break;
		case 1:		/* does not listen */
			say_socket(6, EGRESS_SOCKET_TCP, 81, tool_socket(NULL, 0, SOCK_STREAM));
			break;
		case 2:		/* of another kind */
			say_socket(6, EGRESS_SOCKET_DNS_UDP, 81, tool_socket("0.0.0.0", 81, SOCK_STREAM));
			break;
		case 3:
			say_socket(6, EGRESS_SOCKET_LIMIT, 81, tool_socket("0.0.0.0", 81, SOCK_STREAM));
			break;
		case 4:
			say_socket(6, EGRESS_SOCKET_TCP, 70000, tool_socket("0.0.0.0", 81, SOCK_STREAM));
			break;
		case 5:		/* is open already */
			say_socket(RIG_JAIL, EGRESS_SOCKET_TCP, 81, tool_socket("0.0.0.0", 81, SOCK_STREAM));
			break;
		case 6:		/* no socket of it came */
			rig_say(&rig, MSG_TYPE_EGRESS_OPEN, &(struct msg_EGRESS_OPEN){ 9, RIG_PROFILE, SPAN_LIT("docs"), 0 }, -1);
			break;
		case 7:		/* not for a spawner to say */
			rig_say(&rig, MSG_TYPE_EGRESS_NONE, &(struct msg_EGRESS_NONE){ SPAN_LIT("no"), 0 }, -1);
			break;
		case 8:
			cr_assert(eq(long, (long)send(rig.spawner, "garbage", 7, 0), 7L));
			break;
		case 9:		/* one more than there may be */
			for (int port = 1000; port < 1097; port++)
				say_socket(6, EGRESS_SOCKET_TCP, (uint32_t)port, tool_socket("0.0.0.0", port, SOCK_STREAM));
			break;
		}
		cr_assert(rig_is_cut(&rig), "round %d", i);
		close(rig.spawner);
		wait_closed();
		rig_link(&rig);
		rig_jail(&rig, RIG_JAIL, RIG_PROFILE);
	}
	cr_expect(passes("api.docs.example"));
	rig_end(&rig);
}

Test(links, one_that_comes_anew_replaces_the_one_before)
{
	int	first;

	rig_begin(&rig, list, 0);
	first = rig.spawner;
	rig_link(&rig);
	rig_sync(&rig);
	wait_closed();
	rig_jail(&rig, 1, RIG_PROFILE);
	cr_expect(passes("api.docs.example"));
	close(first);
	cr_expect(passes("api.docs.example"));
	rig_end(&rig);
}

Test(links, a_jail_that_is_closed_takes_its_connections_along)
{
	const struct record	*begin;
	char			 address[64], byte = 'x';
	int			 fd;

	rig_begin(&rig, list, 0);
	cr_assert(eq(int, tool_ask("api.docs.example", 1, address), 0));
	fd = tool_connect(address, 80);
	cr_assert(fd != -1);
	tool_send(fd, &byte, 1);
	cr_expect(eq(int, tool_read(fd, &byte, 1), 1));
	rig_say(&rig, MSG_TYPE_EGRESS_CLOSE, &(struct msg_EGRESS_CLOSE){ RIG_JAIL, 0 }, -1);
	cr_expect(tool_read(fd, &byte, 1) <= 0);
	close(fd);
	wait_closed();
	rig_records(&rig, 2);
	begin = rig_find(&rig, RECORD_BEGIN, "api.docs.example:80");
	cr_assert(begin != NULL);
	cr_assert(rig_end_of(&rig, begin) != NULL);
	cr_expect(span_is(rig_end_of(&rig, begin)->f.outcome, "cancelled"));
	/* Once more, and one that never was, are no broken rules. */
	rig_say(&rig, MSG_TYPE_EGRESS_CLOSE, &(struct msg_EGRESS_CLOSE){ RIG_JAIL, 0 }, -1);
	rig_jail(&rig, RIG_JAIL + 1, RIG_PROFILE);
	cr_expect(passes("api.docs.example"));
	rig_end(&rig);
}

Test(links, a_jail_keeps_the_policy_it_began_with)
{
	rig_begin(&rig, list, 0);
	rig_offer(&rig, other, 0, RIG_PROFILE + 1);
	rig_offer(&rig, other, 0, RIG_PROFILE + 1);
	cr_expect(passes("api.docs.example"));
	cr_expect(not(passes("other.docs.example")));
	rig_end(&rig);
}

Test(links, a_server_is_found_in_the_policy_before_and_in_the_one_to_come)
{
	rig_begin_bare(&rig, list, 0);
	rig_offer(&rig, other, 0, RIG_PROFILE + 1);
	rig_jail(&rig, 1, RIG_PROFILE);
	cr_expect(passes("api.docs.example"));
	rig_say(&rig, MSG_TYPE_EGRESS_CLOSE, &(struct msg_EGRESS_CLOSE){ 1, 0 }, -1);
	wait_closed();
	rig_jail(&rig, 2, RIG_PROFILE + 2);
	rig_sync(&rig);
	rig_offer(&rig, other, 0, RIG_PROFILE + 2);
	cr_expect(passes("other.docs.example"));
	rig_end(&rig);
}

Test(links, a_server_that_no_policy_knows_gets_no_way_out)
{
	char		address[64];
	struct pollfd	p = { .events = POLLIN };

	rig_begin_bare(&rig, list, 0);
	rig_jail(&rig, 1, RIG_PROFILE + 5);
	p.fd = tool_connect("11.0.0.1", 80);
	cr_assert(p.fd != -1);
	/* Reset, once it has waited for long enough. */
	cr_expect(eq(int, poll(&p, 1, 8000), 1));
	cr_expect(eq(int, tool_read(p.fd, address, 1), -1));
	close(p.fd);
	cr_expect(eq(int, tool_ask("api.docs.example", 1, address), 2));
	cr_expect(not(passes("api.docs.example")));
	/* One that knows it comes late. */
	rig_offer(&rig, list, 0, RIG_PROFILE + 5);
	cr_expect(passes("api.docs.example"));
	rig_end(&rig);
}

Test(links, drains_when_connections_are_over)
{
	union msg_any	any;
	char		address[64], byte = 'x';
	int		fd;

	rig_begin(&rig, list, 0);
	cr_assert(eq(int, tool_ask("api.docs.example", 1, address), 0));
	fd = tool_connect(address, 80);
	cr_assert(fd != -1);
	tool_send(fd, &byte, 1);
	cr_expect(eq(int, tool_read(fd, &byte, 1), 1));
	child_say(&rig.egress, MSG_TYPE_DRAIN, 0, &(struct msg_DRAIN){ .within_ms = 5000 }, -1);
	rig_sync(&rig);
	cr_expect(eq(int, tool_connect(address, 80), -1));
	tool_send(fd, &byte, 1);
	cr_expect(eq(int, tool_read(fd, &byte, 1), 1));
	close(fd);
	child_hear(&rig.egress, MSG_TYPE_EXITING, &any, NULL);
	cr_expect(eq(u32, any.EXITING.reason, 0));
	rig_records(&rig, 2);
	cr_expect(eq(sz, rig.record_count, 2));
	rig_end(&rig);
}

Test(links, without_room_in_the_audit_nothing_leaves)
{
	rig_begin(&rig, list, 0);
	cr_expect(passes("api.docs.example"));
	rig_records(&rig, 2);
	/* From here on a write fails, as on a disk that is full. */
	cr_assert(eq(int, fcntl(rig.segment, F_ADD_SEALS, F_SEAL_WRITE), 0));
	for (int i = 0; i < 3; i++)
		cr_expect(not(passes("api.docs.example")));
	cr_expect(eq(int, rig.world->accepted, 1));
	rig_end(&rig);
}

Test(links, is_ready_when_there_is_a_place_for_records)
{
	struct pollfd	p = { .events = POLLIN };
	union msg_any	any;

	rig = (struct rig){ .spawner = -1, .jail = -1 };
	child_start(&rig.egress, ROLE_EGRESS);
	child_say(&rig.egress, MSG_TYPE_BOOT, 0, &(struct msg_BOOT){ .boot = 9, .tenant = SPAN_LIT("") }, -1);
	child_hear(&rig.egress, MSG_TYPE_SEGMENT_WANTED, &any, NULL);
	rig_offer(&rig, list, 0, RIG_PROFILE);
	child_say(&rig.egress, MSG_TYPE_GO, 0, &(struct msg_GO){ 0 }, -1);
	p.fd = rig.egress.control;
	cr_expect(eq(int, poll(&p, 1, 300), 0));
	/* Without one it serves too, and refuses connections; that is said. */
	child_say(&rig.egress, MSG_TYPE_SEGMENT_NONE, 0, &(struct msg_SEGMENT_NONE){ 1, SPAN_LIT("a full disk"), 0 }, -1);
	child_hear(&rig.egress, MSG_TYPE_READY, &any, NULL);
	cr_expect(eq(u64, any.READY.generation, rig.generation));
	cr_expect(eq(int, child_wait(&rig.egress), 0));
}

/* With none left, a message that brings one would end the link, or all of it. */
Test(links, sockets_of_jails_leave_descriptors_for_everything_else)
{
	const struct rlimit	few = { 256, 256 };

	cr_assert(eq(int, setrlimit(RLIMIT_NOFILE, &few), 0));
	rig_begin(&rig, list, 0);
	for (int i = 0; i < 270; i++)
		say_socket((uint64_t)(100 + i / 90), EGRESS_SOCKET_TCP, (uint32_t)(1000 + i),
		    tool_socket("0.0.0.0", 1000 + i, SOCK_STREAM));
	rig_sync(&rig);
	cr_expect(passes("api.docs.example"));
	rig_offer(&rig, list, 0, RIG_PROFILE);
	cr_expect(passes("api.docs.example"));
	rig_end(&rig);
}
