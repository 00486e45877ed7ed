/* SPDX-License-Identifier: Apache-2.0
 *
 * test_snapset.c - only what verifies, and is what it was said to be, is kept
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/fd.h"
#include "master/snapset.h"
#include "policy/build.h"

static int
snapshot(enum snap_kind kind, const char *consumer, uint64_t generation)
{
	struct build	*b;
	uint64_t	 length;
	int		 fd;

	cr_assert(build_new(kind, consumer, &b) == 0);
	cr_assert(build_seal(b, generation, &fd, &length) == 0);
	build_free(&b);
	return fd;
}

static int
take(struct snapset *s, int fd, unsigned kind, const char *consumer, uint64_t generation)
{
	int	r = snapset_take(s, &fd, kind, span_of(consumer), generation);

	cr_expect(eq(int, fd, -1));	/* in any case the set's */
	return r;
}

Test(snapset, refuses_what_is_not_what_was_said)
{
	struct snapset	s;
	int		fd;

	snapset_init(&s);
	cr_expect(eq(int, take(&s, snapshot(SNAP_KEYS, "", 3), SNAP_POLICY, "", 3), E_FORMAT));
	cr_expect(eq(int, take(&s, snapshot(SNAP_KEYS, "", 3), SNAP_KEYS, "worker", 3), E_FORMAT));
	cr_expect(eq(int, take(&s, snapshot(SNAP_KEYS, "", 3), SNAP_KEYS, "", 4), E_FORMAT));
	cr_assert(fd_memfd("open", &fd) == 0);
	cr_expect(take(&s, fd, SNAP_KEYS, "", 3) != 0);
	cr_expect(take(&s, open("/dev/null", O_RDONLY), SNAP_KEYS, "", 3) != 0);
	cr_expect(eq(u64, s.count, 0));
	cr_expect(eq(int, take(&s, snapshot(SNAP_KEYS, "", 3), SNAP_KEYS, "", 3), 0));
	cr_expect(eq(int, take(&s, snapshot(SNAP_KEYS, "", 3), SNAP_KEYS, "", 3), E_EXISTS));
	snapset_fini(&s);
}

Test(snapset, puts_one_in_the_place_of_its_kind_and_consumer)
{
	struct snapset	in, made;

	snapset_init(&in);
	snapset_init(&made);
	cr_assert(take(&in, snapshot(SNAP_PROFILE, "a", 1), SNAP_PROFILE, "a", 1) == 0);
	cr_assert(take(&in, snapshot(SNAP_PROFILE, "b", 1), SNAP_PROFILE, "b", 1) == 0);
	cr_assert(take(&made, snapshot(SNAP_PROFILE, "b", 2), SNAP_PROFILE, "b", 2) == 0);
	cr_assert(take(&made, snapshot(SNAP_KEYS, "", 2), SNAP_KEYS, "", 2) == 0);
	cr_assert(eq(int, snapset_put(&in, &made), 0));
	cr_expect(eq(u64, in.count, 3));
	cr_expect(eq(u64, made.count, 0));
	cr_expect(eq(u64, snapset_find(&in, SNAP_PROFILE, SPAN_LIT("a"))->head.generation, 1));
	cr_expect(eq(u64, snapset_find(&in, SNAP_PROFILE, SPAN_LIT("b"))->head.generation, 2));
	cr_expect(eq(u64, snapset_find(&in, SNAP_KEYS, SPAN_NONE)->head.generation, 2));
	snapset_fini(&made);
	snapset_fini(&in);
}

Test(snapset, replaces_whole_kinds_and_leaves_others)
{
	struct snapset	in, made;

	snapset_init(&in);
	snapset_init(&made);
	cr_assert(take(&in, snapshot(SNAP_KEYS, "", 1), SNAP_KEYS, "", 1) == 0);
	cr_assert(take(&in, snapshot(SNAP_PROFILE, "a", 1), SNAP_PROFILE, "a", 1) == 0);
	cr_assert(take(&in, snapshot(SNAP_PROFILE, "b", 1), SNAP_PROFILE, "b", 1) == 0);
	cr_assert(take(&made, snapshot(SNAP_PROFILE, "b", 2), SNAP_PROFILE, "b", 2) == 0);
	cr_assert(take(&made, snapshot(SNAP_KEYS, "", 2), SNAP_KEYS, "", 2) == 0);
	cr_assert(snapset_replace(&in, &made, 1u << SNAP_PROFILE) == 0);
	cr_expect(snapset_find(&in, SNAP_PROFILE, SPAN_LIT("a")) == NULL);
	cr_assert(snapset_find(&in, SNAP_PROFILE, SPAN_LIT("b")) != NULL);
	cr_expect(eq(u64, snapset_find(&in, SNAP_PROFILE, SPAN_LIT("b"))->head.generation, 2));
	cr_expect(eq(u64, snapset_find(&in, SNAP_KEYS, SPAN_NONE)->head.generation, 1));
	cr_expect(eq(u64, made.count, 1));
	snapset_fini(&in);
	snapset_fini(&made);
}
