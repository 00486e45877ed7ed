/* SPDX-License-Identifier: Apache-2.0
 *
 * test_keyring.c - rings are made, rotated and travel
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/keyring.h"

Test(keyring, travels_as_a_sealed_memfd)
{
	struct keyring	ring, got;
	int		fd;

	cr_assert(keyring_make(&ring) == 0 && keyring_memfd(&ring, &fd) == 0);
	cr_expect(write(fd, "x", 1) == -1 && ftruncate(fd, 1) == -1, "nobody changes it");
	cr_expect((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	cr_assert(keyring_read(fd, &got) == 0);
	cr_expect(memcmp(&ring, &got, sizeof(ring)) == 0);
	close(fd);
}

static int
read_back(const void *bytes, size_t n)
{
	struct keyring	got;
	int		fd = memfd_create("test", MFD_CLOEXEC), r;

	cr_assert(fd != -1 && write(fd, bytes, n) == (ssize_t)n);
	r = keyring_read(fd, &got);
	close(fd);
	cr_expect(r == 0 || (got.magic[0] == 0 && got.key[0].in_use == 0), "nothing is left of a bad one");
	return r;
}

Test(keyring, refuses_what_is_no_ring)
{
	struct keyring	ring, bad;

	cr_assert(keyring_make(&ring) == 0);
	cr_expect(read_back(&ring, sizeof(ring)) == 0);
	cr_expect(read_back(&ring, sizeof(ring) - 1) == E_SHORT);
	cr_expect(read_back("", 0) == E_SHORT);
	bad = ring;
	bad.magic[7] ^= 1;
	cr_expect(read_back(&bad, sizeof(bad)) == E_FORMAT);
	bad = ring;
	bad.format++;
	cr_expect(read_back(&bad, sizeof(bad)) == E_VERSION);
	bad = ring;
	bad.newest = KEYRING_KEYS;
	cr_expect(read_back(&bad, sizeof(bad)) == E_FORMAT);
	bad = ring;
	bad.newest = 1;
	cr_expect(read_back(&bad, sizeof(bad)) == E_FORMAT, "the newest is not in use");
	cr_expect(keyring_read(-1, &bad) == E_SYS);
}

Test(keyring, rotates_the_oldest_out)
{
	struct keyring			ring;
	const struct keyring_key	*key;
	uint8_t				first[KEYRING_BYTES], number;

	cr_assert(keyring_make(&ring) == 0);
	number = ring.key[ring.newest].number;
	memcpy(first, ring.key[ring.newest].bytes, sizeof(first));
	for (int i = 1; i < KEYRING_KEYS; i++) {
		cr_assert(keyring_rotate(&ring) == 0);
		cr_expect(ring.key[ring.newest].number != number);
		key = keyring_find(&ring, number);
		cr_assert(key != NULL, "rotation %d", i);
		cr_expect(memcmp(key->bytes, first, sizeof(first)) == 0);
		cr_expect(memcmp(ring.key[ring.newest].bytes, first, sizeof(first)) != 0);
	}
	cr_assert(keyring_rotate(&ring) == 0);
	cr_expect(keyring_find(&ring, number) == NULL);
	for (int i = 0; i < 600; i++) {
		cr_assert(keyring_rotate(&ring) == 0);
		key = keyring_find(&ring, ring.key[ring.newest].number);
		cr_assert(key == &ring.key[ring.newest], "numbers wrap, and stay apart within a ring");
	}
}
