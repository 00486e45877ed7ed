/* SPDX-License-Identifier: Apache-2.0
 *
 * test_heir.c - what two masters of different releases understand of each other
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "ipc/wait.h"
#include "lib/fd.h"
#include "master/master.h"

static int	pair[2];

static void
start(void)
{
	cr_assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
}

static void
stop(void)
{
	fd_close(&pair[0]);
	fd_close(&pair[1]);
}

TestSuite(master_heir, .init = start, .fini = stop, .timeout = 30);

/* As a program of another release sends it. */
static int
hear_of_another(uint16_t type, enum role from, enum role to, const void *msg, union msg_any *out)
{
	static char		room[FRAME_MAX];
	struct frame_head	head;
	struct frame		f;
	char			bytes[FRAME_MAX];
	ssize_t			n;
	int			r;

	cr_assert(eq(int, chan_send_wait(pair[0], type, 0, msg, NULL, 0), 0));
	n = recv(pair[1], bytes, sizeof(bytes), 0);
	cr_assert(n >= (ssize_t)sizeof(head));
	memcpy(&head, bytes, sizeof(head));
	head.protocol = IPC_PROTOCOL + 1;
	memcpy(bytes, &head, sizeof(head));
	cr_assert(send(pair[0], bytes, (size_t)n, 0) == n);
	if ((r = chan_recv_wait(pair[1], to, from, true, room, &f, out)) == 0)
		frame_close_fds(&f);
	return r;
}

Test(master_heir, masters_of_other_releases_understand_each_other_and_nobody_else_does)
{
	struct msg_HEIR_FACT	fact = { .kind = HEIR_FACT_BOOT, .number = 7, .value = UINT64_C(1) << 40,
	    .name = SPAN_LIT("1.3.0") };
	struct msg_DRAIN	drain = { .within_ms = 70 };
	struct msg_RETIRE	retire = { .what = RETIRE_LEAVE };
	union msg_any		m;

	cr_assert(eq(int, hear_of_another(MSG_TYPE_HEIR_FACT, ROLE_MASTER, ROLE_MASTER, &fact, &m), 0));
	cr_expect(m.HEIR_FACT.kind == HEIR_FACT_BOOT && m.HEIR_FACT.number == 7 &&
	    m.HEIR_FACT.value == UINT64_C(1) << 40 && span_is(m.HEIR_FACT.name, "1.3.0"));
	cr_expect(eq(int, hear_of_another(MSG_TYPE_DRAIN, ROLE_MASTER, ROLE_WORKER, &drain, &m), 0));
	cr_expect(eq(int, hear_of_another(MSG_TYPE_RETIRE, ROLE_MASTER, ROLE_WORKER, &retire, &m), E_VERSION));
}

/* Kinds never change their numbers: an older or newer master has them by these. */
Test(master_heir, kinds_are_frozen)
{
	cr_expect(HEIRLOOM_LISTENER == 1 && HEIRLOOM_REGION == 2 && HEIRLOOM_KEYRING == 3 && HEIRLOOM_TICKETS == 4 &&
	    HEIRLOOM_PID == 5 && HEIRLOOM_MARKER == 6 && HEIRLOOM_CTL == 7 && HEIRLOOM_SNAPSHOT == 8 &&
	    HEIRLOOM_STANDIN == 9 && HEIRLOOM_PEER == 10 && HEIRLOOM_OFFERED == 11);
	cr_expect(HEIR_FACT_VERSION == 1 && HEIR_FACT_BOOT == 2 && HEIR_FACT_GENERATION == 3 && HEIR_FACT_SLOT == 4 &&
	    HEIR_FACT_BUSY == 5 && HEIR_FACT_NOTIFY == 6 && HEIR_FACT_END == 7 && HEIR_FACT_WANT_RECORD == 8 &&
	    HEIR_FACT_SERVES == 9 && HEIR_FACT_HURRY == 10 && HEIR_FACT_RECORD_YOURS == 11 && HEIR_FACT_TAKEN == 12 &&
	    HEIR_FACT_WRITER_OVER == 13 && HEIR_FACT_SETTLED == 14 && HEIR_FACT_HOLDS == 15 &&
	    HEIR_FACT_PROTOCOL == 16 && HEIR_FACT_FORMAT == 17 && HEIR_FACT_OFFERED == 18 && HEIR_FACT_IN_FORCE == 19);
}

Test(master_heir, shared_memory_of_this_form_is_kept_and_of_another_made_anew)
{
	struct regions	first, second;
	int		before[REGION_LIMIT], metrics, limits;

	cr_assert(eq(int, regions_init(&first, 4, NULL), 0));
	for (int i = 0; i < REGION_LIMIT; i++)
		before[i] = first.fd[i] == -1 ? -1 : dup(first.fd[i]);
	/* For another number of slots. */
	fd_close(&before[REGION_METRICS]);
	cr_assert(eq(int, region_create(REGION_METRICS, 2, &before[REGION_METRICS]), 0));
	limits = before[REGION_LIMITS];
	metrics = before[REGION_METRICS];
	cr_assert(eq(int, regions_init(&second, 4, before), 0));
	cr_expect(second.fd[REGION_LIMITS] == limits && before[REGION_LIMITS] == -1);
	cr_expect(second.fd[REGION_METRICS] != metrics && before[REGION_METRICS] == metrics);
	cr_expect(second.metrics.count == 4);
	fd_close(&before[REGION_METRICS]);
	regions_fini(&first);
	regions_fini(&second);
}

static void
open_these(struct listeners *l, const struct listeners *open, const char *listen, int want)
{
	struct params	p = { .listen = span_of(listen) };
	char		why[512] = "";
	int		r = listen_open(l, open, &p, false, why, sizeof(why));

	cr_assert(eq(int, r, want), "%s: %s: %s", listen, err_text(r), why);
}

Test(master_heir, listeners_that_stay_are_the_same_sockets)
{
	const struct listeners	none = { .count = 0 };
	struct listeners	one, two, three, wrong;

	open_these(&one, &none, "127.0.0.1:0", 0);
	open_these(&two, &one, "127.0.0.1:0, [::1]:0", 0);
	cr_assert(eq(sz, two.count, (size_t)2));
	cr_expect(strcmp(two.items[0].address, one.items[0].address) == 0 && two.items[0].number == one.items[0].number);
	cr_expect(not(listen_has(&one, two.items[1].number)));
	/* With TLS it is another listener at the same socket. */
	open_these(&three, &two, "127.0.0.1:0 tls", 0);
	cr_expect(strcmp(three.items[0].address, one.items[0].address) == 0 && three.items[0].kind == LISTEN_TLS &&
	    !listen_has(&two, three.items[0].number));
	/* What cannot be had leaves what there is as it was. */
	open_these(&wrong, &two, "127.0.0.1:0, nowhere", E_FORMAT);
	cr_expect(wrong.count == 0 && two.count == 2 && two.items[0].fd != -1);
	listen_close(&three);
	listen_close(&two);
	listen_close(&one);
}

Test(master_heir, numbers_of_workers_are_read_in_one_place)
{
	char		why[128];
	uint32_t	n = 0;

	cr_expect(workers_parse(SPAN_LIT("3"), &n, why, sizeof(why)) == 0 && n == 3);
	cr_expect(workers_parse(SPAN_LIT("auto"), &n, why, sizeof(why)) == 0 && n >= 1 && n <= MASTER_WORKERS_MAX);
	cr_expect(workers_parse(SPAN_LIT("65"), &n, why, sizeof(why)) == E_RANGE &&
	    strstr(why, "workers = 65: auto, or 1 to 64") != NULL, "%s", why);
	cr_expect(workers_parse(SPAN_LIT("none"), &n, why, sizeof(why)) == E_RANGE);
}
