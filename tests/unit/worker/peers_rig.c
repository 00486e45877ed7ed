/* SPDX-License-Identifier: Apache-2.0
 *
 * peers_rig.c - one worker's messages to others, with a master and another worker played by the test
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/fd.h"
#include "peers_rig.h"

struct rig	rig = { .other = -1 };

static int
on_wanted(uint32_t slot, uint32_t incarnation, uint64_t after, void *arg)
{
	(void)arg;
	rig.asked.slot = slot;
	rig.asked.incarnation = incarnation;
	rig.asked.after = after;
	rig.asked.count++;
	return rig.asked.answer;
}

static int
on_message(uint32_t slot, uint32_t incarnation, const struct peer_head *head, struct span payload, void *arg)
{
	cr_expect(arg == &rig.got);
	rig.got.slot = slot;
	rig.got.incarnation = incarnation;
	rig.got.head = *head;
	free(rig.got.payload);
	rig.got.payload = strndup(payload.n == 0 ? "" : payload.p, payload.n);
	rig.got.order[rig.got.count++ % 63] = (char)('0' + head->ref % 10);
	return rig.got.answer;
}

static void
on_gone(uint32_t slot, uint32_t incarnation, void *arg)
{
	size_t	n = strlen(rig.gone);

	(void)arg;
	snprintf(rig.gone + n, sizeof(rig.gone) - n, "%u/%u ", slot, incarnation);
}

void
rig_start(void)
{
	cr_assert(loop_new(&rig.loop) == 0);
	cr_assert(peers_new(rig.loop, on_wanted, NULL, &rig.peers) == 0);
	peers_set_self(rig.peers, ME, 4, 8);
	peers_on(rig.peers, PEER_GONE, on_message, &rig.got);
	peers_on(rig.peers, PEER_REQUEST, on_message, &rig.got);
	peers_on_gone(rig.peers, on_gone, NULL);
}

void
rig_stop(void)
{
	peers_free(&rig.peers);
	loop_free(&rig.loop);
	fd_close(&rig.other);
	free(rig.got.payload);
	rig.got.payload = NULL;
}

void
rig_turns(int n)
{
	while (n-- > 0)
		loop_turn(rig.loop, false);
}

int
rig_send(uint32_t slot, uint32_t incarnation, uint64_t ref, struct span payload)
{
	const struct peer_head	h = { .bytes = 99, .type = PEER_GONE, .flags = 7, .ref = ref, .a = 11,
				    .b = 12 };

	return peers_send(rig.peers, slot, incarnation, &h, payload);
}

void
rig_attach_small(uint32_t incarnation, int room)
{
	int	ends[2];

	cr_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
	if (room != 0)
		cr_assert(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)) == 0);
	fd_close(&rig.other);
	rig.other = ends[1];
	peers_attach(rig.peers, OTHER, incarnation, ++rig.pair_number, ends[0]);
}

void
rig_attach(uint32_t incarnation)
{
	rig_attach_small(incarnation, 0);
}

void
rig_say(int fd, uint16_t type, uint32_t bytes, uint64_t ref, struct span payload)
{
	const struct peer_head	h = { .bytes = bytes, .type = type, .ref = ref };

	cr_assert(write(fd, &h, sizeof(h)) == sizeof(h));
	if (payload.n > 0)
		cr_assert(write(fd, payload.p, payload.n) == (ssize_t)payload.n);
}

int
rig_hear(struct peer_head *h, char *payload, size_t room)
{
	ssize_t	n;

	rig_turns(3);
	if (read(rig.other, h, sizeof(*h)) != sizeof(*h))
		return -1;
	cr_assert(h->bytes < room);
	n = h->bytes == 0 ? 0 : read(rig.other, payload, h->bytes);
	cr_assert(n == (ssize_t)h->bytes);
	payload[n] = '\0';
	return (int)n;
}

void
rig_expect_ref(uint64_t ref)
{
	struct peer_head	h = { 0 };
	char			text[64];

	cr_expect(rig_hear(&h, text, sizeof(text)) >= 0, "ref %lu did not come", (unsigned long)ref);
	cr_expect(eq(u64, h.ref, ref));
}

void
rig_expect_gone(const char *want)
{
	cr_expect(eq(str, rig.gone, (char *)(uintptr_t)want));
	rig.gone[0] = '\0';
}
