/* SPDX-License-Identifier: Apache-2.0
 *
 * rig.c - a real mcpgw-egress; the test plays its master, a spawner, a tool, and the world
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "audit/seghead.h"
#include "ipc/wait.h"
#include "lib/fd.h"
#include "policy/build.h"
#include "policy/params.h"
#include "policy/reach.h"
#include "rig.h"
#include "world.h"

#define WAIT_MS	5000

static int	tool_jail = -1;		/* of the rig that began last */

/* --- the master ----------------------------------------------------------------------------------- */

static struct stext
text(struct build *b, const char *s)
{
	struct stext	t;

	cr_assert(eq(int, build_text(b, span_of(s), &t), 0));
	return t;
}

static void
put_params(struct build *b)
{
	struct rec_param	p;

	for (unsigned i = 0; i < PARAM_ID_LIMIT; i++) {
		p = (struct rec_param){ .id = i, .text = text(b, i == PARAM_ID_egress_dns ? WORLD_DNS : "") };
		(void)!param_parse(param_row(i), span_of(param_row(i)->normal), &p.number);
		if (i == PARAM_ID_connect_timeout)
			p.number = 1000;
		cr_assert(eq(int, build_add(b, SECTION_PARAM, &p, NULL), 0));
	}
}

/* "HOST:PORT=ADDRESS:PORT" is one that net_hosts names. */
static struct span
take_place(const char *entry, struct rec_reach *rec)
{
	const char		*equals = strchr(entry, '=');
	struct sockaddr_in	 in = { 0 };
	char			 address[64];
	unsigned		 port;

	if (equals == NULL)
		return span_of(entry);
	cr_assert(eq(int, sscanf(equals + 1, "%63[^:]:%u", address, &port), 2));
	cr_assert(eq(int, inet_pton(AF_INET, address, &in.sin_addr), 1));
	rec->family = AF_INET;
	rec->to_port = (uint16_t)port;
	memcpy(rec->bytes, &in.sin_addr, 4);
	return span_make(entry, (size_t)(equals - entry));
}

static uint32_t
put_list(struct build *b, const char *const *list)
{
	struct reach_rule	rule;
	struct rec_reach	rec, place;
	struct span		entry;
	char			path[64];
	uint32_t		n = 0;

	for (; list[n] != NULL; n++) {
		place = (struct rec_reach){ 0 };
		entry = take_place(list[n], &place);
		cr_assert(eq(int, reach_rule_parse(entry, &rule, NULL), 0), "%s", list[n]);
		snprintf(path, sizeof(path), "mcpServers.docs.net[%u]", n);
		rec = (struct rec_reach){ .kind = rule.kind, .port = rule.port, .family = rule.host.address.family,
		    .host = text(b, rule.host.name), .path = text(b, path) };
		memcpy(rec.bytes, rule.host.address.bytes, sizeof(rec.bytes));
		if (place.family != 0) {
			rec.family = place.family;
			rec.to_port = place.to_port;
			memcpy(rec.bytes, place.bytes, sizeof(rec.bytes));
		}
		cr_assert(eq(int, build_add(b, SECTION_REACH, &rec, NULL), 0));
	}
	return n;
}

static uint64_t
wall_ms(void)
{
	struct timespec	t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void
rig_offer(struct rig *r, const char *const *list, uint64_t learn_ms, uint64_t profile)
{
	struct msg_SNAPSHOT_OFFER	m = { .kind = SNAP_POLICY, .generation = ++r->generation };
	struct rec_server		s = { .kind = SERVER_STDIO, .net = NET_LIST, .profile = profile };
	struct build			*b;
	union msg_any			any;
	int				fd;

	cr_assert(eq(int, build_new(SNAP_POLICY, "", &b), 0));
	put_params(b);
	cr_assert(eq(int, build_add(b, SECTION_TENANT, &(struct rec_tenant){ .name = text(b, "default") }, NULL), 0));
	s.name = text(b, "docs");
	s.path = text(b, "mcpServers.docs");
	s.reach_count = put_list(b, list);
	if (learn_ms > 0) {
		s.flags = SERVER_FLAG_LEARN;
		s.learn_until_ms = r->learn_until_ms = wall_ms() + learn_ms;
	}
	cr_assert(eq(int, build_add(b, SECTION_SERVER, &s, NULL), 0));
	cr_assert(eq(int, build_add(b, SECTION_SERVER_BY_NAME, &(struct rec_index){ 0 }, NULL), 0));
	cr_assert(eq(int, build_seal(b, m.generation, &fd, &m.length), 0));
	build_free(&b);
	child_say(&r->egress, MSG_TYPE_SNAPSHOT_OFFER, 0, &m, fd);
	close(fd);
	child_hear(&r->egress, MSG_TYPE_SNAPSHOT_IN_FORCE, &any, NULL);
	cr_expect(eq(u64, any.SNAPSHOT_IN_FORCE.generation, r->generation));
}

static void
give_segment(struct rig *r)
{
	struct msg_SEGMENT	m = { .number = 1 };
	union msg_any		any;

	child_hear(&r->egress, MSG_TYPE_SEGMENT_WANTED, &any, NULL);
	cr_expect(eq(u32, any.SEGMENT_WANTED.number, 1));
	cr_assert(eq(int, fd_memfd("segment", &r->segment), 0));
	cr_assert(eq(int, ftruncate(r->segment, SEGMENT_BYTES), 0));
	child_say(&r->egress, MSG_TYPE_SEGMENT, 0, &m, r->segment);
}

void
rig_sync(struct rig *r)
{
	static uint64_t	token = 1;
	union msg_any	any;

	/* Twice: a turn may read the master before it reads the spawner. */
	for (int i = 0; i < 2; i++) {
		child_say(&r->egress, MSG_TYPE_PING, 0, &(struct msg_PING){ .token = ++token }, -1);
		child_hear(&r->egress, MSG_TYPE_PING, &any, NULL);
		cr_expect(eq(u64, any.PING.token, token));
	}
}

/* --- the spawner ---------------------------------------------------------------------------------- */

void
rig_link(struct rig *r)
{
	int	pair[2];

	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0));
	child_say(&r->egress, MSG_TYPE_EGRESS_LINK, 0, &(struct msg_EGRESS_LINK){ SPAN_LIT("default"), 0 }, pair[1]);
	close(pair[1]);
	r->spawner = pair[0];
}

void
rig_say(struct rig *r, enum msg_type type, const void *msg, int fd)
{
	cr_assert(eq(int, chan_send_wait(r->spawner, (uint16_t)type, 0, msg, &fd, fd == -1 ? 0 : 1), 0));
	if (fd != -1)
		close(fd);
}

bool
rig_is_cut(struct rig *r)
{
	struct pollfd	p = { .fd = r->spawner, .events = POLLIN };
	char		byte;

	return poll(&p, 1, WAIT_MS) == 1 && recv(r->spawner, &byte, 1, 0) <= 0;
}

void
rig_jail(struct rig *r, uint64_t id, uint64_t profile)
{
	static const struct {
		enum egress_socket	 kind;
		int			 port, type;
		const char		*address;
	} rows[] = {
		{ EGRESS_SOCKET_TCP, 443, SOCK_STREAM, "0.0.0.0" }, { EGRESS_SOCKET_TCP, 80, SOCK_STREAM, "0.0.0.0" },
		{ EGRESS_SOCKET_TCP, 25, SOCK_STREAM, "0.0.0.0" }, { EGRESS_SOCKET_DNS_UDP, 53, SOCK_DGRAM, "0.0.0.0" },
		{ EGRESS_SOCKET_DNS_TCP, 53, SOCK_STREAM, "0.0.0.0" },
		{ EGRESS_SOCKET_PROXY, 3128, SOCK_STREAM, "127.0.0.1" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		rig_say(r, MSG_TYPE_EGRESS_SOCKET, &(struct msg_EGRESS_SOCKET){ id, rows[i].kind, (uint32_t)rows[i].port, 0 },
		    tool_socket(rows[i].address, rows[i].port, rows[i].type));
	rig_say(r, MSG_TYPE_EGRESS_OPEN, &(struct msg_EGRESS_OPEN){ id, profile, SPAN_LIT("docs"), 0 }, -1);
}

/* --- begin and end -------------------------------------------------------------------------------- */

void
rig_begin_bare(struct rig *r, const char *const *list, uint64_t learn_ms)
{
	const struct msg_BOOT	boot = { .slot = 3, .incarnation = 1, .boot = 9, .workers = 1, .tenant = SPAN_LIT("") };
	union msg_any		any;
	int			user_ns = -1, net_ns = -1;

	*r = (struct rig){ .spawner = -1 };
	r->world = mmap(NULL, sizeof(*r->world), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	r->world_pid = world_start(r->world, &user_ns, &net_ns);
	r->jail_pid = r->world_pid == -1 ? -1 : cell_start(&r->jail);
	if (r->jail_pid == -1)
		cr_skip("this user can make no networks here");
	tool_jail = r->jail;
	child_start_in(&r->egress, ROLE_EGRESS, user_ns, net_ns);
	fd_close(&user_ns);
	fd_close(&net_ns);
	child_say(&r->egress, MSG_TYPE_BOOT, 0, &boot, -1);
	give_segment(r);
	rig_offer(r, list, learn_ms, RIG_PROFILE);
	child_say(&r->egress, MSG_TYPE_GO, 0, &(struct msg_GO){ 0 }, -1);
	child_hear(&r->egress, MSG_TYPE_READY, &any, NULL);
	rig_link(r);
}

void
rig_begin(struct rig *r, const char *const *list, uint64_t learn_ms)
{
	char	none[64];

	rig_begin_bare(r, list, learn_ms);
	rig_jail(r, RIG_JAIL, RIG_PROFILE);
	/* Answered when it is served, and not recorded. */
	for (int i = 0; i < 5 && tool_ask("1.arpa", 12, none) != 3; i++)
		;
}

void
rig_end(struct rig *r)
{
	if (r->egress.pid != 0)
		cr_expect(eq(int, child_wait(&r->egress), 0));
	fd_close(&r->jail);
	waitpid(r->jail_pid, NULL, 0);
	kill(r->world_pid, SIGKILL);
	waitpid(r->world_pid, NULL, 0);
	free(r->bytes);
}

/* --- the audit ------------------------------------------------------------------------------------ */

static void
read_records(struct rig *r)
{
	size_t		 took, at = 0, bytes = SEGMENT_BYTES - sizeof(struct segment_head);
	struct span	 rest;

	free(r->bytes);
	r->bytes = malloc(bytes);
	cr_assert(eq(int, (int)pread(r->segment, r->bytes, bytes, sizeof(struct segment_head)), (int)bytes));
	for (r->record_count = 0; r->record_count < RIG_RECORDS; r->record_count++) {
		rest = span_make(r->bytes + at, bytes - at);
		if (record_decode(rest, &r->records[r->record_count], &took) != 0)
			return;
		at += took;
	}
}

void
rig_records(struct rig *r, size_t count)
{
	for (int i = 0; i < WAIT_MS / 10; i++) {
		read_records(r);
		if (r->record_count >= count)
			return;
		usleep(10000);
	}
}

const struct record *
rig_find(const struct rig *r, enum record_kind kind, const char *object)
{
	for (size_t i = 0; i < r->record_count; i++)
		if (r->records[i].kind == kind && span_is(r->records[i].f.object, object))
			return &r->records[i];
	return NULL;
}

const struct record *
rig_end_of(const struct rig *r, const struct record *begin)
{
	for (size_t i = 0; i < r->record_count; i++)
		if (r->records[i].kind == RECORD_END && r->records[i].begin_seq == begin->seq)
			return &r->records[i];
	return NULL;
}

/* --- the tool ------------------------------------------------------------------------------------- */

static struct sockaddr_in
at(const char *address, int port)
{
	struct sockaddr_in	a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	cr_assert(eq(int, inet_pton(AF_INET, address, &a.sin_addr), 1));
	return a;
}

static int
patient(int fd)
{
	const struct timeval	t = { WAIT_MS / 1000, 0 };

	cr_assert(fd != -1);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
	return fd;
}

int
tool_socket(const char *address, int port, int type)
{
	return patient(cell_socket(tool_jail, type, address, port));
}

static int
fresh(int type)
{
	return tool_socket(NULL, 0, type);
}

int
tool_connect(const char *address, int port)
{
	struct sockaddr_in	a = at(address, port);
	int			fd = fresh(SOCK_STREAM);

	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	close(fd);
	return -1;
}

int
tool_ask_raw(const void *message, size_t bytes, uint8_t *answer, size_t room)
{
	struct sockaddr_in	a = at("10.0.0.53", 53);
	/* From an address of its own, so that the answer's is not right by itself. */
	struct pollfd		p = { .fd = tool_socket("10.0.0.7", 0, SOCK_DGRAM), .events = POLLIN };
	ssize_t			n = -1;

	/* Connected: an answer from another address than was asked is none. */
	cr_assert(eq(int, connect(p.fd, (struct sockaddr *)&a, sizeof(a)), 0));
	cr_assert(eq(int, (int)send(p.fd, message, bytes, 0), (int)bytes));
	if (poll(&p, 1, 1000) == 1)
		n = recv(p.fd, answer, room, 0);
	close(p.fd);
	return (int)n;
}

int
tool_ask(const char *name, int type, char address[64])
{
	uint8_t	m[512] = { 0x12, 0x34, 1, 0, 0, 1 }, answer[512];
	size_t	n = 12, label;
	int	got;

	while (*name != '\0') {
		label = strcspn(name, ".");
		m[n++] = (uint8_t)label;
		memcpy(m + n, name, label);
		n += label;
		name += label + (name[label] == '.');
	}
	m[n + 2] = (uint8_t)type;
	m[n + 4] = 1;
	n += 5;
	address[0] = '\0';
	if ((got = tool_ask_raw(m, n, answer, sizeof(answer))) < 12)
		return -1;
	cr_expect(answer[0] == 0x12 && answer[1] == 0x34 && (answer[2] & 0x80) != 0);
	if (answer[7] == 1)
		inet_ntop(AF_INET, answer + got - 4, address, 64);
	return answer[3] & 15;
}

void
tool_send(int fd, const void *bytes, size_t n)
{
	cr_assert(eq(long, (long)send(fd, bytes, n, MSG_NOSIGNAL), (long)n));
}

int
tool_read(int fd, void *to, size_t n)
{
	size_t	have = 0;
	ssize_t	k;

	while (have < n) {
		k = recv(fd, (char *)to + have, n - have, 0);
		if (k == -1)
			return -1;
		if (k == 0)
			break;
		have += (size_t)k;
	}
	return (int)have;
}
