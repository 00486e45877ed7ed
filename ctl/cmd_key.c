/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_key.c - API keys: add, list, revoke
 *
 * Process: mcpgwctl.
 * Owns:    a new key, until it is printed; then it is wiped.
 * Trusts:  the kernel's random numbers.  Only the SHA-256 of a key leaves this program.
 *
 * Without a master the store's own program does it, so that the store has one writer in any case.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/alone.h"
#include "ctl/ask.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "ctl/tenantinfo.h"
#include "lib/b64.h"
#include "lib/crypt.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/num.h"
#include "policy/records.h"

#define LIST_MAX	(64u * 1024 * 1024)
#define KEY_PREFIX	"mgk_"
#define KEY_ID_BYTES	4		/* 8 hex: the public part */
#define KEY_SECRET_BYTES 32		/* 43 base64url */
#define KEY_PUBLIC_CHARS (sizeof(KEY_PREFIX) - 1 + 2 * KEY_ID_BYTES)
#define KEY_CHARS	(KEY_PUBLIC_CHARS + 1 + B64URL_CHARS(KEY_SECRET_BYTES))

struct key {
	char			text[KEY_CHARS + 1];
	char			public_name[KEY_PUBLIC_CHARS + 1];
	struct crypt_digest	digest;
};

static int
key_make(struct key *k)
{
	uint8_t	random[KEY_ID_BYTES + KEY_SECRET_BYTES];
	char	id[2 * KEY_ID_BYTES + 1], secret[B64URL_CHARS(KEY_SECRET_BYTES) + 1];
	int	r;

	if ((r = crypt_random(random, sizeof(random))) != 0)
		return r;
	num_hex(random, KEY_ID_BYTES, id);
	b64url_encode(random + KEY_ID_BYTES, KEY_SECRET_BYTES, secret);
	snprintf(k->public_name, sizeof(k->public_name), KEY_PREFIX "%s", id);
	snprintf(k->text, sizeof(k->text), "%s_%s", k->public_name, secret);
	r = crypt_sha256(span_of(k->text), &k->digest);
	crypt_wipe(random, sizeof(random));
	crypt_wipe(secret, sizeof(secret));
	return r;
}

/* "30d" from now, in wall clock ms; exits on nonsense. */
static uint64_t
ends_parse(const char *text)
{
	uint64_t	ms;

	if (text == NULL)
		return 0;
	if (num_msec(span_of(text), &ms) != 0 || ms == 0)
		fatal(EX_USAGE, "--ends %s: write a time from now, like 30d or 12h", text);
	return out_now_ms() + ms;
}

static int
key_add_alone(struct ctl *ctl, const struct key *k, const char *name, const char *agent,
    const char *tenant, uint64_t ends_ms)
{
	char			 digest[2 * CRYPT_SHA256_BYTES + 1], ends[24];
	const char *const	 args[] = { digest, k->public_name, name, agent, tenant, ends, NULL };

	num_hex(k->digest.bytes, sizeof(k->digest.bytes), digest);
	snprintf(ends, sizeof(ends), "%llu", (unsigned long long)ends_ms);
	return alone_store(ctl, "key-add", args, -1, -1);
}

int
cmd_key_add(struct ctl *ctl, int argc, char **argv)
{
	const char		*agent = NULL, *name = NULL, *tenant = "default", *ends = NULL;
	const struct opt	 rows[] = { { "--agent", &agent, NULL }, { "--name", &name, NULL },
	    { "--tenant", &tenant, NULL }, { "--ends", &ends, NULL }, { NULL, NULL, NULL } };
	struct msg_CTL_KEY_ADD	 add;
	struct key		 k;
	struct ask		 a;
	int			 r;

	(void)opts_take(rows, argc, argv, 0, 0);
	if (agent == NULL)
		fatal(EX_USAGE, "key add needs --agent AGENT: whom the key stands for");
	if (strcmp(tenant, "default") != 0 && (r = tenantinfo_check(ctl, tenant, agent)) != 0)
		return r;
	add = (struct msg_CTL_KEY_ADD){ .agent = span_of(agent), .tenant = span_of(tenant),
	    .ends_ms = ends_parse(ends) };
	if ((r = key_make(&k)) != 0)
		fatal(EX_OSERR, "key: %s", err_text(r));
	if (name == NULL)
		name = k.public_name;
	add.digest = span_make(k.digest.bytes, sizeof(k.digest.bytes));
	add.public_name = span_of(k.public_name);
	add.name = span_of(name);
	if ((r = ask_open(ctl, &a, false)) == 0) {
		ask_send(&a, MSG_TYPE_CTL_KEY_ADD, &add, NULL, 0);
		r = ask_wait(&a, NULL, NULL);
		ask_close(&a);
	} else if (r == EX_UNAVAILABLE) {
		r = key_add_alone(ctl, &k, name, agent, tenant, add.ends_ms);
	} else {
		out_error("ctl.sock: you are not root or in group mcpgw-admin");
	}
	if (r == 0) {
		if (ctl->json) {
			out_json_begin();
			out_json_text("key", span_of(k.text));
			out_json_text("name", add.name);
			out_json_text("public_name", add.public_name);
			out_json_text("agent", add.agent);
			out_json_text("tenant", add.tenant);
			out_json_end();
		} else {
			printf("%s\n", k.text);
			fprintf(stderr, "%.*s: a key of agent %s; it is not kept anywhere and not shown "
			    "again\n", SPAN_FMT(add.name), agent);
		}
		r = out_end(0);
	}
	crypt_wipe(&k, sizeof(k));
	return r;
}

/* --- list ---------------------------------------------------------------------------------------- */

/* A key as both sources tell of it: the dump, or the store's program. */
struct row {
	struct span	name, public_name, agent, tenant;
	uint64_t	created_ms, ends_ms;
};

static void
print_json(const struct row *k)
{
	char	when[OUT_TIME];

	out_json_begin();
	out_json_text("name", k->name);
	out_json_text("key", k->public_name);
	out_json_text("agent", k->agent);
	out_json_text("tenant", k->tenant);
	out_json_text("created", span_of(out_utc_ms(k->created_ms, when)));
	if (k->ends_ms != 0)
		out_json_text("ends", span_of(out_utc_ms(k->ends_ms, when)));
	out_json_end();
}

static void
print_row(struct out_table *t, const struct row *k)
{
	uint64_t	now = out_now_ms();
	char		when[OUT_TIME];

	out_cell_span(t, k->name);
	out_cell_span(t, k->public_name);
	out_cell_span(t, k->agent);
	out_cell_span(t, k->tenant);
	out_cell(t, "%s", out_when_ms(k->created_ms, when));
	if (k->ends_ms == 0)
		out_cell(t, "-");
	else if (k->ends_ms <= now)
		out_cell(t, "ended");
	else
		out_cell(t, "in %s", out_span_ms(k->ends_ms - now, when));
}

static void
take_row(const struct row *k, const char *agent, struct out_table *t)
{
	if (agent != NULL && !span_is(k->agent, agent))
		return;
	if (t == NULL)
		print_json(k);
	else
		print_row(t, k);
}

static int
list_running(struct ask *a, const char *agent, struct out_table *t)
{
	struct snap		*s = NULL;
	const struct rec_key	*k;
	struct row		 row;
	int			 r;

	ask_command(a, CTLCMD_key_list, NULL);
	if ((r = ask_wait(a, ask_take_snapshot, &s)) != 0 || s == NULL)
		return r == 0 ? EX_PROTOCOL : r;
	for (uint64_t i = 0; (k = SNAP_AT(s, KEY, i)) != NULL; i++) {
		row = (struct row){ snap_text(s, k->name), snap_text(s, k->public_name),
		    snap_text(s, k->agent), snap_text(s, k->tenant), k->created_ms, k->ends_ms };
		take_row(&row, agent, t);
	}
	snap_release(&s);
	return 0;
}

static struct span
member(struct json_value line, const char *name, struct arena *a)
{
	struct span	s;

	return json_string(json_get(line, name), a, &s) == 0 ? s : SPAN_NONE;
}

static int
list_alone(struct ctl *ctl, const char *agent, struct out_table *t)
{
	const char *const	 none[] = { NULL };
	struct json_value	 v;
	struct arena		 a;
	struct row		 row;
	char			*text, *line, *end;
	size_t			 bytes;
	int			 fd, r;

	if ((r = fd_memfd("keys", &fd)) != 0)
		return EX_OSERR;
	if ((r = alone_store(ctl, "key-list", none, -1, fd)) != 0 || lseek(fd, 0, SEEK_SET) == -1 ||
	    fd_read_all(fd, LIST_MAX, &text, &bytes) != 0) {
		fd_close(&fd);
		return r == 0 ? EX_IOERR : r;
	}
	for (line = text; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		if (json_parse(span_make(line, (size_t)(end - line)), false, &v, NULL) != 0)
			continue;
		arena_init(&a, NULL, 0, 64 * 1024);
		row = (struct row){ member(v, "name", &a), member(v, "key", &a), member(v, "agent", &a),
		    member(v, "tenant", &a), out_parse_utc(member(v, "created", &a)),
		    out_parse_utc(member(v, "ends", &a)) };
		take_row(&row, agent, t);
		arena_fini(&a);
	}
	free(text);
	fd_close(&fd);
	return 0;
}

int
cmd_key_list(struct ctl *ctl, int argc, char **argv)
{
	static const struct out_column	columns[] = {
		{ "NAME", false, false }, { "KEY", false, true }, { "AGENT", false, false },
		{ "TENANT", false, false }, { "CREATED", false, true }, { "ENDS", false, true },
	};
	const char		*agent = NULL;
	const struct opt	 rows[] = { { "--agent", &agent, NULL }, { NULL, NULL, NULL } };
	struct out_table	*t;
	struct ask		 a;
	int			 r;

	(void)opts_take(rows, argc, argv, 0, 0);
	t = ctl->json ? NULL : out_table_new(columns, 6);
	if ((r = ask_open(ctl, &a, false)) == 0) {
		r = list_running(&a, agent, t);
		ask_close(&a);
	} else if (r == EX_UNAVAILABLE) {
		r = list_alone(ctl, agent, t);
	} else {
		out_error("ctl.sock: you are not root or in group mcpgw-admin");
	}
	if (r == 0 && t != NULL)
		out_table_end(&t);
	out_table_free(&t);
	return out_end(r);
}

int
cmd_key_revoke(struct ctl *ctl, int argc, char **argv)
{
	static const struct opt	none[] = { { NULL, NULL, NULL } };
	struct ask		a;
	int			r;

	(void)opts_take(none, argc, argv, 1, 1);
	if ((r = ask_open(ctl, &a, false)) == EX_UNAVAILABLE)
		return alone_store(ctl, "key-revoke", (const char *[]){ argv[0], NULL }, -1, -1);
	if (r != 0) {
		out_error("ctl.sock: you are not root or in group mcpgw-admin");
		return r;
	}
	ask_command(&a, CTLCMD_key_revoke, argv[0]);
	if ((r = ask_wait(&a, NULL, NULL)) == 0)
		fprintf(stderr, "%s: ended, in every worker\n", argv[0]);
	ask_close(&a);
	return r;
}
