/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_token.c - the gateway's own tokens: issued, taken back
 *
 * Process: mcpgwctl.
 * Owns:    a new token, until it is printed.
 * Trusts:  the gateway, whose store signs it; the signing key is never here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/ask.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "ctl/show/keyrow.h"
#include "ctl/show/tenantinfo.h"
#include "lib/buf.h"
#include "lib/crypt.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/num.h"
#include "policy/policy.h"

#define FOR_MS		(15 * UINT64_C(60000))
#define WORDS_ROOM	2048
#define CLAIMS_MAX	8192

struct issued {
	struct buf	 token;
	char		 id[64];
	uint64_t	 ends_ms;
};

static void
take_token(uint16_t type, const union msg_any *body, int *fds, void *arg)
{
	struct issued	*i = arg;

	(void)fds;
	if (type != MSG_TYPE_TOKEN_IS)
		return;
	buf_clear(&i->token);
	if (buf_put(&i->token, body->TOKEN_IS.token) != 0)
		fatal(EX_OSERR, "token: out of memory");
	snprintf(i->id, sizeof(i->id), "%.*s", SPAN_FMT(body->TOKEN_IS.id));
	i->ends_ms = body->TOKEN_IS.ends_ms;
}

static void
check(int r)
{
	if (r != 0)
		fatal(EX_USAGE, "token: its claims are too long");
}

static void
put_name(struct buf *b, struct span name)
{
	check(buf_put_str(b, buf_rest(b).n > 1 ? "," : ""));
	check(json_put_string(b, name));
	check(buf_put_str(b, ":"));
}

static void
put_text(struct buf *b, const char *name, const char *value)
{
	if (value[0] == '\0')
		return;
	put_name(b, span_of(name));
	check(json_put_string(b, span_of(value)));
}

/* Words between blanks, as an array. */
static void
put_array(struct buf *b, const char *name, const char *words)
{
	if (words[0] == '\0')
		return;
	put_name(b, span_of(name));
	for (const char *sep = "["; *words != '\0'; sep = ",") {
		const size_t	n = strcspn(words, " ");

		check(buf_put_str(b, sep));
		check(json_put_string(b, span_make(words, n)));
		words += n + (words[n] != '\0');
	}
	check(buf_put_str(b, "]"));
}

/* NAME=VALUE: what is JSON stands for itself, the rest is text. */
static void
put_claim(struct buf *b, const char *claim)
{
	static const struct {
		const char	*claim, *by;
	} own[] = {
		{ "sub", "say --subject" }, { "agent", "say --agent" }, { "tenant", "say --tenant" },
		{ "workspace", "say --workspace" }, { "scope", "say --scope" }, { "roles", "say --role" },
		{ "groups", "say --group" }, { "exp", "say --for" }, { "iss", "the gateway writes it" },
		{ "aud", "the gateway writes it" }, { "jti", "the gateway writes it" },
		{ "iat", "the gateway writes it" }, { "nbf", "the gateway writes it" },
	};
	const char		*eq = strchr(claim, '=');
	struct json_value	 v;

	if (eq == NULL || eq == claim)
		fatal(EX_USAGE, "--claim %s: write NAME=VALUE", claim);
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (span_is(span_make(claim, (size_t)(eq - claim)), own[i].claim))
			fatal(EX_USAGE, "--claim %s: not %s; %s", claim, own[i].claim, own[i].by);
	put_name(b, span_make(claim, (size_t)(eq - claim)));
	if (json_parse(span_of(eq + 1), true, &v, NULL) == 0)
		check(buf_put(b, span_of(eq + 1)));
	else
		check(json_put_string(b, span_of(eq + 1)));
}

static int
take_claims(int argc, char **argv, struct buf *b)
{
	int	left = 0;

	for (int i = 0; i < argc; i++) {
		if (strncmp(argv[i], "--claim=", 8) == 0)
			put_claim(b, argv[i] + 8);
		else if (strcmp(argv[i], "--claim") != 0)
			argv[left++] = argv[i];
		else if (++i == argc)
			fatal(EX_USAGE, "--claim needs a value");
		else
			put_claim(b, argv[i]);
	}
	return left;
}

static int
ask_token(struct ctl *ctl, const struct msg_TOKEN *m, struct issued *issued)
{
	struct ask	a;
	int		r;

	if ((r = ask_open(ctl, &a, true)) != 0)
		return r;
	ask_send(&a, MSG_TYPE_TOKEN, m, NULL, 0);
	r = ask_wait(&a, issued == NULL ? NULL : take_token, issued);
	ask_close(&a);
	return r;
}

static int
print_token(struct ctl *ctl, const struct issued *i)
{
	char	when[OUT_TIME];

	if (ctl->json) {
		out_json_begin();
		out_json_text("token", buf_rest(&i->token));
		out_json_text("id", span_of(i->id));
		out_json_text("ends", span_of(out_utc_ms(i->ends_ms, when)));
		out_json_end();
	} else {
		printf("%.*s\n", SPAN_FMT(buf_rest(&i->token)));
		fprintf(stderr, "token %s ends %s; to end it before: mcpgwctl token revoke %s\n", i->id,
		    keyrow_moment(i->ends_ms, when), i->id);
	}
	return out_end(0);
}

int
cmd_token(struct ctl *ctl, int argc, char **argv)
{
	const char		*agent = ctl->where.system ? "" : "me", *tenant = "default", *user = "";
	const char		*workspace = "", *for_text = NULL;
	bool			 force = false;
	const struct opt	 rows[] = { { "--agent", &agent, NULL }, { "--tenant", &tenant, NULL },
	    { "--subject", &user, NULL }, { "--workspace", &workspace, NULL }, { "--for", &for_text, NULL },
	    { "--force", NULL, &force }, { NULL, NULL, NULL } };
	char			 scopes[WORDS_ROOM], roles[WORDS_ROOM], groups[WORDS_ROOM];
	struct msg_TOKEN	 m = { .what = TOKEN_ISSUE, .ms = FOR_MS };
	struct issued		 i = { .ends_ms = 0 };
	struct buf		 claims;
	int			 r;

	buf_init(&claims, CLAIMS_MAX);
	buf_init(&i.token, 16 * 1024);
	check(buf_put_str(&claims, "{"));
	argc = take_claims(argc, argv, &claims);
	argc = opts_take_words("--scope", argc, argv, scopes, sizeof(scopes));
	argc = opts_take_words("--role", argc, argv, roles, sizeof(roles));
	argc = opts_take_words("--group", argc, argv, groups, sizeof(groups));
	(void)opts_take(rows, argc, argv, 0, 0);
	if (agent[0] == '\0')
		fatal(EX_USAGE, "token needs --agent AGENT: whom it stands for");
	if (for_text != NULL && (num_msec(span_of(for_text), &m.ms) != 0 || m.ms == 0))
		fatal(EX_USAGE, "--for %s: write for how long it is good, like 15min or 1h", for_text);
	if (!force && (r = tenantinfo_check(ctl, &(struct tenantinfo_bearer){ tenant, agent, roles, groups, scopes,
	    workspace })) != 0)
		goto out;
	put_text(&claims, "sub", user[0] == '\0' ? agent : user);
	put_text(&claims, "agent", agent);
	put_text(&claims, "tenant", tenant);
	put_text(&claims, "workspace", workspace);
	put_text(&claims, "scope", scopes);
	put_array(&claims, "roles", roles);
	put_array(&claims, "groups", groups);
	check(buf_put_str(&claims, "}"));
	m.text = buf_rest(&claims);
	if ((r = ask_token(ctl, &m, &i)) == 0)
		r = buf_rest(&i.token).n == 0 ? EX_PROTOCOL : print_token(ctl, &i);
 out:
	if (i.token.data != NULL)
		crypt_wipe(i.token.data, i.token.room);
	buf_fini(&i.token);
	buf_fini(&claims);
	return r;
}

int
cmd_token_rotate(struct ctl *ctl, int argc, char **argv)
{
	static const struct opt	none[] = { { NULL, NULL, NULL } };
	const struct msg_TOKEN	m = { .what = TOKEN_ROTATE };
	int			r;

	(void)opts_take(none, argc, argv, 0, 0);
	if ((r = ask_token(ctl, &m, NULL)) == 0 && ctl->json) {
		out_json_begin();
		out_json_bool("rotated", true);
		out_json_end();
	} else if (r == 0) {
		fprintf(stderr, "tokens are signed with a new key; those of the one before are good until they end\n");
	}
	return out_end(r);
}

/* On a terminal alone. */
static bool
is_meant(struct ctl *ctl, bool yes)
{
	char	answer[16];

	if (yes || ctl->json || isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1)
		return true;
	fprintf(stderr, "End all tokens that this gateway issued? [y/N] ");
	if (fgets(answer, sizeof(answer), stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y'))
		return true;
	fprintf(stderr, "Nothing was changed.\n");
	return false;
}

/* How long its tokens can be good: what is revoked need be known no longer.  Exits where nobody says. */
static int
age_of_issuer(struct ctl *ctl, const char *issuer, const char *for_text, uint64_t *ms)
{
	struct snap		*s = NULL;
	const struct rec_issuer	*e = NULL;
	bool			 there = false, ages = true;
	int			 r = ask_simple(ctl, CTLCMD_explain, NULL, ask_take_snapshot, &s, NULL);

	*ms = 0;
	for (uint64_t i = 0; r == 0 && s != NULL && (e = SNAP_AT(s, ISSUER, i)) != NULL; i++) {
		const uint64_t	age = (uint64_t)e->max_age_s * 1000 + (uint64_t)e->skew_s * 1000;

		if (!span_is(snap_text(s, e->name), issuer))
			continue;
		there = true;
		ages &= e->max_age_s > 0;
		*ms = age > *ms ? age : *ms;
	}
	snap_release(&s);
	if (r != 0)
		return r;
	if (!there) {
		out_error("%s: no such issuer; see: mcpgwctl issuer list", issuer);
		return EX_DATAERR;
	}
	if (for_text != NULL && (num_msec(span_of(for_text), ms) != 0 || *ms == 0))
		fatal(EX_USAGE, "--for %s: write a time from now, like 24h or 30d", for_text);
	if (for_text == NULL && !ages)
		fatal(EX_USAGE, "%s has no max_age, so say for how long its tokens are good: --for TIME", issuer);
	return 0;
}

struct foreign {
	const char	*issuer, *jti, *subject, *for_text;
	bool		 block;
};

static int
revoke_foreign(struct ctl *ctl, const struct foreign *f)
{
	const char		*name = f->jti != NULL ? f->jti : f->subject;
	struct msg_TOKEN	 m = { .what = f->jti != NULL ? TOKEN_BAR_ID : f->block ? TOKEN_BAR_SUBJECT_ALL :
				    TOKEN_BAR_SUBJECT };
	struct buf		 text;
	int			 r;

	if (f->issuer == NULL || (f->jti == NULL) == (f->subject == NULL) || (f->jti != NULL && f->block))
		fatal(EX_USAGE, "token revoke of an issuer's tokens wants --issuer ISSUER, and --jti ID or "
		    "--subject SUBJECT");
	if ((r = age_of_issuer(ctl, f->issuer, f->for_text, &m.ms)) != 0)
		return r;
	buf_init(&text, CLAIMS_MAX);
	/* With the NUL behind each. */
	check(buf_put(&text, span_make(f->issuer, strlen(f->issuer) + 1)));
	check(buf_put(&text, span_make(name, strlen(name) + 1)));
	m.text = buf_rest(&text);
	if ((r = ask_token(ctl, &m, NULL)) == 0)
		fprintf(stderr, "%s of %s: %s, in every worker\n", name, f->issuer, f->jti != NULL ? "ended" :
		    f->block ? "ended, and what is issued to it meanwhile is refused" :
		    "what was issued to it is ended");
	buf_fini(&text);
	return r;
}

int
cmd_token_revoke(struct ctl *ctl, int argc, char **argv)
{
	const char		*before = NULL;
	bool			 all = false, yes = false;
	struct foreign		 f = { .block = false };
	const struct opt	 rows[] = { { "--before", &before, NULL }, { "--all", NULL, &all },
	    { "--yes", NULL, &yes }, { "--issuer", &f.issuer, NULL }, { "--jti", &f.jti, NULL },
	    { "--subject", &f.subject, NULL }, { "--for", &f.for_text, NULL }, { "--block", NULL, &f.block },
	    { NULL, NULL, NULL } };
	const int		 words = opts_take(rows, argc, argv, 0, 1);
	const bool		 foreign = f.issuer != NULL || f.jti != NULL || f.subject != NULL;
	struct msg_TOKEN	 m = { .what = TOKEN_REVOKE };
	uint64_t		 ago_ms = 0;
	char			 when[OUT_TIME];
	int			 r;

	if (foreign && words + (before != NULL) + all == 0)
		return revoke_foreign(ctl, &f);
	if (words + (before != NULL) + all != 1 || foreign || f.for_text != NULL || f.block)
		fatal(EX_USAGE, "token revoke wants a token's ID (jti), or --before TIME, or --all, or --issuer ISSUER "
		    "with --jti ID or --subject SUBJECT");
	if (before != NULL && num_msec(span_of(before), &ago_ms) != 0)
		fatal(EX_USAGE, "--before %s: write how long ago, like 10min or 2h", before);
	if (all && !is_meant(ctl, yes))
		return EX_NOPERM;
	if (all)
		m.what = TOKEN_REVOKE_ALL;
	else if (before != NULL)
		m = (struct msg_TOKEN){ .what = TOKEN_REVOKE_BEFORE,
		    .ms = out_now_ms() > ago_ms ? out_now_ms() - ago_ms : 0 };
	else
		m.text = span_of(argv[0]);
	if ((r = ask_token(ctl, &m, NULL)) != 0)
		return r;
	if (!ctl->json) {
		fprintf(stderr, "%s%s: ended, in every worker\n", all ? "all tokens" : before != NULL ?
		    "tokens issued before " : argv[0], before != NULL ? out_when_ms(m.ms, when) : "");
		return 0;
	}
	out_json_begin();
	out_json_text("ended", all ? SPAN_LIT("all") : before != NULL ? SPAN_LIT("before") : SPAN_LIT("one"));
	if (before != NULL)
		out_json_text("before", span_of(out_utc_ms(m.ms, when)));
	if (words == 1)
		out_json_text("id", span_of(argv[0]));
	out_json_end();
	return out_end(0);
}
