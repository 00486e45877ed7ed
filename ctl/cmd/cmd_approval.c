/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_approval.c - approval list, approve, reject: calls that somebody has to approve first
 *
 * Process: mcpgwctl.
 * Owns:    what the workers answered.
 * Trusts:  no text in it: clients chose names and arguments.
 *
 * Each worker knows the calls that came to it, and all of them what was decided; so one call is several lines.
 * What a row cannot show whole is approved by an id that only the whole shows.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/lines.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "lib/log.h"
#include "lib/num.h"

#define FOR_MS		(10 * UINT64_C(60000))
#define FOR_MAX_MS	(24 * UINT64_C(3600000))
#define ID_DIGITS	16		/* of the digest, behind "a-" */
#define LONG_DIGITS	24		/* of one whose row is cut */
#define ROW_ARGUMENTS	30		/* characters of them that a row has */
#define ROW_HEAD	16		/* of longer ones, before their size */

enum said { SAID_APPROVED = 1, SAID_REJECTED };	/* worker/call/approvals.h */

struct waiting {
	/* As worker/call/approvals.h has them: whole. */
	char		digest[65], tenant[64], agent[128], principal[256], server[128], tool[512], arguments[4001];
	char		state[16];
	uint64_t	first_ms, last_ms, until_ms, calls;
};

struct list {
	struct waiting	*all;
	size_t		 count;
};

static struct waiting *
find(struct list *l, const char *digest)
{
	for (size_t i = 0; i < l->count; i++)
		if (strcmp(l->all[i].digest, digest) == 0)
			return &l->all[i];
	if ((l->all = realloc(l->all, (l->count + 1) * sizeof(*l->all))) == NULL)
		fatal(EX_OSERR, "out of memory");
	l->all[l->count] = (struct waiting){ .state = "waits" };
	snprintf(l->all[l->count].digest, sizeof(l->all->digest), "%s", digest);
	return &l->all[l->count++];
}

static void
take(struct json_value o, void *arg)
{
	struct waiting	*w;
	char		 digest[65], state[16];
	const uint64_t	 first_ms = lines_u64(o, "first_ms"), last_ms = lines_u64(o, "last_ms");

	w = find(arg, lines_text(o, "digest", digest, sizeof(digest)));
	if (strcmp(lines_text(o, "state", state, sizeof(state)), "waits") != 0) {
		snprintf(w->state, sizeof(w->state), "%s", state);
		w->until_ms = lines_u64(o, "until_ms");
	}
	if (lines_u64(o, "calls") == 0)
		return;			/* it heard of the call by what was decided alone */
	w->calls += lines_u64(o, "calls");
	w->first_ms = w->first_ms == 0 || first_ms < w->first_ms ? first_ms : w->first_ms;
	w->last_ms = last_ms > w->last_ms ? last_ms : w->last_ms;
	lines_text(o, "tenant", w->tenant, sizeof(w->tenant));
	lines_text(o, "agent", w->agent, sizeof(w->agent));
	lines_text(o, "principal", w->principal, sizeof(w->principal));
	lines_text(o, "server", w->server, sizeof(w->server));
	lines_text(o, "tool", w->tool, sizeof(w->tool));
	lines_text(o, "arguments", w->arguments, sizeof(w->arguments));
}

static int
newest_last(const void *a, const void *b)
{
	const struct waiting	*x = a, *y = b;

	return x->first_ms < y->first_ms ? -1 : x->first_ms > y->first_ms;
}

static int
read_all(struct ctl *ctl, struct list *l)
{
	int	r = lines_each(ctl, CTLCMD_approval_list, NULL, true, take, l);

	if (l->count > 1)
		qsort(l->all, l->count, sizeof(*l->all), newest_last);
	return r;
}

/* ---- one ------------------------------------------------------------------------------------------- */

static size_t
characters(const char *s)
{
	size_t	n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/* Does its row not show all of it? */
static bool
is_cut(const struct waiting *w)
{
	return characters(w->arguments) > ROW_ARGUMENTS || strlen(w->server) + strlen(w->tool) + 2 > OUT_CELL ||
	    strlen(w->agent) + strlen(w->tenant) + 2 > OUT_CELL;
}

/* What it is approved by. */
static const char *
id_of(const struct waiting *w, char to[LONG_DIGITS + 3])
{
	snprintf(to, LONG_DIGITS + 3, "a-%.*s", is_cut(w) ? LONG_DIGITS : ID_DIGITS, w->digest);
	return to;
}

/* By "a-" and digits of the digest: 16 or more; NULL, said. */
static const struct waiting *
meant(const struct list *l, const char *id)
{
	const struct waiting	*found = NULL;
	const size_t		 n = strlen(id);

	if (strncmp(id, "a-", 2) != 0 || n < 2 + ID_DIGITS) {
		out_error("\"%s\" is no id of an approval, as errors and mcpgwctl approval list have them: a- and 16 "
		    "digits", id);
		return NULL;
	}
	for (size_t i = 0; i < l->count; i++) {
		if (strncmp(l->all[i].digest, id + 2, n - 2) != 0)
			continue;
		if (found != NULL) {
			out_error("%s: two calls begin so; write more of their digests: mcpgwctl approval list "
			    "--json", id);
			return NULL;
		}
		found = &l->all[i];
	}
	if (found == NULL)
		out_error("%s: no such call waits; see mcpgwctl approval list", id);
	return found;
}

static void
print_json(const struct waiting *w)
{
	char	id[LONG_DIGITS + 3], when[OUT_TIME];

	out_json_begin();
	out_json_text("approval", span_of(id_of(w, id)));
	out_json_text("digest", span_of(w->digest));
	out_json_text("tenant", span_of(w->tenant));
	out_json_text("agent", span_of(w->agent));
	out_json_text("principal", span_of(w->principal));
	out_json_text("server", span_of(w->server));
	out_json_text("tool", span_of(w->tool));
	out_json_text("arguments", span_of(w->arguments));
	out_json_text("state", span_of(w->state));
	out_json_u64("calls", w->calls);
	out_json_text("first", span_of(out_utc_ms(w->first_ms, when)));
	out_json_text("last", span_of(out_utc_ms(w->last_ms, when)));
	if (w->until_ms != 0)
		out_json_text("until", span_of(out_utc_ms(w->until_ms, when)));
	out_json_end();
}

static void
print_one(const struct waiting *w)
{
	char	id[LONG_DIGITS + 3], when[OUT_TIME];

	printf("approval   %s\n", id_of(w, id));
	printf("agent      %s of tenant %s, %s\n", w->agent, w->tenant, w->principal);
	printf("tool       %s.%s\n", w->server, w->tool);
	printf("arguments  %s\n", w->arguments[0] == '\0' ? "none" : w->arguments);
	printf("asked      %" PRIu64 " time%s, first %s\n", w->calls, w->calls == 1 ? "" : "s",
	    out_when_ms(w->first_ms, when));
	printf("state      %s", w->state);
	if (w->until_ms != 0)
		printf(" until %s", out_when_ms(w->until_ms, when));
	printf("\n");
}

/* Cut behind whole characters, and said to be. */
static void
cell_arguments(struct out_table *t, const char *arguments)
{
	size_t	n = 0;

	if (characters(arguments) <= ROW_ARGUMENTS) {
		out_cell(t, "%s", arguments[0] == '\0' ? "-" : arguments);
		return;
	}
	for (size_t count = 0; arguments[n] != '\0'; n++)
		if (((unsigned char)arguments[n] & 0xc0) != 0x80 && count++ == ROW_HEAD)
			break;
	out_cell(t, "%.*s... %zu bytes", (int)n, arguments, strlen(arguments));
}

/* No column is cut in its middle: who approves has to see which tool it is. */
static void
print_table(const struct list *l)
{
	static const struct out_column	columns[] = {
		{ "ID", false, true }, { "AGENT", false, true }, { "TOOL", false, true },
		{ "ARGUMENTS", false, true }, { "STATE", false, true },
	};
	struct out_table	*t = out_table_new(columns, 5);

	for (size_t i = 0; i < l->count; i++) {
		const struct waiting	*w = &l->all[i];

		out_cell(t, "a-%.16s", w->digest);
		out_cell(t, "%s%s%s", w->agent, strcmp(w->tenant, "default") == 0 ? "" : "@",
		    strcmp(w->tenant, "default") == 0 ? "" : w->tenant);
		out_cell(t, "%s.%s", w->server, w->tool);
		cell_arguments(t, w->arguments);
		out_cell(t, "%s", w->state);
	}
	out_table_end(&t);
}

int
cmd_approval_list(struct ctl *ctl, int argc, char **argv)
{
	static const struct opt	 none[] = { { NULL, NULL, NULL } };
	struct list		 l = { .count = 0 };
	const struct waiting	*one;
	int			 r;

	argc = opts_take(none, argc, argv, 0, 1);
	r = read_all(ctl, &l);
	if (r == 0 && argc == 1) {
		if ((one = meant(&l, argv[0])) == NULL)
			r = EX_DATAERR;
		else if (ctl->json)
			print_json(one);
		else
			print_one(one);
	} else if (r == 0 && ctl->json) {
		for (size_t i = 0; i < l.count; i++)
			print_json(&l.all[i]);
	} else if (r == 0 && l.count > 0) {
		print_table(&l);
	} else if (r == 0) {
		out_note(LOG_LEVEL_NOTICE, SPAN_LIT("no call waits for approval"));
	}
	free(l.all);
	return out_end(r);
}

/* Whoever approves has seen all of it; false, said. */
static bool
was_seen(const struct waiting *w, const char *id)
{
	if (!is_cut(w) || strlen(id) >= LONG_DIGITS + 2)
		return true;
	out_error("%s: the list does not show all of this call; read it, and approve it by the id that stands there: "
	    "mcpgwctl approval list %s", id, id);
	return false;
}

static void
take_nothing(struct json_value o, void *arg)
{
	(void)o;
	(void)arg;
}

static int
decide(struct ctl *ctl, int argc, char **argv, enum said said)
{
	const char		*for_text = NULL;
	const struct opt	 rows[] = { { "--for", &for_text, NULL }, { NULL, NULL, NULL } };
	struct list		 l = { .count = 0 };
	struct waiting		*w = NULL;
	uint64_t		 ms = FOR_MS;
	char			 text[1024], when[OUT_TIME];
	int			 r;

	(void)opts_take(rows, argc, argv, 1, 1);
	if (for_text != NULL && (num_msec(span_of(for_text), &ms) != 0 || ms < 1000 || ms > FOR_MAX_MS))
		fatal(EX_USAGE, "--for %s: want a time from 1s to 24h, such as 10min", for_text);
	if ((r = read_all(ctl, &l)) == 0 && (w = (struct waiting *)(uintptr_t)meant(&l, argv[0])) == NULL)
		r = EX_DATAERR;
	if (r == 0 && said == SAID_APPROVED && !was_seen(w, argv[0]))
		r = EX_DATAERR;
	if (r == 0) {
		w->until_ms = out_now_ms() + ms;
		snprintf(w->state, sizeof(w->state), "%s", said == SAID_APPROVED ? "approved" : "rejected");
		/* Which approval it is says the moment: another one is another pass. */
		snprintf(text, sizeof(text), "%s %d %" PRIu64 " %" PRIu64 " %s.%s of %s, tenant %s", w->digest,
		    (int)said, w->until_ms, out_now_ms(), w->server, w->tool, w->agent, w->tenant);
		r = lines_each(ctl, said == SAID_APPROVED ? CTLCMD_approval_approve : CTLCMD_approval_reject, text,
		    true, take_nothing, NULL);
	}
	if (r == 0 && ctl->json)
		print_json(w);
	else if (r == 0)
		printf("%s: %s.%s of %s %s %s\n", argv[0], w->server, w->tool, w->agent, said == SAID_APPROVED ?
		    "passes once, until" : "is refused until", out_when_ms(w->until_ms, when));
	free(l.all);
	return out_end(r);
}

int
cmd_approval_approve(struct ctl *ctl, int argc, char **argv)
{
	return decide(ctl, argc, argv, SAID_APPROVED);
}

int
cmd_approval_reject(struct ctl *ctl, int argc, char **argv)
{
	return decide(ctl, argc, argv, SAID_REJECTED);
}
