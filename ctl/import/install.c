/* SPDX-License-Identifier: Apache-2.0
 *
 * install.c - installers run as programs of the gateway, in its jail
 *
 * Process: mcpgwctl.
 * Owns:    a gateway for the time of the installation.
 * Trusts:  no word of an installer; it may have run a package's scripts.
 */
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/folders.h"
#include "ctl/import/install.h"
#include "ctl/mcpclient.h"
#include "ctl/out.h"
#include "lib/arena.h"
#include "lib/fd.h"
#include "lib/log.h"

#define TEXT_MAX	(4u << 20)
#define LOG_MAX		(1u << 20)
#define RUN_MS		(30 * 60 * 1000)
#define INSTALL_USER	"_mcpgw-install"
#define SERVER		"install"

/* More than ordinary tools have: an installer unpacks thousands of files at a time. */
#define LIMITS	"{\"nofile\": 4096, \"nproc\": 512, \"fsize\": \"1GiB\", \"data\": \"8GiB\", "	\
		"\"memory\": \"4GiB\", \"tmp\": \"256MiB\"}"

static void
must(int r)
{
	if (r != 0)
		fatal(EX_OSERR, "what an installer is to do: %s", err_text(r));
}

static void
put_text(struct buf *b, const char *text)
{
	must(json_put_string(b, span_of(text)));
}

int
install_init(struct install *in, struct ctl *ctl)
{
	const struct passwd	*pw;
	const char		*name = INSTALL_USER;

	*in = (struct install){ .uid = geteuid(), .gid = getegid() };
	buf_init(&in->tools, TEXT_MAX);
	buf_init(&in->hosts, TEXT_MAX);
	if (geteuid() != 0)
		return 0;
	/* As the master finds the users of its roles. */
	if ((pw = getpwnam(name)) == NULL && (pw = getpwnam(name = folders_tenant_user(ctl))) == NULL)
		pw = getpwnam(name = "nobody");
	if (pw == NULL || pw->pw_uid == 0) {
		out_error("there is no user %s to install packages as: install mcpgw's users (sysusers.d)",
		    INSTALL_USER);
		return EX_NOUSER;
	}
	in->uid = pw->pw_uid;
	in->gid = pw->pw_gid;
	return 0;
}

/* In a template braces are slots. */
static void
put_word(struct buf *b, const char *word)
{
	struct buf	twice;

	buf_init(&twice, TEXT_MAX);
	for (; *word != '\0'; word++)
		must(buf_put_fmt(&twice, *word == '{' || *word == '}' ? "%c%c" : "%c", *word, *word));
	must(json_put_string(b, buf_rest(&twice)));
	buf_fini(&twice);
}

void
install_tool(struct install *in, const char *name, const char *const *argv)
{
	must(buf_put_str(&in->tools, in->count++ == 0 ? "\n\t{\"name\": " : ",\n\t{\"name\": "));
	put_text(&in->tools, name);
	must(buf_put_str(&in->tools, ", \"command\": "));
	put_text(&in->tools, argv[0]);
	must(buf_put_str(&in->tools, ", \"args\": ["));
	for (size_t i = 1; argv[i] != NULL; i++) {
		must(buf_put_str(&in->tools, i == 1 ? "" : ", "));
		put_word(&in->tools, argv[i]);
	}
	must(buf_put_fmt(&in->tools, "], \"timeout_ms\": %d, \"max_output\": \"4MiB\"}", RUN_MS));
}

static void
put_list(struct buf *b, const char *key, const char *const *list, const char *more)
{
	bool	first = true;

	must(buf_put_fmt(b, "\t\"%s\": [", key));
	for (; list != NULL && *list != NULL; list++, first = false) {
		must(buf_put_str(b, first ? "" : ", "));
		put_text(b, *list);
	}
	if (more != NULL) {
		must(buf_put_str(b, first ? "" : ", "));
		put_text(b, more);
	}
	must(buf_put_str(b, "],\n"));
}

static void
put_file(struct buf *b, const struct install *in, const struct install_view *v)
{
	bool	first = true;

	must(buf_put_str(b, "{\n\t\"server\": \"" SERVER "\",\n\t\"tier\": \"runtime\",\n\t\"limits\": " LIMITS ",\n"));
	/* A folder that is read too has a mount from which programs start. */
	put_list(b, "read", v->read, v->runs ? v->folder : NULL);
	put_list(b, "write", NULL, v->folder);
	must(buf_put_str(b, "\t\"workdir\": "));
	put_text(b, v->folder);
	must(buf_put_str(b, ",\n\t\"net\": "));
	if (v->hosts == NULL)
		must(buf_put_str(b, "\"none\""));
	else
		must(endpoints_put_net(v->hosts, b));
	must(buf_put_str(b, ",\n\t\"env\": {"));
	for (const struct install_env *e = v->env; e != NULL && e->name != NULL; e++, first = false) {
		must(buf_put_str(b, first ? "" : ", "));
		put_text(b, e->name);
		must(buf_put_str(b, ": "));
		put_text(b, e->value);
	}
	must(buf_put_fmt(b, "},\n\t\"tools\": [%.*s\n\t]\n}\n", SPAN_FMT(buf_rest(&in->tools))));
}

int
install_start(struct install *in, struct ctl *ctl, const struct install_view *view)
{
	static const char	nul[1] = "";
	struct buf		file;
	const struct passwd	*pw = getpwuid(in->uid);
	struct private_setup	setup = { .tool_file = SERVER ".json", .options = in->options,
				    .also = view->settings };
	size_t			n = 0;
	int			r;

	buf_init(&file, TEXT_MAX);
	put_file(&file, in, view);
	must(buf_put(&file, span_make(nul, 1)));
	setup.tool = buf_rest(&file).p;
	if (geteuid() == 0 && pw != NULL) {
		snprintf(in->user, sizeof(in->user), "tenant_user=%.100s", pw->pw_name);
		in->options[n++] = in->user;
		/* Where there is no whole jail, nothing of a stranger's is installed. */
		in->options[n++] = "jail_fallback=none";
	}
	if (view->hosts != NULL) {
		must(endpoints_put_hosts(view->hosts, &in->hosts));
		must(buf_put(&in->hosts, span_make(nul, 1)));
		in->options[n++] = buf_rest(&in->hosts).p;
	}
	r = private_start(ctl, &setup, &in->gateway);
	buf_fini(&file);
	return r;
}

/* ---- what it said --------------------------------------------------------------------------------- */

/* What stands behind such a beginning; npm's codes, and where its log is, tell nobody anything. */
static bool
says_wrong(struct span line, struct span *what)
{
	static const char *const	starts[] = { "npm error", "npm ERR!", "ERROR:", "error:", "Error:" };
	static const char *const	idle[] = { "code ", "errno", "syscall", "path ", "A complete log", "Log files",
					    "command ", "network ", NULL };

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		if (!span_starts(line, span_of(starts[i])))
			continue;
		*what = span_trim(span_part(line, strlen(starts[i]), line.n));
		for (size_t k = 0; idle[k] != NULL; k++)
			if (span_starts(*what, span_of(idle[k])))
				return false;
		return what->n > 0;
	}
	return false;
}

void
install_gist(struct span words, char why[INSTALL_WHY])
{
	struct span	rest = words, line, what, last = SPAN_NONE, found = SPAN_NONE;

	while (rest.n > 0) {
		line = span_trim(span_take_line(&rest));
		if (line.n > 0)
			last = line;
		/* pip's last one is the one that counts, npm's first. */
		if (says_wrong(line, &what) && (found.n == 0 || span_starts(line, SPAN_LIT("ERROR:"))))
			found = what;
	}
	if (found.n == 0)
		found = last;
	/* npm's words for a package that is not there are an address. */
	if (span_starts(found, SPAN_LIT("404 Not Found - GET ")))
		found = SPAN_LIT("404, the registry has no such package; is the name right?");
	out_clean(found, why, INSTALL_WHY / 2);
}

/* What the gateway says that its tool was refused on the way out. */
static void
add_refused(struct install *in, char why[INSTALL_WHY])
{
	static const char	mark[] = "its tool was refused ";
	char			path[PATH_MAX], *text = NULL, shown[256];
	const char		*at, *end;
	size_t			bytes = 0, n = strlen(why);
	int			fd;

	snprintf(path, sizeof(path), "%s/log", private_folder(in->gateway));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd != -1 && fd_read_all(fd, LOG_MAX, &text, &bytes) == 0 &&
	    (at = memmem(text, bytes, mark, sizeof(mark) - 1)) != NULL) {
		at += sizeof(mark) - 1;
		end = strpbrk(at, ";\n");
		out_clean(span_make(at, end == NULL ? strlen(at) : (size_t)(end - at)), shown, sizeof(shown));
		snprintf(why + n, INSTALL_WHY - n, " (it was refused %s)", shown);
	}
	free(text);
	fd_close(&fd);
}

static int
read_answer(struct install *in, const struct mcp_answer *a, char why[INSTALL_WHY])
{
	struct json_value	block = { JSON_NONE, SPAN_NONE };
	struct json_iter	it;
	struct arena		arena;
	struct span		key, text = SPAN_NONE;
	int			r = E_CLOSED;

	arena_init(&arena, NULL, 0, TEXT_MAX);
	if (a->result.type != JSON_OBJECT) {
		if (json_string(json_get(a->error, "message"), &arena, &text) == 0)
			out_clean(text, why, INSTALL_WHY);
		r = E_UPSTREAM;
	} else if (json_get(a->result, "isError").type != JSON_TRUE) {
		r = 0;
	} else {
		json_iter_init(&it, json_get(a->result, "content"));
		if (json_iter_next(&it, &key, &block) && json_string(json_get(block, "text"), &arena, &text) == 0)
			install_gist(text, why);
		add_refused(in, why);
	}
	arena_fini(&arena);
	return r;
}

int
install_run(struct install *in, const char *name, char why[INSTALL_WHY])
{
	char			params[128];
	struct mcp_question	q = { .target = "/servers/" SERVER "/mcp", .method = "tools/call", .name = name };
	struct mcp_answer	a;
	int			r;

	snprintf(params, sizeof(params), "\"name\": \"%s\", \"arguments\": {}", name);
	q.params = span_of(params);
	why[0] = '\0';
	if (mcp_ask(private_ctl(in->gateway), &q, &a) != 0) {
		snprintf(why, INSTALL_WHY, "the gateway for its installer did not answer");
		return E_UPSTREAM;
	}
	r = read_answer(in, &a, why);
	mcp_answer_fini(&a);
	return r;
}

void
install_fini(struct install *in)
{
	private_stop(&in->gateway);
	buf_fini(&in->tools);
	buf_fini(&in->hosts);
}
