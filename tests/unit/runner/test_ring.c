/* SPDX-License-Identifier: Apache-2.0
 *
 * test_ring.c - stderr as lines, and only the newest of them
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "claim.h"
#include "lib/fd.h"
#include "sandbox/runner/ring.h"

static char *
text_of(const struct ring *r)
{
	char		*text;
	size_t		 bytes;
	uint64_t	 said;
	int		 fd;

	cr_assert(ring_memfd(r, &fd, &said) == 0);
	claim(fd_is_sealed(fd));
	cr_assert(lseek(fd, 0, SEEK_SET) == 0 && fd_read_all(fd, 4u << 20, &text, &bytes) == 0);
	claim(said == bytes);
	fd_close(&fd);
	return text;
}

Test(ring, keeps_lines_without_what_a_terminal_obeys)
{
	static const struct {
		const char	*pieces[4], *want, *last;
	} rows[] = {
		{ { "one\n", "two\n" }, "7 3 stderr one\n7 3 stderr two\n", "two" },
		{ { "o", "n", "e\r\n" }, "7 3 stderr one\n", "one" },
		{ { "one\n\n   \n" }, "7 3 stderr one\n", "one" },
		{ { "\x1b[2Jred\a\n" }, "7 3 stderr ?[2Jred?\n", "?[2Jred?" },
		{ { "caf\xc3\xa9\tau lait" }, "7 3 stderr caf\xc3\xa9 au lait\n", "caf?? au lait" },
		{ { "unfinished" }, "7 3 stderr unfinished\n", "unfinished" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ring		ring = { .data = NULL };
		struct ring_tail	tail = { .bytes = 0 };
		char			*got;

		for (size_t k = 0; k < 4 && rows[i].pieces[k] != NULL; k++)
			ring_tail_put(&tail, &ring, 7, 3, span_of(rows[i].pieces[k]));
		claim(strcmp(ring_tail_line(&tail), rows[i].last) == 0, "row %zu: %s", i, tail.line);
		ring_tail_end(&tail, &ring, 7, 3);
		got = text_of(&ring);
		claim(strcmp(got, rows[i].want) == 0, "row %zu: %s", i, got);
		free(got);
		ring_fini(&ring);
	}
}

Test(ring, cuts_a_line_without_end_in_pieces)
{
	struct ring		ring = { .data = NULL };
	struct ring_tail	tail = { .bytes = 0 };
	char			*got, many[3 * RING_TEXT + 5];
	unsigned		 lines = 0;

	memset(many, 'x', sizeof(many));
	ring_tail_put(&tail, &ring, 7, 3, span_make(many, sizeof(many)));
	ring_tail_end(&tail, &ring, 7, 3);
	got = text_of(&ring);
	for (const char *p = got; *p != '\0'; p++)
		lines += *p == '\n';
	claim(lines == 4, "%u", lines);
	free(got);
	ring_fini(&ring);
}

Test(ring, forgets_the_oldest_and_begins_with_a_whole_line)
{
	struct ring	ring = { .data = NULL };
	char		text[64], *got;
	unsigned	n;

	for (n = 0; n < 200000; n++) {
		snprintf(text, sizeof(text), "line %u", n);
		ring_line(&ring, 1000, 1, "stderr", span_of(text));
	}
	got = text_of(&ring);
	claim(strlen(got) <= RING_BYTES && strlen(got) > RING_BYTES - 100);
	claim(strncmp(got, "1000 1 stderr line ", 19) == 0, "%.40s", got);
	claim(strstr(got, "stderr line 199999\n") != NULL && strstr(got, "line 100\n") == NULL);
	free(got);
	ring_fini(&ring);
}
