/* SPDX-License-Identifier: Apache-2.0
 *
 * log.c - one event, one line: to syslog's socket or to stderr
 *
 * Process: all.  Owns: nothing; the descriptor is handed over by the master.
 * Trusts:  nobody with the terminal: control bytes of a value are printed as '?'.
 *
 * A daemon's log descriptor never blocks: a line that does not fit is counted, and the count is
 * said with the next one that does.  A stuck log daemon must not stall the gateway.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/bug.h"
#include "lib/fd.h"
#include "lib/log.h"

#define LINE_BYTES	1024
#define SYSLOG_DAEMON	(3 << 3)	/* facility daemon, RFC 3164 4.1.1 */

static struct {
	const char	*program;
	int		 fd;
	enum log_form	 form;
	enum log_level	 most;
	uint32_t	 lost;
} out = { "mcpgw", STDERR_FILENO, LOG_FORM_PLAIN, LOG_LEVEL_INFO, 0 };

static const char *const level_name[] = {
	[LOG_LEVEL_ERR] = "error", [LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_NOTICE] = "notice", [LOG_LEVEL_INFO] = "info", [LOG_LEVEL_DEBUG] = "debug",
};

static int	own_fd = -1;	/* closed when another is taken */

void
log_init(const char *program, int fd, enum log_form form)
{
	out.program = program;
	out.fd = fd;
	out.form = form;
}

void
log_init_child(const char *program, int fd)
{
	struct stat	st;
	bool		socket = fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);

	own_fd = fd;
	log_init(program, fd, socket ? LOG_FORM_SYSLOG : LOG_FORM_STDERR);
}

void
log_set_fd(int fd)
{
	out.fd = fd;
}

void
log_take_fd(int *fd)
{
	out.fd = *fd;
	fd_close(&own_fd);
	own_fd = *fd;
	*fd = -1;
}

void
log_set_level(enum log_level most)
{
	out.most = most;
}

/* Appends; what does not fit is cut. */
static size_t __attribute__((format(printf, 3, 4)))
put(char *line, size_t at, const char *fmt, ...)
{
	va_list	ap;
	int	n;

	va_start(ap, fmt);
	n = vsnprintf(line + at, LINE_BYTES - at, fmt, ap);
	va_end(ap);
	if (n < 0)
		return at;
	return (size_t)n < LINE_BYTES - at ? at + (size_t)n : LINE_BYTES - 1;
}

static size_t
put_head(char *line, enum log_level level)
{
	struct timespec	 now;
	struct tm	 tm;
	char		 when[32];

	switch (out.form) {
	case LOG_FORM_SYSLOG:
		return put(line, 0, "<%d>%s[%ld]: ", SYSLOG_DAEMON | (int)level, out.program,
		    (long)getpid());
	case LOG_FORM_STDERR:
		clock_gettime(CLOCK_REALTIME, &now);
		gmtime_r(&now.tv_sec, &tm);
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
		return put(line, 0, "%s.%03ldZ %s[%ld] %s: ", when, now.tv_nsec / 1000000,
		    out.program, (long)getpid(), level_name[level]);
	case LOG_FORM_PLAIN:
	default:
		return 0;
	}
}

void
log_vwrite(enum log_level level, const struct log_subject *s, const char *fmt, va_list ap)
{
	char	line[LINE_BYTES + 1];
	size_t	at, text;
	int	n;

	if (level > out.most || out.fd == -1)
		return;
	at = text = put_head(line, level);
	if (s != NULL)
		at = put(line, at, "%s%s%s: ", s->kind, s->name[0] != '\0' ? " " : "", s->name);
	n = vsnprintf(line + at, LINE_BYTES - at, fmt, ap);
	if (n > 0)
		at = (size_t)n < LINE_BYTES - at ? at + (size_t)n : LINE_BYTES - 1;
	if (out.lost > 0)
		at = put(line, at, " (%u lines lost before)", out.lost);
	for (size_t i = text; i < at; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	if (out.form != LOG_FORM_SYSLOG)
		line[at++] = '\n';
	if (write(out.fd, line, at) == -1 && errno != EINTR)
		out.lost++;
	else
		out.lost = 0;
}

void
log_write(enum log_level level, const struct log_subject *s, const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	log_vwrite(level, s, fmt, ap);
	va_end(ap);
}

bool
log_repeat_ok(struct log_repeat *r, uint32_t burst)
{
	struct timespec	now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if ((uint64_t)now.tv_sec != r->second) {
		r->second = (uint64_t)now.tv_sec;
		r->count = 0;
	}
	if (r->count++ >= burst) {
		r->dropped++;
		return false;
	}
	if (r->dropped > 0) {
		log_notice(NULL, "%u similar lines were dropped", r->dropped);
		r->dropped = 0;
	}
	return true;
}

void
fatal(int exit_code, const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	log_vwrite(LOG_LEVEL_ERR, NULL, fmt, ap);
	va_end(ap);
	exit(exit_code);
}

void
bug_abort(const char *file, int line, const char *what)
{
	log_err(NULL, "bug: %s:%d: %s", file, line, what);
	abort();
}
