/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_key.c - API keys: add, list, revoke
 *
 * Process: mcpgwctl.
 * Owns:    a new key, until it is printed; then it is wiped.
 * Trusts:  the kernel's random numbers.  Only the SHA-256 of a key leaves this program.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/ask.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "lib/crypt.h"
#include "lib/log.h"
#include "lib/num.h"
#include "policy/records.h"

#define KEY_PREFIX	"mgk_"
#define KEY_ID_BYTES	4		/* 8 hex: the public part */
#define KEY_SECRET_BYTES 32		/* 43 base64url */
#define KEY_PUBLIC_CHARS (sizeof(KEY_PREFIX) - 1 + 2 * KEY_ID_BYTES)
#define KEY_CHARS	(KEY_PUBLIC_CHARS + 1 + CRYPT_B64_CHARS(KEY_SECRET_BYTES))

struct key {
	char			text[KEY_CHARS + 1];
	char			public_name[KEY_PUBLIC_CHARS + 1];
	struct crypt_digest	digest;
};

static int
key_make(struct key *k)
{
	uint8_t	random[KEY_ID_BYTES + KEY_SECRET_BYTES];
	char	id[2 * KEY_ID_BYTES + 1], secret[CRYPT_B64_CHARS(KEY_SECRET_BYTES) + 1];
	int	r;

	if ((r = crypt_random(random, sizeof(random))) != 0)
		return r;
	num_hex(random, KEY_ID_BYTES, id);
	crypt_b64url(random + KEY_ID_BYTES, KEY_SECRET_BYTES, secret);
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
	add = (struct msg_CTL_KEY_ADD){ .agent = span_of(agent), .tenant = span_of(tenant),
	    .ends_ms = ends_parse(ends) };
	if ((r = ask_open(ctl, &a, true)) != 0)
		return r;
	if ((r = key_make(&k)) != 0)
		fatal(EX_OSERR, "key: %s", err_text(r));
	add.digest = span_make(k.digest.bytes, sizeof(k.digest.bytes));
	add.public_name = span_of(k.public_name);
	add.name = span_of(name == NULL ? k.public_name : name);
	ask_send(&a, MSG_TYPE_CTL_KEY_ADD, &add, NULL, 0);
	r = ask_wait(&a, NULL, NULL);
	ask_close(&a);
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

static void
print_key_json(const struct snap *s, const struct rec_key *k)
{
	out_json_begin();
	out_json_text("name", snap_text(s, k->name));
	out_json_text("public_name", snap_text(s, k->public_name));
	out_json_text("agent", snap_text(s, k->agent));
	out_json_text("tenant", snap_text(s, k->tenant));
	out_json_u64("created_ms", k->created_ms);
	if (k->ends_ms != 0)
		out_json_u64("ends_ms", k->ends_ms);
	out_json_end();
}

static void
print_key(struct out_table *t, const struct snap *s, const struct rec_key *k)
{
	uint64_t	now = out_now_ms();
	char		when[OUT_TIME];

	out_cell_span(t, snap_text(s, k->name));
	out_cell_span(t, snap_text(s, k->public_name));
	out_cell_span(t, snap_text(s, k->agent));
	out_cell_span(t, snap_text(s, k->tenant));
	out_cell(t, "%s", out_when_ms(k->created_ms, when));
	if (k->ends_ms == 0)
		out_cell(t, "-");
	else if (k->ends_ms <= now)
		out_cell(t, "ended");
	else
		out_cell(t, "in %s", out_span_ms(k->ends_ms - now, when));
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
	struct snap		*s = NULL;
	int			 r;

	(void)opts_take(rows, argc, argv, 0, 0);
	r = ask_simple(ctl, CTLCMD_key_list, NULL, ask_take_snapshot, &s, NULL);
	if (r != 0 || s == NULL)
		return r == 0 ? EX_PROTOCOL : r;
	t = out_table_new(columns, 6);
	for (uint64_t i = 0; i < snap_count(s, SECTION_KEY); i++) {
		const struct rec_key	*k = SNAP_AT(s, KEY, i);

		if (k == NULL || (agent != NULL && !span_is(snap_text(s, k->agent), agent)))
			continue;
		if (ctl->json)
			print_key_json(s, k);
		else
			print_key(t, s, k);
	}
	if (ctl->json)
		out_table_free(&t);
	else
		out_table_end(&t);
	snap_release(&s);
	return out_end(0);
}

int
cmd_key_revoke(struct ctl *ctl, int argc, char **argv)
{
	static const struct opt	none[] = { { NULL, NULL, NULL } };
	int			r;

	(void)opts_take(none, argc, argv, 1, 1);
	if ((r = ask_simple(ctl, CTLCMD_key_revoke, argv[0], NULL, NULL, NULL)) == 0)
		fprintf(stderr, "%s: ended, in every worker\n", argv[0]);
	return r;
}
