/* SPDX-License-Identifier: Apache-2.0
 *
 * test_log.c - lines go where they were last told to go
 */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"

static void
said(int fd, const char *want)
{
	char	buf[256];
	ssize_t	n = read(fd, buf, sizeof(buf) - 1);

	cr_assert_gt(n, 0, "%s", strerror(errno));
	buf[n] = '\0';
	cr_assert_not_null(strstr(buf, want), "%s", buf);
}

Test(log, a_taken_descriptor_is_the_logs_own_until_the_next_one)
{
	int	first[2], second[2], old;

	cr_assert_eq(pipe(first), 0);
	cr_assert_eq(pipe(second), 0);
	old = first[1];
	log_take_fd(&first[1]);
	cr_assert_eq(first[1], -1);
	log_notice(NULL, "to the first");
	said(first[0], "to the first");
	log_take_fd(&second[1]);
	cr_assert_eq(fcntl(old, F_GETFD), -1, "the one before is closed");
	log_notice(NULL, "to the second");
	said(second[0], "to the second");
	log_set_fd(STDERR_FILENO);
}
