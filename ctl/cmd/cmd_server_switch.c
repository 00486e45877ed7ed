/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_server_switch.c - server disable, server enable, server remove
 *
 * Process: mcpgwctl.  Owns: nothing beyond a call.  Trusts: the operator.
 *
 * A server is off in its file ("enabled": false), with the reason and the end beside it: there everybody looks, it
 * outlives a restart, and what a file says is compared, checked and kept in version control like all else.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/files/serverfile.h"
#include "ctl/forhow.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "lib/log.h"

#define FOR_MAX_MS	(UINT64_C(366) * 24 * 60 * 60 * 1000)
#define REASON_MAX	200

static int
set_text(struct serverfile *f, const char *member, const char *text)
{
	struct buf	value;
	int		r;

	if (text == NULL)
		return serverfile_unset(f, member);
	buf_init(&value, 4096);
	if ((r = json_put_string(&value, span_of(text))) == 0)
		r = serverfile_set(f, member, buf_rest(&value));
	buf_fini(&value);
	return r;
}

static int
switch_off(struct serverfile *f, const char *reason, const char *until)
{
	int	r;

	if ((r = serverfile_set(f, "enabled", SPAN_LIT("false"))) != 0 ||
	    (r = set_text(f, "disabled_reason", reason)) != 0)
		return r;
	return set_text(f, "disabled_until", until);
}

static int
switch_on(struct serverfile *f)
{
	int	r = 0;

	if (serverfile_is(f, "enabled", "false"))
		r = serverfile_unset(f, "enabled");
	if (r == 0 && serverfile_is(f, "disabled", "true"))
		r = serverfile_unset(f, "disabled");
	if (r != 0 || (r = serverfile_unset(f, "disabled_until")) != 0)
		return r;
	return serverfile_unset(f, "disabled_reason");
}

/* Before the tenant in a command to type. */
static const char *
of_tenant(const struct ctl *ctl)
{
	return ctl->tenant == NULL ? "" : " --tenant ";
}

int
cmd_server_disable(struct ctl *ctl, int argc, char **argv)
{
	const char		*for_text = NULL, *reason = NULL;
	char			 until[OUT_TIME];
	bool			 dry = false;
	const struct opt	 rows[] = { { "--for", &for_text, NULL }, { "--reason", &reason, NULL },
	    { "--dry-run", NULL, &dry }, { "--tenant", &ctl->tenant, NULL },
	    { NULL, NULL, NULL } };
	struct serverfile	 f;
	char			 done[256], undo[128];
	uint64_t		 ms;
	int			 r;

	(void)opts_take(rows, argc, argv, 1, 1);
	if (for_text != NULL && (forhow_ms(for_text, &ms) != 0 || ms < 1000 || ms > FOR_MAX_MS))
		fatal(EX_USAGE, "--for %s: want a time from 1s to 366d, such as 2h", for_text);
	if (reason != NULL && (strlen(reason) > REASON_MAX || reason[0] == '\0'))
		fatal(EX_USAGE, "--reason: want 1 to %d bytes", REASON_MAX);
	if ((r = serverfile_open(ctl, argv[0], &f)) == 0) {
		f.dry = dry;
		snprintf(done, sizeof(done), "%s is off", argv[0]);
		if (for_text != NULL)
			snprintf(done, sizeof(done), "%s is off until %s", argv[0],
			    out_when_ms(out_now_ms() + ms, until));
		snprintf(undo, sizeof(undo), "mcpgwctl server enable %s%s%s", argv[0],
		    of_tenant(ctl), ctl->tenant == NULL ? "" : ctl->tenant);
		f.pending.done = done;
		f.pending.undo = undo;
		r = serverfile_apply(&f, switch_off(&f, reason,
		    for_text == NULL ? NULL : out_utc_ms(out_now_ms() + ms + 999, until)));
	}
	serverfile_close(&f);
	return out_end(r);
}

int
cmd_server_enable(struct ctl *ctl, int argc, char **argv)
{
	bool			dry = false;
	const struct opt	rows[] = { { "--dry-run", NULL, &dry }, { "--tenant", &ctl->tenant, NULL },
	    { NULL, NULL, NULL } };
	struct serverfile	f;
	char			done[128], undo[128];
	int			r;

	(void)opts_take(rows, argc, argv, 1, 1);
	if ((r = serverfile_open(ctl, argv[0], &f)) == 0) {
		f.dry = dry;
		snprintf(done, sizeof(done), "%s is on", argv[0]);
		snprintf(undo, sizeof(undo), "mcpgwctl server disable %s%s%s", argv[0],
		    of_tenant(ctl), ctl->tenant == NULL ? "" : ctl->tenant);
		f.pending.done = done;
		f.pending.undo = undo;
		r = serverfile_apply(&f, switch_on(&f));
	}
	serverfile_close(&f);
	return out_end(r);
}

/* What is taken away is printed, so that it can be put back. */
static void
print_removed(const struct ctl *ctl, const struct serverfile *f)
{
	struct conf_error	 error;
	struct conf		*c = NULL;
	struct buf		 b;

	if (conf_new(buf_rest(&f->now), &c, &error) != 0)
		return;
	buf_init(&b, CONF_MAX_BYTES);
	if (conf_put_json(edit_find(c, f->keys), &b) == 0) {
		if (ctl->json) {
			out_json_begin();
			out_json_text("removed", span_of(f->name));
			out_json_raw("was", buf_rest(&b));
			out_json_end();
		} else {
			printf("- \"%s\": %.*s\n", f->name, SPAN_FMT(buf_rest(&b)));
		}
	}
	buf_fini(&b);
	conf_free(&c);
}

int
cmd_server_remove(struct ctl *ctl, int argc, char **argv)
{
	bool			dry = false;
	const struct opt	rows[] = { { "--dry-run", NULL, &dry }, { "--tenant", &ctl->tenant, NULL },
	    { NULL, NULL, NULL } };
	struct serverfile	f;
	int			r;

	(void)opts_take(rows, argc, argv, 1, 1);
	if ((r = serverfile_open(ctl, argv[0], &f)) == 0) {
		f.dry = dry;
		print_removed(ctl, &f);
		r = serverfile_apply(&f, serverfile_remove(&f));
	}
	serverfile_close(&f);
	return out_end(r);
}
