/* SPDX-License-Identifier: Apache-2.0
 *
 * test_region.c - regions: every kind can be made and mapped, and no wrong one can
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/fd.h"
#include "shm/region.h"

Test(region, every_kind_is_made_zeroed_and_shared)
{
	for (enum region_kind k = 1; k < REGION_LIMIT; k++) {
		struct region	a, b;
		uint64_t	used = 0;
		int		fd;

		cr_assert(eq(int, region_create(k, 4, &fd), 0), "%s", region_name(k));
		cr_expect(eq(u64, (uint64_t)lseek(fd, 0, SEEK_END), region_bytes(k, 4)), "%s", region_name(k));
		cr_assert(eq(int, region_map(fd, k, &a), 0), "%s", region_name(k));
		cr_assert(eq(int, region_map(fd, k, &b), 0), "%s", region_name(k));
		fd_close(&fd);
		cr_expect(eq(u64, a.count * a.slot_bytes + 64, a.bytes));
		for (uint64_t i = 0; i < a.bytes - 64; i++)
			used += ((char *)a.slots)[i] != 0;
		cr_expect(eq(u64, used, 0), "%s", region_name(k));
		*(char *)region_slot(&a, a.count - 1) = 7;
		cr_expect(eq(int, *(char *)region_slot(&b, b.count - 1), 7), "one memory");
		cr_expect(eq(u64, region_hash(&a, SPAN_LIT("x")), region_hash(&b, SPAN_LIT("x"))));
		region_unmap(&a);
		region_unmap(&b);
		cr_expect(eq(ptr, a.slots, NULL));
		region_unmap(&a);
	}
}

Test(region, mapped_for_reading_shows_what_others_write)
{
	struct region	a, b;
	char		path[64];
	int		fd, reading;

	cr_assert(eq(int, region_create(REGION_METRICS, 2, &fd), 0));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	reading = open(path, O_RDONLY);
	cr_assert(ne(int, reading, -1));
	cr_assert(eq(int, region_map(fd, REGION_METRICS, &a), 0));
	cr_expect(eq(int, region_map(reading, REGION_METRICS, &b), E_SYS), "writing needs another descriptor");
	cr_assert(eq(int, region_map_read(reading, REGION_METRICS, &b), 0));
	*(char *)region_slot(&a, 1) = 7;
	cr_expect(eq(int, *(char *)region_slot(&b, 1), 7));
	region_unmap(&a);
	region_unmap(&b);
	fd_close(&fd);
	fd_close(&reading);
}

Test(region, mapped_for_reading_cannot_be_written, .signal = SIGSEGV)
{
	struct region	r;
	int		fd;

	cr_assert(eq(int, region_create(REGION_METRICS, 1, &fd), 0));
	cr_assert(eq(int, region_map_read(fd, REGION_METRICS, &r), 0));
	*(volatile char *)region_slot(&r, 0) = 7;
}

Test(region, another_region_hashes_otherwise)
{
	struct region	a, b;
	int		fa, fb;

	cr_assert(eq(int, region_create(REGION_GATE, 1, &fa), 0));
	cr_assert(eq(int, region_create(REGION_GATE, 1, &fb), 0));
	cr_assert(eq(int, region_map(fa, REGION_GATE, &a), 0));
	cr_assert(eq(int, region_map(fb, REGION_GATE, &b), 0));
	cr_expect(ne(u64, region_hash(&a, SPAN_LIT("x")), region_hash(&b, SPAN_LIT("x"))));
	region_unmap(&a);
	region_unmap(&b);
}

Test(region, size_cannot_be_changed_by_a_holder)
{
	int	fd;

	cr_assert(eq(int, region_create(REGION_GATE, 2, &fd), 0));
	cr_expect(eq(int, ftruncate(fd, 0), -1));
	cr_expect(eq(int, ftruncate(fd, 1 << 20), -1));
	fd_close(&fd);
}

Test(region, refuses_what_is_not_the_region_it_wants)
{
	static const struct {
		const char	*what;
		size_t		 at;
		unsigned char	 byte;
		int		 want;
	} rows[] = {
		{ "magic", 0, 'X', E_FORMAT },
		{ "version", 8, 99, E_VERSION },
		{ "kind", 12, REGION_LIMITS, E_FORMAT },
		{ "bytes", 16, 1, E_FORMAT },
		{ "count", 24, 77, E_FORMAT },
		{ "count 0", 24, 0, E_FORMAT },
		{ "slot size", 32, 1, E_FORMAT },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct region	r;
		int		fd;

		cr_assert(eq(int, region_create(REGION_GATE, 3, &fd), 0));
		cr_assert(eq(int, (int)pwrite(fd, &rows[i].byte, 1, (off_t)rows[i].at), 1));
		cr_expect(eq(int, region_map(fd, REGION_GATE, &r), rows[i].want), "%s", rows[i].what);
		cr_expect(eq(ptr, r.slots, NULL), "%s", rows[i].what);
		fd_close(&fd);
	}
}

Test(region, refuses_unsealed_short_and_unknown)
{
	struct region	r;
	int		fd, sealed;
	char		head[64] = REGION_MAGIC;

	cr_assert(eq(int, fd_memfd("test", &fd), 0));
	cr_expect(eq(int, region_map(fd, REGION_GATE, &r), E_FORMAT), "empty");
	cr_assert(eq(int, fd_write_all(fd, span_make(head, sizeof(head))), 0));
	cr_expect(eq(int, region_map(fd, REGION_GATE, &r), E_DENIED), "can be shortened");
	cr_expect(eq(int, region_map(fd, REGION_LIMIT, &r), E_RANGE));
	cr_expect(eq(int, region_create(0, 1, &sealed), E_RANGE));
	cr_expect(eq(int, region_create(REGION_GATE, 0, &sealed), E_RANGE));
	cr_expect(eq(int, region_create(REGION_GATE, 256, &sealed), E_RANGE));
	cr_expect(eq(int, sealed, -1));
	fd_close(&fd);
}
