/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_key.c - API keys: add, rotate, revoke
 *
 * Process: mcpgwctl.
 * Owns:    a new key, until it is printed; then it is wiped.
 * Trusts:  the kernel's random numbers.  Only the SHA-256 of a key leaves this program.
 *
 * Without a master the store's own program does it, so that the store has one writer in any case.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "ctl/alone.h"
#include "ctl/ask.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "ctl/show/keyrow.h"
#include "ctl/show/tenantinfo.h"
#include "lib/b64.h"
#include "lib/buf.h"
#include "lib/crypt.h"
#include "lib/log.h"
#include "lib/num.h"

#define AGAIN_MS	250
#define AGAIN_MAX	20
#define WORDS_ROOM	2048
#define NAME_BYTES	128
#define ENDS_MAX_MS	(UINT64_C(36500) * 24 * 3600 * 1000)
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
	if (num_msec(span_of(text), &ms) != 0 || ms == 0 || ms > ENDS_MAX_MS)
		fatal(EX_USAGE, "--ends %s: write a time from now, like 30d or 12h; at most 36500d", text);
	return out_now_ms() + ms;
}

/* As the store takes it (store/keydb.h). */
static void
name_check(const char *name)
{
	bool	good = name[0] != '\0' && strlen(name) <= NAME_BYTES;

	for (const char *c = name; *c != '\0'; c++)
		good = good && (unsigned char)*c >= 0x20 && *c != 0x7f;
	if (!good)
		fatal(EX_USAGE, "--name \"%.160s\": a key's name is of one to %d bytes, without control characters",
		    name, NAME_BYTES);
}

/* --- what is asked of the store ------------------------------------------------------------------ */

/* The store may die behind the change and before the answer.  So it is asked again, and a change that is done already
 * is answered as if it had just been: neither the new key nor the old one is lost. */
static int
ask_again(struct ctl *ctl, uint16_t type, const void *msg, bool *alone)
{
	const struct timespec	pause = { .tv_nsec = AGAIN_MS * 1000000L };
	struct ask		a;
	int			r;

	*alone = false;
	for (unsigned n = 0;; n++) {
		if ((r = ask_open(ctl, &a, false)) != 0)
			break;
		a.keeps = true;		/* what is said again and again is said once */
		ask_send(&a, type, msg, NULL, 0);
		r = ask_wait(&a, NULL, NULL);
		ask_close(&a);
		if (r == EX_TEMPFAIL && n == AGAIN_MAX && a.kept[0] != '\0')
			out_error("%s", a.kept);
		if (r != EX_TEMPFAIL || n == AGAIN_MAX)
			return r;
		nanosleep(&pause, NULL);
	}
	*alone = r == EX_UNAVAILABLE;
	if (!*alone)
		out_error("ctl.sock: you are not root or in group mcpgw-admin");
	return r;
}

static void
number(uint64_t n, char to[24])
{
	snprintf(to, 24, "%llu", (unsigned long long)n);
}

static void
print_key(struct ctl *ctl, const struct key *k, struct span name)
{
	if (!ctl->json) {
		printf("%s\n", k->text);
		return;
	}
	out_json_begin();
	out_json_text("secret", span_of(k->text));
	out_json_text("name", name);
	out_json_text("key", span_of(k->public_name));
}

/* --- add ----------------------------------------------------------------------------------------- */

static int
store_add(struct ctl *ctl, const struct key *k, const struct msg_CTL_KEY_ADD *add, const char *const words[4],
    const char *name, const char *agent, const char *tenant)
{
	char			 digest[2 * CRYPT_SHA256_BYTES + 1], ends[24], by[24];
	const char *const	 args[] = { digest, k->public_name, name, agent, tenant, ends, words[0], words[1],
	    words[2], words[3], by, NULL };
	bool			 alone;
	int			 r = ask_again(ctl, MSG_TYPE_CTL_KEY_ADD, add, &alone);

	if (!alone)
		return r;
	num_hex(k->digest.bytes, sizeof(k->digest.bytes), digest);
	number(add->ends_ms, ends);
	number((uint64_t)getuid() + 1, by);
	return alone_store(ctl, "key-add", args, -1, -1);
}

int
cmd_key_add(struct ctl *ctl, int argc, char **argv)
{
	const char		*agent = NULL, *name = NULL, *tenant = "default", *ends = NULL, *workspace = "";
	bool			 force = false;
	const struct opt	 rows[] = { { "--agent", &agent, NULL }, { "--name", &name, NULL },
	    { "--tenant", &tenant, NULL }, { "--ends", &ends, NULL }, { "--workspace", &workspace, NULL },
	    { "--force", NULL, &force }, { NULL, NULL, NULL } };
	char			 scopes[WORDS_ROOM], roles[WORDS_ROOM], groups[WORDS_ROOM];
	char			 when[OUT_TIME];
	uint64_t		 ends_ms;
	struct msg_CTL_KEY_ADD	 add;
	struct key		 k;
	int			 r;

	argc = opts_take_words("--scope", argc, argv, scopes, sizeof(scopes));
	argc = opts_take_words("--role", argc, argv, roles, sizeof(roles));
	argc = opts_take_words("--group", argc, argv, groups, sizeof(groups));
	(void)opts_take(rows, argc, argv, 0, 0);
	if (agent == NULL)
		fatal(EX_USAGE, "key add needs --agent AGENT: whom the key stands for");
	ends_ms = ends_parse(ends);
	if (name != NULL)
		name_check(name);
	if (!force && (r = tenantinfo_check(ctl, &(struct tenantinfo_bearer){ tenant, agent, roles, groups, scopes,
	    workspace })) != 0)
		return r;
	if ((r = key_make(&k)) != 0)
		fatal(EX_OSERR, "key: %s", err_text(r));
	if (name == NULL)
		name = k.public_name;
	add = (struct msg_CTL_KEY_ADD){ .agent = span_of(agent), .tenant = span_of(tenant), .name = span_of(name),
	    .ends_ms = ends_ms, .digest = span_make(k.digest.bytes, sizeof(k.digest.bytes)),
	    .public_name = span_of(k.public_name), .scopes = span_of(scopes), .roles = span_of(roles),
	    .groups = span_of(groups), .workspace = span_of(workspace) };
	r = store_add(ctl, &k, &add, (const char *[]){ scopes, roles, groups, workspace }, name, agent, tenant);
	if (r == 0) {
		print_key(ctl, &k, add.name);
		if (ctl->json) {
			out_json_text("agent", add.agent);
			out_json_text("tenant", add.tenant);
			if (add.ends_ms != 0)
				out_json_text("ends", span_of(out_utc_ms(add.ends_ms, when)));
			out_json_end();
		} else {
			fprintf(stderr, "%s: a key of agent %s%s%s; it is not kept anywhere and not shown again\n",
			    name, agent, add.ends_ms == 0 ? "" : ", good until ",
			    add.ends_ms == 0 ? "" : keyrow_moment(add.ends_ms, when));
		}
		r = out_end(0);
	}
	crypt_wipe(&k, sizeof(k));
	return r;
}

/* --- rotate -------------------------------------------------------------------------------------- */

struct old_keys {
	const char	*name, *tenant;
	uint64_t	 end_ms;		/* of those that do not end before */
	unsigned	 count;
	char		 names[512];		/* of those that lived until now */
	struct buf	 json;
};

static void
take_old(const struct keyrow *row, void *arg)
{
	struct old_keys	*old = arg;
	const size_t	 used = strlen(old->names);
	const uint64_t	 ends = row->ends_ms != 0 && row->ends_ms < old->end_ms ? row->ends_ms : old->end_ms;
	char		 when[OUT_TIME];

	if (!span_is(row->name, old->name) || (old->tenant[0] != '\0' && !span_is(row->tenant, old->tenant)) ||
	    (row->ends_ms != 0 && row->ends_ms <= out_now_ms()))
		return;
	snprintf(old->names + used, sizeof(old->names) - used, "%s%.*s", old->count > 0 ? ", " : "",
	    SPAN_FMT(row->public_name));
	/* Without memory a list that is shorter. */
	if (buf_put_fmt(&old->json, "%s{\"key\":\"%.*s\",\"ends\":\"%s\"}", old->count > 0 ? "," : "",
	    SPAN_FMT(row->public_name), out_utc_ms(ends, when)) == 0)
		old->count++;
	/* The last to go. */
	if (old->count == 1)
		old->end_ms = ends;
}

struct made {
	const char	*public_name;
	uint64_t	 ends_ms;		/* 0: never */
	bool		 found;
};

static void
take_made(const struct keyrow *row, void *arg)
{
	struct made	*m = arg;

	if (!span_is(row->public_name, m->public_name))
		return;
	m->ends_ms = row->ends_ms;
	m->found = true;
}

static void
say_rotated(struct ctl *ctl, const struct key *k, struct old_keys *old, uint64_t overlap_ms)
{
	struct made	made = { .public_name = k->public_name };
	char		when[OUT_TIME];

	/* Until when the store says: it is as long as the old one was to live. */
	(void)keyrow_each(ctl, take_made, &made);
	print_key(ctl, k, span_of(old->name));
	if (ctl->json) {
		if (made.ends_ms != 0)
			out_json_text("ends", span_of(out_utc_ms(made.ends_ms, when)));
		(void)!buf_put_str(&old->json, "]");
		out_json_raw("old", buf_rest(&old->json));
		out_json_end();
		return;
	}
	fprintf(stderr, "%s: new key %s", old->name, k->public_name);
	if (made.found)
		fprintf(stderr, made.ends_ms == 0 ? ", which does not end" : ", good until %s",
		    keyrow_moment(made.ends_ms, when));
	if (old->count > 0 && overlap_ms == 0)
		fprintf(stderr, "; the old one%s (%s) %s ended.\n", old->count > 1 ? "s" : "", old->names,
		    old->count > 1 ? "have" : "has");
	else if (old->count > 0)
		fprintf(stderr, "; the old one%s (%s) end%s %s.\n", old->count > 1 ? "s" : "", old->names,
		    old->count > 1 ? "" : "s", keyrow_moment(old->end_ms, when));
	else
		fprintf(stderr, "; no other was good any more.\n");
}

static int
store_rotate(struct ctl *ctl, const struct key *k, const struct msg_CTL_KEY_ROTATE *m, const char *name,
    const char *tenant)
{
	char			 digest[2 * CRYPT_SHA256_BYTES + 1], overlap[24], ends[24], by[24];
	const char *const	 args[] = { digest, k->public_name, name, tenant, overlap, ends, by, NULL };
	bool			 alone;
	int			 r = ask_again(ctl, MSG_TYPE_CTL_KEY_ROTATE, m, &alone);

	if (!alone)
		return r;
	num_hex(k->digest.bytes, sizeof(k->digest.bytes), digest);
	number(m->overlap_ms, overlap);
	number(m->ends_ms, ends);
	number((uint64_t)getuid() + 1, by);
	return alone_store(ctl, "key-rotate", args, -1, -1);
}

int
cmd_key_rotate(struct ctl *ctl, int argc, char **argv)
{
	const char			*overlap = NULL, *ends = NULL, *tenant = "";
	const struct opt		 rows[] = { { "--overlap", &overlap, NULL }, { "--ends", &ends, NULL },
	    { "--tenant", &tenant, NULL }, { NULL, NULL, NULL } };
	struct old_keys			 old = { 0 };
	struct msg_CTL_KEY_ROTATE	 m;
	struct key			 k;
	uint64_t			 overlap_ms = 0;
	int				 r;

	(void)opts_take(rows, argc, argv, 1, 1);
	if (overlap != NULL && num_msec(span_of(overlap), &overlap_ms) != 0)
		fatal(EX_USAGE, "--overlap %s: write for how long the old key is good, like 24h or 10min", overlap);
	old = (struct old_keys){ .name = argv[0], .tenant = tenant, .end_ms = out_now_ms() + overlap_ms };
	buf_init(&old.json, 64 * 1024);
	(void)!buf_put_str(&old.json, "[");
	if ((r = keyrow_each(ctl, take_old, &old)) != 0) {
		buf_fini(&old.json);
		return r;
	}
	if ((r = key_make(&k)) != 0)
		fatal(EX_OSERR, "key: %s", err_text(r));
	m = (struct msg_CTL_KEY_ROTATE){ .digest = span_make(k.digest.bytes, sizeof(k.digest.bytes)),
	    .public_name = span_of(k.public_name), .name = span_of(argv[0]), .tenant = span_of(tenant),
	    .overlap_ms = overlap_ms, .ends_ms = ends_parse(ends) };
	r = store_rotate(ctl, &k, &m, argv[0], tenant);
	if (r == 0) {
		say_rotated(ctl, &k, &old, overlap_ms);
		r = out_end(0);
	} else if (r == EX_TEMPFAIL) {
		/* Better a key too many than none. */
		print_key(ctl, &k, span_of(argv[0]));
		if (ctl->json)
			out_json_end();
		out_error("%s: nobody answered whether the new key %s is in force; see: mcpgwctl key list", argv[0],
		    k.public_name);
		r = out_end(r);
	}
	buf_fini(&old.json);
	crypt_wipe(&k, sizeof(k));
	return r;
}

/* --- revoke -------------------------------------------------------------------------------------- */

struct wanted {
	const char	*name, *agent, *tenant;
	uint32_t	 count;
};

static void
count_wanted(const struct keyrow *row, void *arg)
{
	struct wanted	*w = arg;

	w->count += (w->name[0] == '\0' || span_is(row->name, w->name) || span_is(row->public_name, w->name)) &&
	    (w->agent[0] == '\0' || span_is(row->agent, w->agent)) &&
	    (w->tenant[0] == '\0' || span_is(row->tenant, w->tenant));
}

/* On a terminal alone. */
static bool
is_meant(struct ctl *ctl, const struct wanted *w, bool yes)
{
	char	answer[16];

	if (yes || ctl->json || isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1)
		return true;
	fprintf(stderr, "End %u keys of %s%s%s%s? [y/N] ", w->count, w->agent[0] != '\0' ? "agent " : "tenant ",
	    w->agent[0] != '\0' ? w->agent : w->tenant,
	    w->agent[0] != '\0' && w->tenant[0] != '\0' ? " in tenant " : "",
	    w->agent[0] != '\0' ? w->tenant : "");
	if (fgets(answer, sizeof(answer), stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y'))
		return true;
	fprintf(stderr, "Nothing was changed.\n");
	return false;
}

static int
store_revoke(struct ctl *ctl, const struct wanted *w)
{
	const struct msg_CTL	 m = { .command = CTLCMD_key_revoke, .a = span_of(w->name), .b = span_of(w->agent),
	    .c = span_of(w->tenant) };
	bool			 alone;
	int			 r = ask_again(ctl, MSG_TYPE_CTL, &m, &alone);

	if (alone)
		return alone_store(ctl, "key-revoke", (const char *[]){ w->name, w->agent, w->tenant, NULL }, -1, -1);
	return r;
}

int
keyrow_end_tenant(struct ctl *ctl, const char *tenant)
{
	return store_revoke(ctl, &(struct wanted){ "", "", tenant, 0 });
}

int
cmd_key_revoke(struct ctl *ctl, int argc, char **argv)
{
	struct wanted		 w = { "", "", "", 0 };
	bool			 all = false, yes = false;
	const struct opt	 rows[] = { { "--all", NULL, &all }, { "--agent", &w.agent, NULL },
	    { "--tenant", &w.tenant, NULL }, { "--yes", NULL, &yes }, { NULL, NULL, NULL } };
	const int		 words = opts_take(rows, argc, argv, 0, 1);
	int			 r;

	if (words == 1)
		w.name = argv[0];
	if (all == (words == 1) || (all && w.agent[0] == '\0' && w.tenant[0] == '\0') ||
	    (words == 1 && w.name[0] == '\0'))
		fatal(EX_USAGE, "key revoke wants a key's NAME, or --all with --agent AGENT, --tenant TENANT or both");
	if ((r = keyrow_each(ctl, count_wanted, &w)) != 0)
		return r;
	if (all && w.count > 0 && !is_meant(ctl, &w, yes))
		return EX_NOPERM;
	if ((r = store_revoke(ctl, &w)) == 0) {
		if (ctl->json) {
			out_json_begin();
			out_json_u64("ended", w.count);
			if (words == 1)
				out_json_text("name", span_of(w.name));
			if (w.agent[0] != '\0')
				out_json_text("agent", span_of(w.agent));
			if (w.tenant[0] != '\0')
				out_json_text("tenant", span_of(w.tenant));
			out_json_end();
		} else if (all || w.count != 1)
			fprintf(stderr, "%u keys: ended, in every worker\n", w.count);
		else
			fprintf(stderr, "%s: ended, in every worker\n", w.name);
	}
	return out_end(r);
}
