/* SPDX-License-Identifier: Apache-2.0
 *
 * test_query.c - lines of the audit come whole, and one that is too long is said to be
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ctl/query.h"
#include "lib/fd.h"

static void
count_line(struct span line, void *arg)
{
	cr_expect(line.n == 3 || line.n == 1000 * 1000);
	++*(unsigned *)arg;
}

/* "abc", a line of this many bytes, "abc". */
static unsigned
lines_of(size_t bytes, struct query_run *run)
{
	static char	room[1024 * 1024 + 1];
	unsigned	count = 0;
	int		fd = memfd_create("lines", MFD_CLOEXEC);

	cr_assert(fd != -1 && bytes <= sizeof(room));
	memset(room, 'x', sizeof(room));
	cr_assert(write(fd, "abc\n", 4) == 4 && write(fd, room, bytes) == (ssize_t)bytes && write(fd, "\nabc\n", 5) == 5);
	cr_assert(lseek(fd, 0, SEEK_SET) == 0);
	*run = (struct query_run){ .from = fd };
	query_lines(run, count_line, &count);
	fd_close(&run->from);
	return count;
}

Test(query, gives_whole_lines_and_says_when_one_is_too_long)
{
	struct query_run	run;

	cr_expect(eq(uint, lines_of(1000 * 1000, &run), 3));
	cr_expect(run.broken == false);
	cr_expect(eq(uint, lines_of(1024 * 1024 + 1, &run), 1));
	cr_expect(run.broken);
}
