/* SPDX-License-Identifier: Apache-2.0
 *
 * test_renumber.c - the same content under another generation
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <unistd.h>

#include "lib/fd.h"
#include "policy/build.h"
#include "policy/renumber.h"

static int
sealed(uint64_t generation)
{
	struct rec_tenant	t = { .max_instances = 7 };
	struct build		*b;
	uint64_t		 length;
	int			 fd;

	cr_assert(eq(int, build_new(SNAP_POLICY, "", &b), 0));
	cr_assert(eq(int, build_text(b, SPAN_LIT("acme"), &t.name), 0));
	cr_assert(eq(int, build_add(b, SECTION_TENANT, &t, NULL), 0));
	cr_assert(eq(int, build_seal(b, generation, &fd, &length), 0));
	build_free(&b);
	return fd;
}

Test(renumber, keeps_all_but_the_generation)
{
	struct snap_head	 before, after;
	struct snap		*s;
	int			 fd = sealed(3), copy;

	cr_assert(eq(int, renumber_copy(fd, 9, &copy), 0));
	cr_assert(eq(int, snap_check(fd, &before), 0));
	cr_assert(eq(int, snap_check(copy, &after), 0));
	cr_expect(eq(u64, before.generation, 3));
	cr_expect(eq(u64, after.generation, 9));
	cr_expect(eq(u64, after.content_hash, before.content_hash));
	cr_expect(eq(u64, after.length, before.length));
	cr_assert(eq(int, snap_map(copy, &s), 0));
	cr_expect(span_is(snap_text(s, SNAP_AT(s, TENANT, 0)->name), "acme"));
	cr_expect(eq(u32, SNAP_AT(s, TENANT, 0)->max_instances, 7));
	snap_release(&s);
	fd_close(&fd);
	fd_close(&copy);
}

Test(renumber, refuses_what_is_no_snapshot)
{
	int	fd, copy;

	cr_assert(eq(int, fd_memfd_sealed("x", SPAN_LIT("nothing of the kind, whatever it says"), &fd), 0));
	cr_expect(eq(int, renumber_copy(fd, 9, &copy), E_FORMAT));
	cr_expect(eq(int, copy, -1));
	fd_close(&fd);
	cr_assert(eq(int, fd_memfd("x", &fd), 0));
	cr_expect(eq(int, renumber_copy(fd, 9, &copy), E_DENIED));
	fd_close(&fd);
}
