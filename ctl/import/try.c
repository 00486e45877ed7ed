/* SPDX-License-Identifier: Apache-2.0
 *
 * try.c - every server started once in its final jail, and asked for its tools
 *
 * Process: mcpgwctl, over a private gateway: what starts there starts later, because it is the same.
 * Owns:    the file that is checked, and the gateway.
 * Trusts:  nothing of what servers answer or write.
 */
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "ctl/ask.h"
#include "ctl/files/filecheck.h"
#include "ctl/folders.h"
#include "ctl/import/approve.h"
#include "ctl/import/member.h"
#include "ctl/import/progress.h"
#include "ctl/import/secret.h"
#include "ctl/import/try.h"
#include "ctl/mcpclient.h"
#include "ctl/out.h"
#include "ctl/private.h"
#include "ctl/show/toollog.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "policy/policy.h"

#define PAGES_MAX	64
#define TOOLS_MAX	10000
#define LINE_BYTES	300
#define SECRET_MAX	(64 * 1024)
#define SECRETS_MAX	1024
#define HEAR_TRIES	60		/* the word of a worker or runner may come later */
#define HEAR_NAP_NS	50000000

static bool
is_to_try(const struct import_server *s)
{
	return server_runs(s) && s->fate != IMPORT_SAME;
}

static bool
any_to_try(const struct import *im)
{
	for (size_t i = 0; i < im->count; i++)
		if (is_to_try(&im->servers[i]))
			return true;
	return false;
}

/* ---- before it is started ------------------------------------------------------------------------- */

/* The first error among the compiler's lines, without its place in a file that nobody sees. */
static const char *
first_error(struct import *im, const char *lines)
{
	const char	*error = strstr(lines, "error: ");

	if (error == NULL)
		return "the gateway would not take it";
	return import_fmt(im, "%.*s", (int)strcspn(error + 7, "\n"), error + 7);
}

static bool
check_text(struct import *im, struct span text, char *lines, size_t room)
{
	char	path[] = "/tmp/mcpgw-import-XXXXXX";
	int	fd = mkostemp(path, O_CLOEXEC);
	bool	good;

	/* The compiler of root's gateway has another user; what is no secret by its name may be one. */
	good = fd != -1 && (geteuid() != 0 || (fchown(fd, 0, folders_reader_group()) == 0 && fchmod(fd, 0640) == 0)) &&
	    fd_write_all(fd, text) == 0 &&
	    filecheck_servers(im->ctl, path, lines, room);
	if (fd != -1)
		(void)unlink(path);
	fd_close(&fd);
	return good;
}

/* One that the compiler refuses would keep all others from being tried. */
static void
check_servers(struct import *im)
{
	static char	lines[16384];
	struct buf	text;

	buf_init(&text, MEMBER_BYTES);
	if (members_put(im, &text) != 0 || check_text(im, buf_rest(&text), lines, sizeof(lines))) {
		buf_fini(&text);
		return;
	}
	for (size_t i = 0; i < im->count; i++) {
		struct import_server *s = &im->servers[i];
		struct import	one = { .ctl = im->ctl, .servers = s, .count = 1 };

		buf_clear(&text);
		if (is_to_try(s) && members_put(&one, &text) == 0 &&
		    !check_text(im, buf_rest(&text), lines, sizeof(lines)))
			server_leave_out(im, s, "%s", first_error(im, lines));
	}
	buf_fini(&text);
}

/* ---- secrets --------------------------------------------------------------------------------------- */

struct held {
	struct private_secret	list[SECRETS_MAX];
	char			*text[SECRETS_MAX];	/* malloc'ed; NULL: the import's */
	size_t			 n;
};

static bool
hold(struct import *im, struct held *h, const char *name)
{
	const char	*path = import_fmt(im, "%s/secrets/%s", folders_tenant_dir(im->ctl), name);
	size_t		 bytes;
	int		 fd;

	for (size_t i = 0; i < h->n; i++)
		if (strcmp(h->list[i].name, name) == 0)
			return true;
	if (h->n == SECRETS_MAX)
		return false;
	h->text[h->n] = NULL;
	for (size_t i = 0; i < im->secret_count; i++)
		if (strcmp(im->secrets[i].name, name) == 0) {
			h->list[h->n++] = (struct private_secret){ name, span_of(im->secrets[i].value) };
			return true;
		}
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 || fd_read_all(fd, SECRET_MAX, &h->text[h->n], &bytes) != 0) {
		fd_close(&fd);
		return false;
	}
	fd_close(&fd);
	h->list[h->n] = (struct private_secret){ name, span_make(h->text[h->n], bytes) };
	h->n++;
	return true;
}

static void
hold_pairs(struct import *im, struct import_server *s, const struct pairs *p, struct held *h)
{
	const char	*at, *name;

	for (size_t i = 0; i < p->n; i++)
		for (at = p->at[i].value; (at = strstr(at, "${secret:")) != NULL; at++) {
			name = import_fmt(im, "%.*s", (int)strcspn(at + 9, "}"), at + 9);
			if (!hold(im, h, name))
				server_off(im, s, "the secret %s is not there; put its value into %s/secrets/%s, "
				    "mode 600", name, path_short(im, folders_tenant_dir(im->ctl)), name);
		}
}

static void
held_fini(struct held *h)
{
	for (size_t i = 0; i < h->n; i++) {
		if (h->text[i] != NULL)
			explicit_bzero(h->text[i], h->list[i].value.n);
		free(h->text[i]);
	}
}

/* ---- asking ---------------------------------------------------------------------------------------- */

static int
ask(struct private *p, const struct import_server *s, const char *method, const char *cursor, struct mcp_answer *a)
{
	char			target[256], params[1024] = "";
	struct mcp_question	q = { .target = target, .method = method };

	if (mcp_server_target(s->name, target, sizeof(target)) != 0)
		return EX_DATAERR;
	if (cursor != NULL && (size_t)snprintf(params, sizeof(params), "\"cursor\": %s", cursor) >= sizeof(params))
		return EX_PROTOCOL;
	q.params = span_of(params);
	return mcp_ask(private_ctl(p), &q, a);
}

/* What its jail can be given, by what it said last. */
static const char *
advice(struct import *im, const struct import_server *s, const char *line)
{
	static const struct {
		const char	*part, *advice;
	} rows[] = {
		{ "ould not locate the bindings file", "its native part is made by an install script: --scripts %s" },
		{ "annot find module", "a file of it is not in its view: \"read\": [FOLDER] beside its command" },
		{ "No module named", "a file of it is not in its view: \"read\": [FOLDER] beside its command" },
		{ "ead-only file system", "a folder it writes to: --write %s:FOLDER" },
		{ "EROFS", "a folder it writes to: --write %s:FOLDER" },
		{ "EACCES", "a folder it may use: --write %s:FOLDER" },
		{ "ENOTFOUND", "it wants the network: --net %s:HOST:443" },
		{ "EAI_AGAIN", "it wants the network: --net %s:HOST:443" },
		{ "ENETUNREACH", "it wants the network: --net %s:HOST:443" },
		{ "ame resolution", "it wants the network: --net %s:HOST:443" },
		{ "fetch failed", "it wants the network: --net %s:HOST:443" },
		{ "failed to map segment", "it unpacks itself: \"exec_tmp\": true" },
		{ "eap out of memory", "it wants more memory: \"limits\": {\"data\": \"4GiB\"}" },
		{ "annot allocate memory", "it wants more memory: \"limits\": {\"data\": \"4GiB\"}" },
		{ "esource temporarily unavailable", "it wants more processes: \"limits\": {\"nproc\": 256}" },
		{ "oo many open files", "it wants more files: \"limits\": {\"nofile\": 1024}" },
		{ "ENOENT", "a file or folder that is not in its view" },
		{ "o such file", "a file or folder that is not in its view" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *mark = strstr(rows[i].advice, "%s");

		if (strstr(line, rows[i].part) == NULL)
			continue;
		if (mark == NULL)
			return rows[i].advice;
		return import_fmt(im, "%.*s%s%s", (int)(mark - rows[i].advice), rows[i].advice, s->name, mark + 2);
	}
	return NULL;
}

/* Of a stack trace the line that says what; else the last one. */
static const char *
last_words(struct import *im, struct private *p, const struct import_server *s)
{
	struct toollog		 log;
	struct toollog_line	 line;
	struct span		 rest, best = SPAN_NONE, text;
	char			 clean[LINE_BYTES];
	bool			 named = false;

	if (s->url != NULL || toollog_fetch(private_ctl(p), s->name, "default", false, &log) != 0)
		return NULL;
	for (rest = span_make(log.text, log.bytes); toollog_next(&rest, &line);) {
		text = span_trim(line.text);
		if (!span_is(line.kind, "stderr") || text.n == 0)
			continue;
		if (memmem(text.p, text.n, "Error: ", 7) != NULL || memmem(text.p, text.n, "error: ", 7) != NULL) {
			best = named ? best : text;
			named = true;
		} else if (!named && !span_starts(text, SPAN_LIT("at ")) && text.n > 2 &&
		    !span_starts(text, SPAN_LIT("Node.js v"))) {
			best = text;
		}
	}
	rest = best.n == 0 ? SPAN_NONE : span_of(import_fmt(im, "%s", out_clean(best, clean, sizeof(clean))));
	free(log.text);
	return rest.p;
}

static void
failed(struct import *im, struct private *p, struct import_server *s, const char *error)
{
	const char	*words = last_words(im, p, s), *help;
	char		 clean[LINE_BYTES];

	if (words == NULL)
		words = import_fmt(im, "%s", out_clean(span_of(error), clean, sizeof(clean)));
	help = advice(im, s, words);
	server_leave_out(im, s, "it does not start: %s%s%s", words, help == NULL ? "" : ". Perhaps ",
	    help == NULL ? "" : help);
}

static void
failed_with(struct import *im, struct private *p, struct import_server *s, const struct mcp_answer *a)
{
	struct span	message;

	if (json_string(json_get(a->error, "message"), &im->arena, &message) != 0)
		message = SPAN_LIT("it gave no answer");
	failed(im, p, s, import_text(im, message));
}

static void
take_tools(struct import *im, struct import_server *s, const struct mcp_answer *a)
{
	struct json_iter	it;
	struct json_value	one;
	struct span		key, name;

	json_iter_init(&it, json_get(a->result, "tools"));
	while (json_iter_next(&it, &key, &one))
		if (s->tools.n < TOOLS_MAX && json_string(json_get(one, "name"), &im->arena, &name) == 0)
			words_add(im, &s->tools, import_text(im, name));
}

/* Prompts and resources have no rules of their own: they come with all of a server's tools. */
static bool
has_any(struct private *p, const struct import_server *s, const char *method, const char *member)
{
	struct mcp_answer	a;
	struct json_iter	it;
	struct json_value	one;
	struct span		key;
	bool			any = false;

	if (ask(p, s, method, NULL, &a) != 0)
		return false;
	json_iter_init(&it, json_get(a.result, member));
	any = json_iter_next(&it, &key, &one);
	mcp_answer_fini(&a);
	return any;
}

/* What the gateway has heard of it. */
struct heard {
	const char	*name;
	struct import	*im;
	const char	*error;		/* NULL: none */
	bool		 up;
};

static void
hear(uint16_t type, const union msg_any *body, int *fds, void *arg)
{
	struct heard	*h = arg;

	(void)fds;
	if (type != MSG_TYPE_CTL_SERVER || !span_is(body->CTL_SERVER.name, h->name))
		return;
	h->up = body->CTL_SERVER.state == SERVER_STATE_UP;
	if (body->CTL_SERVER.error.n > 0)
		h->error = import_text(h->im, body->CTL_SERVER.error);
}

/* Why the configuration alone keeps it from being started; NULL: it does not. */
static const char *
down_of(struct import *im, struct private *p, const struct import_server *s)
{
	struct snap		*policy = NULL;
	const struct rec_server	*r;
	const char		*why = NULL;

	if (ask_simple(private_ctl(p), CTLCMD_explain, NULL, ask_take_snapshot, &policy, NULL) == 0 && policy != NULL &&
	    (r = policy_server_find(policy, SPAN_LIT("default"), span_of(s->name))) != NULL &&
	    (r->flags & SERVER_FLAG_DISABLED) != 0)
		why = import_text(im, snap_text(policy, r->why));
	snap_release(&policy);
	return why;
}

/* A list without tools is what clients get of a server that does not start, too. */
static const char *
error_of(struct import *im, struct private *p, const struct import_server *s)
{
	struct heard	h = { .name = s->name, .im = im };

	for (unsigned i = 0; i < HEAR_TRIES && h.error == NULL; i++) {
		if (i > 0)
			nanosleep(&(const struct timespec){ 0, HEAR_NAP_NS }, NULL);
		if (ask_simple(private_ctl(p), CTLCMD_status, NULL, hear, &h, NULL) != 0 || h.up)
			break;
	}
	return h.error;
}

static void
try_one(struct import *im, struct private *p, struct import_server *s)
{
	struct mcp_answer	 a;
	struct json_value	 next;
	const char		*cursor = NULL, *error;

	if ((error = down_of(im, p, s)) != NULL) {
		server_leave_out(im, s, "%s", error);
		return;
	}
	for (unsigned page = 0; page < PAGES_MAX; page++) {
		if (ask(p, s, "tools/list", cursor, &a) != 0) {
			failed(im, p, s, "it gave no answer");
			return;
		}
		if (a.result.type != JSON_OBJECT) {
			failed_with(im, p, s, &a);
			mcp_answer_fini(&a);
			return;
		}
		take_tools(im, s, &a);
		next = json_get(a.result, "nextCursor");
		cursor = next.type == JSON_STRING ? import_text(im, next.raw) : NULL;
		mcp_answer_fini(&a);
		if (cursor == NULL)
			break;
	}
	if (s->tools.n == 0 && (error = error_of(im, p, s)) != NULL) {
		failed(im, p, s, error);
		return;
	}
	s->tried = true;
	approve_take(im, private_ctl(p), s);
	if (has_any(p, s, "resources/list", "resources") || has_any(p, s, "prompts/list", "prompts"))
		server_note(im, s, "has prompts or resources too, which only come with all tools: \"*\" in "
		    "rules.json.");
}

/* As whom the tenant's tools will run; NULL where that is settled. */
static const char *
user_option(struct import *im)
{
	const char	*user;

	if (im->ctl->tenant == NULL || !im->ctl->where.system)
		return NULL;
	user = im->options.run_as != NULL ? im->options.run_as : folders_tenant_user(im->ctl);
	return getpwnam(user) == NULL ? NULL : import_fmt(im, "tenant_user=%s", user);
}

int
try_servers(struct import *im)
{
	const char *const	 options[] = { "list_timeout=2min", "list_page=1000", "idle_stop=10min",
				    "tool_approval=first-seen", user_option(im), NULL };
	static struct held	 held;
	struct private_setup	 setup = { .options = options };
	struct private		*p = NULL;
	const uint64_t		 began = clock_mono_ms();
	struct buf		 text;
	int			 r;

	progress_begin();
	check_servers(im);
	for (size_t i = 0; i < im->count; i++)
		if (is_to_try(&im->servers[i])) {
			hold_pairs(im, &im->servers[i], &im->servers[i].env, &held);
			hold_pairs(im, &im->servers[i], &im->servers[i].headers, &held);
		}
	if (!any_to_try(im)) {
		progress_end(clock_mono_ms(), "Nothing to start.");
		held_fini(&held);
		return 0;
	}
	buf_init(&text, MEMBER_BYTES);
	if ((r = members_put(im, &text)) != 0 || (r = buf_put_u8(&text, 0)) != 0)
		fatal(EX_DATAERR, "the servers are too much for one file: %s", err_text(r));
	setup.servers = buf_rest(&text).p;
	setup.secrets = held.list;
	setup.secret_count = held.n;
	r = private_start(im->ctl, &setup, &p);
	for (size_t i = 0; i < im->count && r == 0; i++)
		if (is_to_try(&im->servers[i])) {
			progress_say("Starting %s in its jail", im->servers[i].name);
			try_one(im, p, &im->servers[i]);
		}
	progress_end(began, "Started each server once in its jail.");
	private_stop(&p);
	buf_fini(&text);
	held_fini(&held);
	return r;
}
