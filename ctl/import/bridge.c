/* SPDX-License-Identifier: Apache-2.0
 *
 * bridge.c - programs that only carry stdio to a url
 *
 * Process: mcpgwctl.
 * Owns:    nothing.
 * Trusts:  nothing; a headersHelper is run as the caller when the caller said so, as the client would have.
 */
#include <string.h>
#include <unistd.h>

#include "ctl/import/bridge.h"
#include "ctl/import/run.h"
#include "ctl/import/secret.h"
#include "ctl/import/shape.h"
#include "lib/b64.h"
#include "lib/json.h"
#include "lib/num.h"

#define HELPER_MS	30000
#define HELPER_BYTES	(64 * 1024)

bool
bridge_is(const char *kind, const char *package)
{
	return strcmp(kind, "npm") == 0 ? strcmp(package, "mcp-remote") == 0 || strcmp(package, "supergateway") == 0 :
	    strcmp(package, "mcp-proxy") == 0;
}

/* Values are kept as secrets, as those of all headers. */
static void
header_add(struct import *im, struct import_server *s, const char *name, const char *value)
{
	if (value[0] != '\0' && strstr(value, "${secret:") == NULL)
		value = import_fmt(im, "${secret:%s}",
		    secret_keep(im, s, import_fmt(im, "%s-%s", s->name, name), value));
	pairs_set(im, &s->headers, name, value);
}

/* "Name: value", also without the blank (mcp-remote's own advice, where a client breaks arguments at blanks). */
static void
header_line(struct import *im, struct import_server *s, const char *line)
{
	const char	*colon = strchr(line, ':'), *value;

	if (colon == NULL || colon == line) {
		server_leave_out(im, s, "\"%s\" is no header", line);
		return;
	}
	value = colon + 1 + strspn(colon + 1, " ");
	header_add(im, s, import_fmt(im, "%.*s", (int)(colon - line), line), value);
}

struct bridge {
	const char	*url, *type, *transport;
};

static bool
is_url(const char *word)
{
	return strncmp(word, "http://", 7) == 0 || strncmp(word, "https://", 8) == 0;
}

/* How many words are taken; 0: none of it has a meaning here. */
static size_t
take_word(struct import *im, struct import_server *s, struct bridge *b, size_t at)
{
	const char	*word = s->args.at[at], *value = at + 1 < s->args.n ? s->args.at[at + 1] : "";

	if (is_url(word)) {
		b->url = word;
		return 1;
	}
	if (strcmp(word, "--sse") == 0 || strcmp(word, "--streamableHttp") == 0) {
		b->url = value;
		b->type = word[2] == 's' && word[3] == 's' ? "sse" : NULL;
		return 2;
	}
	if (strcmp(word, "--header") == 0) {
		header_line(im, s, value);
		return 2;
	}
	if (strcmp(word, "--headers") == 0 || strcmp(word, "-H") == 0) {	/* mcp-proxy: NAME VALUE */
		header_add(im, s, value, at + 2 < s->args.n ? s->args.at[at + 2] : "");
		return 3;
	}
	if (strcmp(word, "--oauth2Bearer") == 0) {
		header_add(im, s, "Authorization", import_fmt(im, "Bearer %s", value));
		return 2;
	}
	if (strcmp(word, "--transport") == 0 || strcmp(word, "--outputTransport") == 0) {
		b->transport = word[2] == 't' ? value : b->transport;
		return 2;
	}
	return 0;
}

void
bridge_take(struct import *im, struct import_server *s)
{
	const bool	 proxy = strcmp(s->package, "mcp-proxy") == 0;
	struct bridge	 b = { 0 };
	size_t		 n;

	for (size_t i = 0; i < s->args.n && server_stays(s); i += n > 0 ? n : 1)
		n = take_word(im, s, &b, i);
	if (!server_stays(s))
		return;
	if (b.url == NULL || !is_url(b.url)) {
		server_leave_out(im, s, "%s is given no url to be a bridge to", s->package);
		return;
	}
	if (b.transport != NULL)
		b.type = strncmp(b.transport, "sse", 3) == 0 && strcmp(b.transport, "sse-first") != 0 ? "sse" : NULL;
	else if (proxy)
		b.type = "sse";
	server_note(im, s, "%s is not needed: the gateway speaks to %s itself. If that wants a login, give it a token "
	    "in \"headers\".", s->package, b.url);
	s->url = b.url;
	s->type = b.type;
	s->command = s->package = NULL;
	s->args = (struct words){ 0 };
	s->env = (struct pairs){ 0 };
	s->bare = NULL;
	s->workdir = NULL;
	shape_server(im, s);
}

/* ---- headers --------------------------------------------------------------------------------------- */

/* A user and password as they stand in a url; what is no %XX stands for itself. */
static char *
unescape(struct import *im, struct span from)
{
	char	*text = import_text(im, from), *to = text;

	for (const char *c = text; *c != '\0'; c++) {
		if (*c == '%' && num_hex_digit(c[1]) > 0 && num_hex_digit(c[2]) >= 0) {
			*to++ = (char)(num_hex_digit(c[1]) * 16 + num_hex_digit(c[2]));
			c += 2;
		} else {
			*to++ = *c;
		}
	}
	*to = '\0';
	return text;
}

/* RFC 7617. */
static void
take_password(struct import *im, struct import_server *s)
{
	const char	*host = strstr(s->url, "://"), *at;
	size_t		 n;
	char		*plain, *coded;

	if (host == NULL)
		return;
	host += 3;
	n = strcspn(host, "/?#");
	if ((at = memrchr(host, '@', n)) == NULL)
		return;
	plain = unescape(im, span_make(host, (size_t)(at - host)));
	coded = import_fmt(im, "%*s", (int)B64_CHARS(strlen(plain)), "");
	n = strlen(plain);
	for (size_t i = 0; i < n; i += 3)
		b64_four(plain + i, n - i < 3 ? n - i : 3, coded + i / 3 * 4);
	header_add(im, s, "Authorization", import_fmt(im, "Basic %s", coded));
	s->url = import_fmt(im, "%.*s%s", (int)(host - s->url), s->url, at + 1);
	server_note(im, s, "the password in its url is kept as a secret, and sent as a header.");
}

static void
take_helper(struct import *im, struct import_server *s)
{
	const char		*argv[] = { "/bin/sh", "-c", s->helper, NULL };
	static char		 answer[HELPER_BYTES];
	struct json_value	 all, one;
	struct json_iter	 it;
	struct span		 key, value, name;

	if (!words_have(&im->options.allow_shell, s->name)) {
		server_leave_out(im, s, "its headers come of a command: %s. To run it once: --allow-shell %s",
		    s->helper, s->name);
		return;
	}
	if (geteuid() == 0) {
		server_leave_out(im, s, "its headers come of a command, which root does not run; import it with "
		    "\"headers\"");
		return;
	}
	if (run_read(argv, s->workspace, HELPER_MS, answer, sizeof(answer)) != 0 ||
	    json_parse(span_of(answer), true, &all, NULL) != 0 || all.type != JSON_OBJECT) {
		server_leave_out(im, s, "%s printed no object of headers", s->helper);
		return;
	}
	json_iter_init(&it, all);
	while (json_iter_next(&it, &key, &one))
		if (json_string(one, &im->arena, &value) == 0 && json_string(json_key(key), &im->arena, &name) == 0)
			header_add(im, s, import_text(im, name), import_text(im, value));
	explicit_bzero(answer, sizeof(answer));
	server_note(im, s, "its headers are those that %s printed now; they are not asked for again.", s->helper);
}

void
bridge_headers(struct import *im, struct import_server *s)
{
	if (!server_stays(s))
		return;
	take_password(im, s);
	if (s->helper != NULL && server_stays(s))
		take_helper(im, s);
}
