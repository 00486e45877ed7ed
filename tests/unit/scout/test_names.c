/* SPDX-License-Identifier: Apache-2.0
 *
 * test_names.c - the hosts of HTTP upstreams, and the catalogue of what was found
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/wait.h"
#include "policy/policy.h"
#include "scout/control.h"
#include "scout/names.h"
#include "scout/visits.h"
#include "tests/harness/nameserver.h"

struct rig {
	struct scout		 s;
	struct nameserver	 dns;
	int			 master;	/* our end */
	struct snap		*catalogue;
	unsigned		 catalogues, reports;
	char			 error[256];	/* of the last report */
};

static void
on_nothing(struct chan *c, const struct chan_msg *m, void *arg)
{
	(void)c;
	(void)m;
	(void)arg;
}

static void
on_gone(struct chan *c, int why, void *arg)
{
	(void)c;
	(void)why;
	(void)arg;
}

static void
rig_init(struct rig *r, const char *lines)
{
	char	servers[64];
	int	fds[2];

	memset(r, 0, sizeof(*r));
	signal(SIGPIPE, SIG_IGN);
	nameserver_start(&r->dns);
	nameserver_say(&r->dns, lines);
	cr_assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0);
	r->master = fds[0];
	swap_init(&r->s.snaps);
	r->s.connect_ms = 500;
	cr_assert(loop_new(&r->s.loop) == 0 && resolver_new(r->s.loop, false, &r->s.resolver) == 0);
	cr_assert(names_new(&r->s, &r->s.names) == 0 && visits_new(&r->s, &r->s.visits) == 0);
	cr_assert(chan_init(&r->s.master, r->s.loop, fds[1], ROLE_SCOUT, ROLE_MASTER, on_nothing, on_gone, r) == 0);
	r->s.master.ready = r->s.ready = true;
	snprintf(servers, sizeof(servers), "127.0.0.1:%u", r->dns.port);
	cr_assert(resolver_set_servers(r->s.resolver, span_of(servers)) == 0);
}

static void
rig_fini(struct rig *r)
{
	snap_release(&r->catalogue);
	visits_free(&r->s.visits);
	names_free(&r->s.names);
	resolver_free(&r->s.resolver);
	chan_fini(&r->s.master);
	swap_fini(&r->s.snaps);
	loop_free(&r->s.loop);
	close(r->master);
	nameserver_stop(&r->dns);
}

/* HTTP servers at these hosts. */
static struct snap *
policy(const char *const *hosts)
{
	struct rec_tenant	 tenant = { .hash = 1 };
	struct snap		*snap;
	struct build		*b;
	uint64_t		 length;
	int			 fd;

	cr_assert(build_new(SNAP_POLICY, "", &b) == 0 && build_text(b, SPAN_LIT("default"), &tenant.name) == 0);
	cr_assert(build_add(b, SECTION_TENANT, &tenant, NULL) == 0);
	for (uint64_t i = 0; hosts[i] != NULL; i++) {
		struct rec_server	s = { .kind = SERVER_HTTP, .profile = 100 + i, .port = 1 };

		cr_assert(build_text(b, span_of(hosts[i]), &s.host) == 0 && build_text(b, span_of(hosts[i]), &s.name) == 0);
		cr_assert(build_add(b, SECTION_SERVER, &s, NULL) == 0);
	}
	cr_assert(build_seal(b, 1, &fd, &length) == 0 && snap_map(fd, &snap) == 0);
	build_free(&b);
	close(fd);
	return snap;
}

static void
use(struct rig *r, const char *const *hosts, const struct snap *earlier)
{
	struct snap	*p = policy(hosts);

	names_set_policy(r->s.names, p, earlier);
	visits_set_policy(r->s.visits, p);
	snap_release(&p);
}

static void
hear(struct rig *r)
{
	static char	room[FRAME_MAX];
	union msg_any	m;
	struct frame	f;
	char		byte;

	while (recv(r->master, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0) {
		cr_assert(chan_recv_wait(r->master, ROLE_MASTER, ROLE_SCOUT, true, room, &f, &m) == 0);
		if (f.head.type == MSG_TYPE_CATALOGUE_MADE) {
			r->catalogues++;
			snap_release(&r->catalogue);
			cr_assert(snap_map(f.fds[0], &r->catalogue) == 0);
			cr_expect(eq(u64, snap_head(r->catalogue)->generation, m.CATALOGUE_MADE.generation));
		} else if (f.head.type == MSG_TYPE_SERVER_STATE) {
			r->reports++;
			snprintf(r->error, sizeof(r->error), "%.*s", SPAN_FMT(m.SERVER_STATE.error));
		}
		frame_close_fds(&f);
	}
}

static void
turn(struct rig *r, unsigned ms)
{
	for (unsigned i = 0; i < ms; i++) {
		loop_turn(r->s.loop, false);
		hear(r);
		usleep(1000);
	}
}

/* How many addresses the last catalogue has of it; -1: it is not there. */
static int
known(const struct rig *r, const char *host)
{
	const struct rec_name	*n = r->catalogue == NULL ? NULL : policy_name_find(r->catalogue, span_of(host));

	return n == NULL ? -1 : (int)n->address_count;
}

static void
wait_for(struct rig *r, const char *host, int count)
{
	for (unsigned i = 0; i < 8000 && known(r, host) != count; i++)
		turn(r, 1);
	cr_expect(eq(int, known(r, host), count), "%s", host);
}

Test(names, are_asked_for_no_more_often_than_is_decent)
{
	cr_expect(eq(u64, names_ttl(0), 2000));
	cr_expect(eq(u64, names_ttl(30000), 30000));
	cr_expect(eq(u64, names_ttl(UINT64_MAX), 300000));
	cr_expect(eq(u64, names_pause(1), 1000));
	cr_expect(eq(u64, names_pause(2), 2000));
	cr_expect(eq(u64, names_pause(6), 32000));
	cr_expect(eq(u64, names_pause(7), 60000));
	cr_expect(eq(u64, names_pause(UINT32_MAX), 60000));
}

Test(names, stand_in_one_catalogue_with_what_is_known_of_them, .timeout = 60)
{
	static const char *const	hosts[] = { "b.example", "a.example", "many.example", "gone.example",
					    "b.example", NULL };
	const struct rec_name		*n;
	const struct rec_address	*first;
	struct rig			r;

	rig_init(&r, "a.example 60 10.0.0.1\nb.example 60 192.0.2.1 192.0.2.2\nmany.example 60 many 500\n");
	use(&r, hosts, NULL);
	wait_for(&r, "many.example", NAME_ADDRESSES_MAX);
	wait_for(&r, "gone.example", 0);
	wait_for(&r, "b.example", 2);
	wait_for(&r, "a.example", 1);
	cr_expect(eq(u64, snap_count(r.catalogue, SECTION_NAME), 4));
	n = policy_name_find(r.catalogue, SPAN_LIT("a.example"));
	first = SNAP_AT(r.catalogue, ADDRESS, n->address_first);
	/* Private, and an operator wrote so. */
	cr_expect(n->state == NAME_FOUND && first->family == AF_INET && first->bytes[0] == 10);
	cr_expect(eq(u32, policy_name_find(r.catalogue, SPAN_LIT("gone.example"))->state, NAME_NONE));
	cr_expect(policy_name_find(r.catalogue, SPAN_LIT("other.example")) == NULL);
	rig_fini(&r);
}

Test(names, change_nothing_when_the_answer_is_turned_round_or_fails, .timeout = 60)
{
	static const char *const	hosts[] = { "a.example", NULL };
	const struct rec_name		*n;
	struct rig			r;
	unsigned			before;
	size_t				asked;

	rig_init(&r, "a.example 1 192.0.2.1 192.0.2.2\n");
	use(&r, hosts, NULL);
	wait_for(&r, "a.example", 2);
	before = r.catalogues;
	nameserver_say(&r.dns, "a.example 1 192.0.2.2 192.0.2.1\n");
	asked = nameserver_asked(&r.dns, "a.example");
	for (int i = 0; i < 6000 && nameserver_asked(&r.dns, "a.example") == asked; i++)
		turn(&r, 1);
	turn(&r, 100);
	cr_expect(eq(uint, r.catalogues, before), "the same addresses are no news");

	nameserver_say(&r.dns, "a.example 1 fail\n");
	for (int i = 0; i < 8000 && r.catalogues == before; i++)
		turn(&r, 1);
	n = policy_name_find(r.catalogue, SPAN_LIT("a.example"));
	cr_expect(n->state == NAME_UNANSWERED && n->address_count == 2, "those of before serve");
	nameserver_say(&r.dns, "a.example 1 192.0.2.3\n");
	wait_for(&r, "a.example", 1);
	rig_fini(&r);
}

Test(names, of_an_earlier_catalogue_hold_until_they_are_answered, .timeout = 60)
{
	static const char *const	one[] = { "a.example", NULL }, *const both[] = { "a.example", "b.example", NULL },
					*const none[] = { "c.example", NULL };
	struct snap			*earlier;
	struct rig			r, next;

	rig_init(&r, "a.example 60 192.0.2.1\n");
	use(&r, one, NULL);
	wait_for(&r, "a.example", 1);
	earlier = snap_hold(r.catalogue);

	rig_init(&next, "a.example 60 silent\nb.example 60 192.0.2.9\n");
	use(&next, both, earlier);
	cr_expect(names_find(next.s.names, SPAN_LIT("a.example"))->count == 1);
	wait_for(&next, "b.example", 1);
	cr_expect(eq(int, known(&next, "a.example"), 1), "it is not taken away before there is another answer");

	/* Those that no server has any more go. */
	use(&next, none, earlier);
	wait_for(&next, "a.example", -1);
	cr_expect(names_find(next.s.names, SPAN_LIT("b.example")) == NULL);
	snap_release(&earlier);
	rig_fini(&next);
	rig_fini(&r);
}

Test(visits, say_what_is_wrong_with_a_name_and_when_it_is_not_any_more, .timeout = 60)
{
	static const char *const	hosts[] = { "a.example", NULL };
	struct rig			r;

	rig_init(&r, "");
	use(&r, hosts, NULL);
	wait_for(&r, "a.example", 0);
	turn(&r, 50);
	cr_expect(strstr(r.error, "a.example: there is no such name") != NULL, "%s", r.error);
	nameserver_say(&r.dns, "a.example 60 127.0.0.1\n");
	wait_for(&r, "a.example", 1);
	turn(&r, 50);
	cr_expect(eq(str, r.error, ""), "where nobody is visited, that is all there is to say");
	cr_expect(eq(uint, r.reports, 2));

	/* Port 1: nobody listens. */
	r.s.check_ms = 100;
	use(&r, hosts, NULL);
	turn(&r, 200);
	rig_fini(&r);
}
