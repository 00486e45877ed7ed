/* SPDX-License-Identifier: Apache-2.0
 *
 * toollog.c - what a server's tools wrote to stderr, as the gateway keeps it
 *
 * Process: mcpgwctl.  Owns: nothing beyond a call.
 * Trusts:  no text of a tool; the gateway for whole lines.
 */
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/ask.h"
#include "ctl/show/toollog.h"
#include "lib/fd.h"
#include "lib/num.h"

#define LOG_MAX		(4u << 20)

static void
take(uint16_t type, const union msg_any *body, int *fds, void *arg)
{
	struct toollog	*log = arg;

	(void)body;
	if (type == MSG_TYPE_CTL_LOG && log->text == NULL && lseek(fds[0], 0, SEEK_SET) == 0)
		(void)!fd_read_all(fds[0], LOG_MAX, &log->text, &log->bytes);
}

/* Up to the next blank, which goes too. */
static struct span
word_take(struct span *rest)
{
	const char	*blank = rest->n == 0 ? NULL : memchr(rest->p, ' ', rest->n);
	struct span	 one = span_part(*rest, 0, blank == NULL ? rest->n : (size_t)(blank - rest->p));

	*rest = span_part(*rest, one.n + 1, rest->n);
	return one;
}

bool
toollog_next(struct span *rest, struct toollog_line *l)
{
	const char	*lf = rest->n == 0 ? NULL : memchr(rest->p, '\n', rest->n);

	if (lf == NULL)
		return false;
	l->all = l->text = span_part(*rest, 0, (size_t)(lf - rest->p));
	*rest = span_part(*rest, l->all.n + 1, rest->n);
	if (num_u64(word_take(&l->text), &l->wall_ms) != 0 || num_u64(word_take(&l->text), &l->pid) != 0)
		return false;
	l->kind = word_take(&l->text);
	return true;
}

int
toollog_fetch(struct ctl *ctl, const char *server, const char *tenant, bool say, struct toollog *log)
{
	struct msg_CTL	msg = { .command = CTLCMD_logs, .a = span_of(server), .b = span_of(tenant) };
	struct ask	a;
	int		r;

	*log = (struct toollog){ NULL, 0 };
	if ((r = ask_open(ctl, &a, say)) != 0)
		return r;
	ask_send(&a, MSG_TYPE_CTL, &msg, NULL, 0);
	if ((r = ask_wait(&a, take, log)) == 0 && log->text == NULL)
		r = EX_PROTOCOL;
	ask_close(&a);
	return r;
}
