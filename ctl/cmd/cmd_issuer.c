/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_issuer.c - issuer list, issuer refresh: whose tokens are accepted, and where their keys are
 *
 * Process: mcpgwctl.  Owns: nothing.  Trusts: nothing; all of it is only shown.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "ctl/ask.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "ctl/show/issuers.h"
#include "lib/log.h"
#include "policy/records.h"

#define ISSUERS_MAX	64
#define REFRESH_MS	30000		/* two documents, ten seconds each, and some */
#define LOOK_MS		100

static const char *
source_of(const struct issuer_seen *i)
{
	return i->id != 0 ? i->discovery ? "discovery" : "url" : i->configured_keys > 0 ? "file" : "secret";
}

static void
json(const struct issuer_seen *i)
{
	char	t[OUT_TIME];

	out_json_begin();
	out_json_text("issuer", span_of(i->issuer));
	out_json_text("source", span_of(source_of(i)));
	out_json_u64("keys", i->configured_keys + i->fetched_keys);
	out_json_bool("secret", i->secret);
	if (i->id != 0) {
		out_json_text("from", span_of(i->from));
		if (i->url[0] != '\0')
			out_json_text("url", span_of(i->url));
		if (i->fetched_ms != 0)
			out_json_text("fetched", span_of(out_utc_ms(i->fetched_ms, t)));
		if (i->tried_ms != 0)
			out_json_text("tried", span_of(out_utc_ms(i->tried_ms, t)));
		if (i->next_ms != 0)
			out_json_text("next", span_of(out_utc_ms(i->next_ms, t)));
		if (i->ends_ms != 0)
			out_json_text("ends", span_of(out_utc_ms(i->ends_ms, t)));
		out_json_u64("unusable", i->unusable);
		out_json_u64("failures", i->failures);
		if (i->error[0] != '\0')
			out_json_text("error", span_of(i->error));
	}
	out_json_end();
}

/* ---- issuer list ------------------------------------------------------------------------------- */

struct list {
	struct ctl		*ctl;
	struct out_table	*table;
	struct issuer_seen	*bad[ISSUERS_MAX];
	size_t			 count, bad_count;
};

static void
list_one(const struct issuer_seen *i, void *arg)
{
	struct list	*l = arg;
	char		 t[OUT_TIME];

	l->count++;
	if (l->ctl->json) {
		json(i);
		return;
	}
	out_cell(l->table, "%s", i->issuer);
	out_cell(l->table, "%s", source_of(i));
	out_cell(l->table, "%" PRIu64, i->configured_keys + i->fetched_keys);
	out_cell(l->table, "%s", i->id == 0 ? "-" : i->fetched_ms == 0 ? "never" : out_when_ms(i->fetched_ms, t));
	out_cell(l->table, "%s", i->id == 0 ? "-" : out_when_ms(i->next_ms, t));
	out_cell(l->table, "%s", !issuer_is_bad(i, out_now_ms()) ? "-" : i->ends_ms > out_now_ms() ?
	    "not fetched" : "refused");
	if (issuer_is_bad(i, out_now_ms()) && l->bad_count < ISSUERS_MAX &&
	    (l->bad[l->bad_count] = malloc(sizeof(*i))) != NULL)
		*l->bad[l->bad_count++] = *i;
}

static void
say_what_is_wrong(const struct issuer_seen *i)
{
	char	t[OUT_TIME];

	printf("\n%s: %s\n", i->issuer, i->error[0] != '\0' ? i->error : "its keys were not fetched yet");
	if (i->ends_ms > out_now_ms())
		printf("  The keys of before serve until %s; then its tokens are refused.\n",
		    out_when_ms(i->ends_ms, t));
	else
		printf("  Its tokens are refused until its keys come; to try now: mcpgwctl issuer refresh\n");
}

struct own {
	char		name[256];
	uint64_t	keys, ends_ms;
};

/* The gateway signs tokens itself (mcpgwctl token): with one key, and those of before until their tokens end. */
static int
own_find(struct ctl *ctl, struct own *own)
{
	const struct rec_signer	*sg;
	struct snap		*s = NULL;
	struct ask		 a;
	int			 r;

	if ((r = ask_open(ctl, &a, true)) != 0)
		return r;
	ask_command(&a, CTLCMD_key_list, NULL);
	if ((r = ask_wait(&a, ask_take_snapshot, &s)) == 0 && s == NULL)
		r = EX_PROTOCOL;
	ask_close(&a);
	for (uint64_t i = 0; r == 0 && (sg = SNAP_AT(s, SIGNER, i)) != NULL; i++) {
		own->keys++;
		snprintf(own->name, sizeof(own->name), "%.*s", SPAN_FMT(snap_text(s, sg->issuer)));
	}
	snap_release(&s);
	return r;
}

static void
list_own(struct list *l, const struct own *own)
{
	if (own->keys == 0)
		return;
	l->count++;
	if (l->ctl->json) {
		out_json_begin();
		out_json_text("issuer", span_of(own->name));
		out_json_text("source", SPAN_LIT("own"));
		out_json_u64("keys", own->keys);
		out_json_bool("secret", false);
		out_json_end();
		return;
	}
	out_cell(l->table, "%s", own->name);
	out_cell(l->table, "own");
	out_cell(l->table, "%" PRIu64, own->keys);
	out_cell(l->table, "-");
	out_cell(l->table, "-");
	out_cell(l->table, "this gateway");
}

int
cmd_issuer_list(struct ctl *ctl, int argc, char **argv)
{
	static const struct out_column	columns[] = {
		{ "ISSUER", false, false }, { "KEYS BY", false, true }, { "KEYS", true, true },
		{ "FETCHED", false, true }, { "NEXT", false, true }, { "NOTE", false, true },
	};
	static const struct opt		none[] = { { NULL, NULL, NULL } };
	struct list			l = { .ctl = ctl };
	struct own			own = { .keys = 0 };
	int				r;

	(void)opts_take(none, argc, argv, 0, 0);
	l.table = out_table_new(columns, 6);
	if ((r = own_find(ctl, &own)) == 0)
		r = issuers_each(ctl, true, list_one, &l);
	if (r == 0)
		list_own(&l, &own);
	if (r == 0 && l.count == 0)
		out_note(LOG_LEVEL_NOTICE, span_of("there is no issuer: of tokens those alone are accepted that "
		    "mcpgwctl token makes, and none was made yet; see mcpgw-issuers(5)"));
	if (!ctl->json && l.count > 0)
		out_table_end(&l.table);
	else
		out_table_free(&l.table);
	for (size_t i = 0; i < l.bad_count; i++) {
		say_what_is_wrong(l.bad[i]);
		free(l.bad[i]);
	}
	return out_end(r);
}

/* ---- issuer refresh ---------------------------------------------------------------------------- */

struct refresh {
	const char		*name;		/* NULL: all */
	struct issuer_seen	*seen[ISSUERS_MAX];
	size_t			 count, others;
	char			 near[256];	/* that looks most like `name` */
};

static void
find_one(const struct issuer_seen *i, void *arg)
{
	struct refresh	*f = arg;

	if (f->name != NULL && strcmp(f->name, i->issuer) != 0) {
		const char *const	list[] = { f->near[0] != '\0' ? f->near : i->issuer, i->issuer, NULL };

		if (opts_nearest(f->name, list) == i->issuer)
			snprintf(f->near, sizeof(f->near), "%.255s", i->issuer);
		return;
	}
	if (i->id == 0)
		f->others++;
	else if (f->count < ISSUERS_MAX && (f->seen[f->count] = malloc(sizeof(*i))) != NULL)
		*f->seen[f->count++] = *i;
}

static void
forget(struct refresh *f)
{
	while (f->count > 0)
		free(f->seen[--f->count]);
	f->others = 0;
}

static int
want(struct ctl *ctl, uint64_t id)
{
	const struct msg_CTL	msg = { .command = CTLCMD_issuer_refresh, .n = id };

	return ask_told(ctl, &msg);
}

/* Each that was tried since; what came is in *now. */
static bool
all_came(const struct refresh *before, const struct refresh *now)
{
	for (size_t i = 0; i < before->count; i++)
		for (size_t k = 0; k < now->count; k++)
			if (before->seen[i]->id == now->seen[k]->id &&
			    before->seen[i]->tried_ms == now->seen[k]->tried_ms)
				return false;
	return true;
}

static void
say(const struct ctl *ctl, const struct issuer_seen *i)
{
	char	t[OUT_TIME];

	if (ctl->json)
		json(i);
	else if (i->error[0] != '\0')
		printf("%s: %s\n", i->issuer, i->error);
	else
		printf("%s: %" PRIu64 " key%s of %s; the next time is %s\n", i->issuer, i->fetched_keys,
		    i->fetched_keys == 1 ? "" : "s", i->url, out_when_ms(i->next_ms, t));
}

int
cmd_issuer_refresh(struct ctl *ctl, int argc, char **argv)
{
	static const struct opt	none[] = { { NULL, NULL, NULL } };
	const struct timespec	nap = { .tv_nsec = LOOK_MS * 1000000 };
	struct refresh		before = { 0 }, now = { 0 };
	bool			came = false;
	int			r;

	if (opts_take(none, argc, argv, 0, 1) > 0)
		before.name = now.name = argv[0];
	if ((r = issuers_each(ctl, true, find_one, &before)) != 0)
		return r;
	if (before.count == 0) {
		if (before.others > 0)
			out_error("its keys are not fetched but configured: mcpgwctl reload reads them");
		else if (before.name == NULL)
			out_error("no issuer's keys are fetched; see mcpgw-issuers(5), jwks_url");
		else if (before.near[0] != '\0')
			out_error("there is no issuer \"%s\"; did you mean %s?", before.name, before.near);
		else
			out_error("there is no issuer \"%s\"; see mcpgwctl issuer list", before.name);
		return EX_DATAERR;
	}
	r = want(ctl, before.name == NULL ? 0 : before.seen[0]->id);
	for (int ms = 0; r == 0 && !came && ms < REFRESH_MS; ms += LOOK_MS) {
		nanosleep(&nap, NULL);
		forget(&now);
		r = issuers_each(ctl, true, find_one, &now);
		came = all_came(&before, &now);
	}
	if (r == 0 && !came) {
		out_error("no end of it after 30 s; see mcpgwctl issuer list");
		r = EX_TEMPFAIL;
	}
	for (size_t i = 0; r != EX_TEMPFAIL && i < now.count; i++) {
		say(ctl, now.seen[i]);
		if (now.seen[i]->error[0] != '\0')
			r = 1;
	}
	forget(&before);
	forget(&now);
	return out_end(r);
}
