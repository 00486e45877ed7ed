/* SPDX-License-Identifier: Apache-2.0
 *
 * test_ask.c - what is said of the master's answer, and what is kept of one that is asked for again
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/redirect.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/ask.h"
#include "lib/log.h"

/* The answer of a master that has these two things to say. */
static int
answer(struct ask *a, int exit_code)
{
	struct msg_CTL_NOTE	one = { .level = LOG_LEVEL_NOTICE, .line = SPAN_LIT("first") };
	struct msg_CTL_NOTE	two = { .level = LOG_LEVEL_ERR, .line = SPAN_LIT("no room") };
	struct msg_CTL_DONE	done = { .exit_code = (uint32_t)exit_code };
	int			pair[2], r;

	cr_assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	a->fd = pair[0];
	cr_assert(chan_send_wait(pair[1], MSG_TYPE_CTL_NOTE, 0, &one, NULL, 0) == 0);
	cr_assert(chan_send_wait(pair[1], MSG_TYPE_CTL_NOTE, 0, &two, NULL, 0) == 0);
	cr_assert(chan_send_wait(pair[1], MSG_TYPE_CTL_DONE, 0, &done, NULL, 0) == 0);
	r = ask_wait(a, NULL, NULL);
	close(pair[0]);
	close(pair[1]);
	return r;
}

Test(ask, says_what_it_hears, .init = cr_redirect_stderr)
{
	struct ask	a = { .fd = -1 };

	cr_expect(eq(int, answer(&a, EX_TEMPFAIL), EX_TEMPFAIL));
	fflush(stderr);
	cr_expect_stderr_eq_str("first\nno room\n");
}

Test(ask, keeps_the_last_of_what_may_come_again, .init = cr_redirect_stderr)
{
	struct ask	a = { .fd = -1, .keeps = true };

	for (int i = 0; i < 3; i++) {
		a.kept[0] = '\0';
		cr_expect(eq(int, answer(&a, EX_TEMPFAIL), EX_TEMPFAIL));
		cr_expect(strcmp(a.kept, "no room") == 0);
	}
	fflush(stderr);
	cr_expect_stderr_eq_str("first\nfirst\nfirst\n");
}

Test(ask, keeps_nothing_of_an_answer, .init = cr_redirect_stderr)
{
	struct ask	a = { .fd = -1, .keeps = true };

	cr_expect(eq(int, answer(&a, 0), 0));
	cr_expect(a.kept[0] == '\0');
	fflush(stderr);
	cr_expect_stderr_eq_str("first\nno room\n");
}
