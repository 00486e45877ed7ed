/* SPDX-License-Identifier: Apache-2.0
 *
 * test_snap.c - building, mapping, refusing snapshots; swapping them
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/sum.h"
#include "policy/build.h"
#include "policy/policy.h"
#include "policy/swap.h"

/* A keys snapshot of `count` keys; its bytes in *image. */
static int
make(uint64_t generation, unsigned count, char **image, size_t *bytes)
{
	struct build	*b;
	struct rec_key	 k;
	uint64_t	 length;
	char		 name[32];
	int		 fd;

	cr_assert(eq(int, build_new(SNAP_KEYS, "worker", &b), 0));
	for (unsigned i = 0; i < count; i++) {
		k = (struct rec_key){ .created_ms = i };
		k.digest[0] = (uint8_t)i;
		snprintf(name, sizeof(name), "key-%u", i);
		cr_assert(eq(int, build_text(b, span_of(name), &k.name), 0));
		cr_assert(eq(int, build_text(b, SPAN_LIT("backend"), &k.agent), 0));
		cr_assert(eq(int, build_add(b, SECTION_KEY, &k, NULL), 0));
	}
	cr_assert(eq(int, build_seal(b, generation, &fd, &length), 0));
	build_free(&b);
	if (image != NULL) {
		cr_assert(eq(int, fd_read_all(fd, 1 << 20, image, bytes), 0));
		cr_assert(eq(u64, length, *bytes));
	}
	return fd;
}

/* What mapping these bytes, sealed, answers. */
static int
try_map(const char *image, size_t bytes)
{
	struct snap	*s = NULL;
	int		 fd, r;

	cr_assert(eq(int, fd_memfd_sealed("test", span_make(image, bytes), &fd), 0));
	r = snap_map(fd, &s);
	cr_expect(eq(int, r == 0, s != NULL));
	snap_release(&s);
	fd_close(&fd);
	return r;
}

/* With a right sum, so that what is behind it is tried. */
static int
try_map_summed(char *image, size_t bytes)
{
	struct snap_head	h;

	memcpy(&h, image, sizeof(h));
	h.sum = 0;
	h.sum = sum64_more(sum64(span_make(&h, sizeof(h))),
	    span_make(image + sizeof(h), bytes - sizeof(h)));
	memcpy(image, &h, sizeof(h));
	return try_map(image, bytes);
}

Test(snap, gives_back_what_was_built)
{
	int			 fd = make(7, 3, NULL, NULL);
	struct snap_head	 head;
	const struct rec_key	*k;
	struct snap		*s;
	uint8_t			 digest[32] = { 2 };

	cr_assert(eq(int, snap_check(fd, &head), 0));
	cr_expect(eq(u64, head.generation, 7));
	cr_expect(eq(str, head.consumer, "worker"));
	cr_assert(eq(int, snap_map(fd, &s), 0));
	fd_close(&fd);
	cr_expect(eq(u64, snap_count(s, SECTION_KEY), 3));
	cr_expect(eq(u64, snap_count(s, SECTION_RULE), 0));
	k = policy_key_find(s, digest);
	cr_assert(k != NULL);
	cr_expect(span_is(snap_text(s, k->name), "key-2"));
	cr_expect(eq(str, (char *)snap_cstr(s, k->agent), "backend"));
	cr_expect(eq(u32, k->agent.at, SNAP_AT(s, KEY, 0)->agent.at), "equal texts share their place");
	digest[0] = 9;
	cr_expect(policy_key_find(s, digest) == NULL);
	cr_expect(snap_at(s, SECTION_KEY, 3) == NULL);
	cr_expect(snap_at(s, SECTION_KEY, UINT64_MAX) == NULL);
	cr_expect(snap_at(s, SECTION_LIMIT, 0) == NULL);
	snap_release(&s);
}

Test(snap, answers_nothing_for_text_out_of_range)
{
	static const struct stext	bad[] = { { 0, UINT32_MAX }, { UINT32_MAX, 1 }, { 30, 5 },
		{ UINT32_MAX, UINT32_MAX }, { 13, 2 } };
	int				fd = make(1, 1, NULL, NULL);
	struct snap			*s;

	cr_assert(eq(int, snap_map(fd, &s), 0));
	cr_assert(eq(u64, snap_count(s, SECTION_TEXT), 14));	/* "key-0", "backend", NULs */
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_expect(snap_text(s, bad[i]).p == NULL, "row %zu", i);
		cr_expect(snap_cstr(s, bad[i]) == NULL, "row %zu", i);
	}
	cr_expect(snap_cstr(s, (struct stext){ 0, 7 }) == NULL, "holds a NUL");
	cr_expect(snap_cstr(s, (struct stext){ 0, 3 }) == NULL, "is not followed by one");
	cr_expect(eq(str, (char *)snap_cstr(s, (struct stext){ 0, 0 }), ""));
	snap_release(&s);
	fd_close(&fd);
}

Test(snap, refuses_every_flipped_bit)
{
	char	*image;
	size_t	 bytes;
	int	 fd = make(1, 2, &image, &bytes);

	cr_assert(eq(int, try_map(image, bytes), 0));
	for (size_t bit = 0; bit < bytes * 8; bit++) {
		image[bit / 8] ^= (char)(1 << bit % 8);
		cr_expect(ne(int, try_map(image, bytes), 0), "bit %zu", bit);
		image[bit / 8] ^= (char)(1 << bit % 8);
	}
	free(image);
	fd_close(&fd);
}

Test(snap, refuses_every_shorter_and_longer_file)
{
	char	*image;
	size_t	 bytes;
	int	 fd = make(1, 2, &image, &bytes);

	for (size_t n = 0; n < bytes; n++)
		cr_expect(ne(int, try_map(image, n), 0), "%zu bytes", n);
	image = realloc(image, bytes + 8);
	memset(image + bytes, 0, 8);
	cr_expect(ne(int, try_map(image, bytes + 8), 0));
	free(image);
	fd_close(&fd);
}

Test(snap, refuses_what_is_not_sealed)
{
	static const int	seals[] = { 0, F_SEAL_WRITE, F_SEAL_WRITE | F_SEAL_SHRINK,
		F_SEAL_SHRINK | F_SEAL_GROW, F_SEAL_WRITE | F_SEAL_GROW };
	struct snap		*s;
	char			*image;
	size_t			 bytes;
	int			 good = make(1, 2, &image, &bytes), fd;

	for (size_t i = 0; i < sizeof(seals) / sizeof(seals[0]); i++) {
		cr_assert(eq(int, fd_memfd("test", &fd), 0));
		cr_assert(eq(int, fd_write_all(fd, span_make(image, bytes)), 0));
		cr_assert(ne(int, fcntl(fd, F_ADD_SEALS, seals[i]), -1));
		cr_expect(eq(int, snap_map(fd, &s), E_DENIED), "row %zu", i);
		fd_close(&fd);
	}
	fd = open("/dev/null", O_RDONLY);
	cr_expect(eq(int, snap_map(fd, &s), E_DENIED));
	fd_close(&fd);
	free(image);
	fd_close(&good);
}

/* Sections that lie, under a right sum: what a mistake in the compiler would look like. */
Test(snap, refuses_sections_that_lie)
{
	static const struct {
		const char	*what;
		int		 field;		/* 0 id, 1 record_bytes, 2 offset, 3 count */
		uint64_t	 value;
		int		 want;
	} rows[] = {
		{ "record of another size", 1, 8, E_VERSION },
		{ "record of no size", 1, 0, E_FORMAT },
		{ "inside the head", 2, 8, E_FORMAT },
		{ "inside the table", 2, 128, E_FORMAT },
		{ "not aligned", 2, 177, E_FORMAT },
		{ "behind the end", 2, 1 << 20, E_FORMAT },
		{ "wraps around", 2, UINT64_MAX - 7, E_FORMAT },
		{ "too many records", 3, 1000, E_FORMAT },
		{ "count times size wraps around", 3, UINT64_MAX / 80, E_FORMAT },
		{ "the same section twice", 0, SECTION_TEXT, E_FORMAT },
		{ "a section of a later release is skipped", 0, 1000, 0 },
	};
	char	*image, *lie;
	size_t	 bytes;
	int	 fd = make(1, 2, &image, &bytes);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct snap_section_head h;

		lie = malloc(bytes);
		memcpy(lie, image, bytes);
		memcpy(&h, lie + 128 + sizeof(h), sizeof(h));	/* KEY follows TEXT */
		cr_assert(eq(u32, h.id, SECTION_KEY));
		if (rows[i].field == 0) {
			h.id = (uint32_t)rows[i].value;
			if (h.id == SECTION_TEXT)
				h.record_bytes = 1;
		} else if (rows[i].field == 1) {
			h.record_bytes = (uint32_t)rows[i].value;
		} else if (rows[i].field == 2) {
			h.offset = rows[i].value;
		} else {
			h.count = rows[i].value;
		}
		memcpy(lie + 128 + sizeof(h), &h, sizeof(h));
		cr_expect(eq(int, try_map_summed(lie, bytes), rows[i].want), "%s", rows[i].what);
		free(lie);
	}
	free(image);
	fd_close(&fd);
}

Test(snap, equal_content_has_an_equal_hash)
{
	int			a = make(1, 5, NULL, NULL), b = make(2, 5, NULL, NULL), c = make(2, 6, NULL, NULL);
	struct snap_head	ha, hb, hc;

	cr_assert(eq(int, snap_check(a, &ha), 0));
	cr_assert(eq(int, snap_check(b, &hb), 0));
	cr_assert(eq(int, snap_check(c, &hc), 0));
	cr_expect(eq(u64, ha.content_hash, hb.content_hash));
	cr_expect(ne(u64, hb.content_hash, hc.content_hash));
	fd_close(&a);
	fd_close(&b);
	fd_close(&c);
}

Test(swap, keeps_what_is_held)
{
	struct swap	 sw;
	struct snap	*held;
	int		 a = make(1, 1, NULL, NULL), b = make(2, 2, NULL, NULL);
	struct snap_head h;

	swap_init(&sw);
	cr_expect(swap_hold(&sw, SNAP_KEYS) == NULL);
	cr_expect(swap_hold(&sw, SNAP_KIND_LIMIT) == NULL);
	cr_assert(eq(int, snap_check(a, &h), 0));
	cr_assert(eq(int, swap_offer(&sw, a, SNAP_KEYS, 1, h.length), 0));
	held = swap_hold(&sw, SNAP_KEYS);
	cr_assert(eq(int, snap_check(b, &h), 0));
	cr_assert(eq(int, swap_offer(&sw, b, SNAP_KEYS, 2, h.length), 0));
	cr_expect(eq(u64, snap_count(held, SECTION_KEY), 1), "a request keeps what it began with");
	cr_expect(eq(u64, snap_count(swap_current(&sw, SNAP_KEYS), SECTION_KEY), 2));
	snap_release(&held);
	swap_fini(&sw);
	cr_expect(swap_current(&sw, SNAP_KEYS) == NULL);
	fd_close(&a);
	fd_close(&b);
}

Test(swap, refuses_an_offer_that_is_something_else)
{
	struct swap	 sw;
	int		 a = make(1, 1, NULL, NULL), b = make(2, 2, NULL, NULL);
	struct snap_head h, old;

	swap_init(&sw);
	cr_assert(eq(int, snap_check(a, &old), 0));
	cr_assert(eq(int, snap_check(b, &h), 0));
	cr_expect(eq(int, swap_offer(&sw, b, SNAP_POLICY, 2, h.length), E_FORMAT));
	cr_expect(eq(int, swap_offer(&sw, b, 77, 2, h.length), E_FORMAT));
	cr_expect(eq(int, swap_offer(&sw, b, SNAP_KEYS, 3, h.length), E_FORMAT));
	cr_expect(eq(int, swap_offer(&sw, b, SNAP_KEYS, 2, h.length + 8), E_FORMAT));
	cr_expect(eq(int, swap_offer(&sw, b, SNAP_KEYS, 2, h.length), 0));
	cr_expect(eq(int, swap_offer(&sw, a, SNAP_KEYS, 1, old.length), E_UNTIMELY));
	cr_expect(eq(u64, snap_head(swap_current(&sw, SNAP_KEYS))->generation, 2));
	swap_fini(&sw);
	fd_close(&a);
	fd_close(&b);
}

Test(swap, takes_back_an_offer_that_turned_out_not_to_do)
{
	struct swap	 sw;
	struct snap	*before;
	int		 a = make(1, 1, NULL, NULL), b = make(2, 2, NULL, NULL);
	struct snap_head h, old;

	swap_init(&sw);
	cr_assert(eq(int, snap_check(a, &old), 0));
	cr_assert(eq(int, snap_check(b, &h), 0));
	before = swap_hold(&sw, SNAP_KEYS);
	cr_assert(eq(int, swap_offer(&sw, a, SNAP_KEYS, 1, old.length), 0));
	swap_restore(&sw, SNAP_KEYS, &before);
	cr_expect(swap_current(&sw, SNAP_KEYS) == NULL, "there was none before");
	cr_assert(eq(int, swap_offer(&sw, a, SNAP_KEYS, 1, old.length), 0));
	before = swap_hold(&sw, SNAP_KEYS);
	cr_assert(eq(int, swap_offer(&sw, b, SNAP_KEYS, 2, h.length), 0));
	swap_restore(&sw, SNAP_KEYS, &before);
	cr_expect(before == NULL);
	cr_expect(eq(u64, snap_head(swap_current(&sw, SNAP_KEYS))->generation, 1));
	swap_fini(&sw);
	fd_close(&a);
	fd_close(&b);
}
