/* SPDX-License-Identifier: Apache-2.0
 *
 * progress.c - what is being done, said to people when it takes over two seconds
 *
 * Process: mcpgwctl.
 * Owns:    the line, and SIGALRM while something is done.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "ctl/import/progress.h"
#include "ctl/out.h"
#include "lib/clock.h"

#define QUIET_S		2
#define LINE_MAX_BYTES	200
#define COLUMNS		78	/* the time ends here */

static char			line[LINE_MAX_BYTES];	/* with "..." and its line feed */
static volatile sig_atomic_t	line_bytes, is_over;	/* of the time in which nothing is said */

static void
on_alarm(int sig)
{
	ssize_t	n;

	(void)sig;
	is_over = 1;
	if (line_bytes > 0)
		n = write(STDERR_FILENO, line, (size_t)line_bytes);
	else
		n = 0;
	(void)n;
	line_bytes = 0;
}

static void
alarm_in(time_t seconds)
{
	const struct itimerval	in = { .it_value = { .tv_sec = seconds } };

	(void)setitimer(ITIMER_REAL, &in, NULL);
}

void
progress_begin(void)
{
	const struct sigaction	sa = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };

	is_over = 0;
	line_bytes = 0;
	if (isatty(STDERR_FILENO) && sigaction(SIGALRM, &sa, NULL) == 0)
		alarm_in(QUIET_S);
}

void
progress_say(const char *fmt, ...)
{
	char	text[LINE_MAX_BYTES - 8], clean[LINE_MAX_BYTES - 8];
	va_list	ap;

	if (!isatty(STDERR_FILENO))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	line_bytes = 0;
	snprintf(line, sizeof(line), "%s ...\n", out_clean(span_of(text), clean, sizeof(clean)));
	line_bytes = (sig_atomic_t)strlen(line);
	if (is_over)
		on_alarm(0);
}

void
progress_end(uint64_t began_ms, const char *fmt, ...)
{
	const uint64_t	ms = clock_mono_ms() - began_ms;
	char		text[LINE_MAX_BYTES], took[OUT_TIME];
	va_list		ap;

	alarm_in(0);
	line_bytes = 0;
	if (ms < QUIET_S * 1000)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(stderr, "%-*s %s\n", COLUMNS - 1 - (int)strlen(out_span_ms(ms, took)), text, took);
}
