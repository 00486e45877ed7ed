/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_trace.c - follows calls as they pass, a line for each stage
 *
 * Process: mcpgwctl.
 * Owns:    the socket that the workers write to; they drop what is not read in time, and say so.
 * Trusts:  no text of a line: clients and tools chose some of them.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "ctl/ask.h"
#include "ctl/lines.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/num.h"

#define LINE_BYTES	16384		/* longer than a worker's */
#define SOCKET_BYTES	(1 << 20)

static const char *
clock_ms(uint64_t wall_ms, char to[OUT_TIME])
{
	time_t		t = (time_t)(wall_ms / 1000);
	struct tm	tm;
	size_t		n;

	localtime_r(&t, &tm);
	n = strftime(to, OUT_TIME, "%H:%M:%S", &tm);
	snprintf(to + n, OUT_TIME - n, ".%03u", (unsigned)(wall_ms % 1000));
	return to;
}

/* What is behind the stage: whose call of what, by which rule; or how it ended. */
static void
print_rest(struct json_value o, const char *stage)
{
	char		agent[128], server[128], object[256], a[192], b[192];
	uint64_t	line = lines_u64(o, "line"), again = lines_u64(o, "again");

	lines_text(o, "agent", agent, sizeof(agent));
	lines_text(o, "server", server, sizeof(server));
	if (strcmp(stage, "begin") == 0 || strcmp(stage, "refused") == 0) {
		lines_text(o, "object", object, sizeof(object));
		if (object[0] == '\0')
			lines_text(o, "method", object, sizeof(object));
		printf("%s -> %s%s%s", agent[0] == '\0' ? "-" : agent, server, server[0] == '\0' ? "" : ".", object);
		if (lines_text(o, "decision", a, sizeof(a))[0] != '\0')
			printf("  %s", a);
		if (lines_text(o, "file", a, sizeof(a))[0] != '\0')
			printf(" %s:%" PRIu64, a, line);
		if (lines_text(o, "rule", b, sizeof(b))[0] != '\0')
			printf(" %s", b);
		if (strcmp(stage, "refused") == 0)
			printf("  %s", lines_text(o, "error", a, sizeof(a)));
	} else if (strcmp(stage, "end") == 0) {
		printf("%s", lines_text(o, "outcome", a, sizeof(a)));
		if (lines_text(o, "error", a, sizeof(a))[0] != '\0')
			printf(" %s", a);
	} else {
		printf("to %s", server);
		if (again > 0)
			printf(", once more");
	}
}

static void
print_line(struct json_value o, const char *stage)
{
	char		when[OUT_TIME], id[32];
	uint64_t	us = lines_u64(o, "us"), lost = lines_u64(o, "lost");

	if (lost > 0)
		printf("%" PRIu64 " lines were lost: they came faster than they were read\n", lost);
	printf("%s  %-14s  %-7s  %8.1f ms  ", clock_ms(lines_u64(o, "time_ms"), when),
	    lines_text(o, "request_id", id, sizeof(id)), stage, (double)us / 1000);
	print_rest(o, stage);
	printf("\n");
}

/* Until so many calls are over, or the gateway is gone. */
static int
follow(const struct ctl *ctl, int fd, uint64_t calls)
{
	static char		line[LINE_BYTES];
	struct json_value	o;
	char			stage[16];
	ssize_t			n;

	while (calls > 0 && !ferror(stdout)) {
		if ((n = recv(fd, line, sizeof(line), 0)) == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			out_error("the gateway went away, or follows too many already");
			return EX_UNAVAILABLE;
		}
		if (json_parse(span_make(line, (size_t)n), false, &o, NULL) != 0 || o.type != JSON_OBJECT)
			continue;
		lines_text(o, "stage", stage, sizeof(stage));
		if (ctl->json)
			printf("%.*s\n", (int)n, line);
		else
			print_line(o, stage);
		fflush(stdout);
		calls -= strcmp(stage, "end") == 0 || strcmp(stage, "refused") == 0;
	}
	return 0;
}

int
cmd_trace(struct ctl *ctl, int argc, char **argv)
{
	const char		*agent = "", *server = "", *count = NULL;
	const struct opt	 rows[] = { { "--agent", &agent, NULL }, { "--server", &server, NULL },
	    { "-n", &count, NULL }, { NULL, NULL, NULL } };
	struct msg_CTL_FD	 msg = { .command = CTLCMD_trace };
	uint64_t		 calls = UINT64_MAX;
	struct ask		 a;
	char			 arguments[1024];
	int			 pair[2], fds[2], n, r, bytes = SOCKET_BYTES;

	(void)opts_take(rows, argc, argv, 0, 0);
	if (count != NULL && (num_u64(span_of(count), &calls) != 0 || calls == 0))
		fatal(EX_USAGE, "-n %s: want a number of calls", count);
	n = snprintf(arguments, sizeof(arguments), "%s%c%s", agent, '\0', server);
	if (n < 0 || n >= (int)sizeof(arguments))
		fatal(EX_USAGE, "--agent, --server: too long");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		fatal(EX_OSERR, "socketpair: %s", strerror(errno));
	(void)setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	(void)shutdown(pair[1], SHUT_RD);
	fds[0] = pair[1];
	fds[1] = STDERR_FILENO;
	msg.arguments = span_make(arguments, (size_t)n + 1);
	if ((r = ask_open(ctl, &a, true)) == 0) {
		ask_send(&a, MSG_TYPE_CTL_FD, &msg, fds, 2);
		r = ask_wait(&a, NULL, NULL);
		ask_close(&a);
	}
	fd_close(&pair[1]);
	if (r == 0)
		r = follow(ctl, pair[0], calls);
	fd_close(&pair[0]);
	return out_end(r);
}
