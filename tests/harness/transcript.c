/* SPDX-License-Identifier: Apache-2.0
 *
 * transcript.c - what an operator types and sees, compared by its shape
 */
#include <criterion/criterion.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/gateway.h"
#include "tests/harness/mcp.h"
#include "tests/harness/outside.h"
#include "tests/harness/transcript.h"

#define TEXT_MAX	65536
#define AGAIN_MS	10000
#define SENT_MAX	8
#define AGENTS_MAX	8

/* --- shapes ------------------------------------------------------------------------------------- */

static const struct {
	const char	*name, *regex;
} marks[] = {
	{ "<n>", "[0-9][0-9,.]*" },
	{ "<id>", "r-[0-9A-HJKMNP-TV-Z]{12}" },
	{ "<clock>", "[0-9][0-9]:[0-9][0-9](:[0-9][0-9](\\.[0-9]+)?)?" },
	{ "<span>", "([0-9]+d [0-9]+h|[0-9]+h [0-9]+min|[0-9.]+ (min|s|ms))" },
	{ "<word>", "[^ ]+" },
	{ "<any>", ".*" },
	{ "<cut>", "[^ ].*" },
};

static void
shape_regex(const char *shape, char *to, size_t room)
{
	size_t	n = 0, k;

	n += (size_t)snprintf(to, room, "^");
	while (*shape != '\0' && n + 64 < room) {
		if (*shape == '<') {
			for (k = 0; k < sizeof(marks) / sizeof(marks[0]); k++)
				if (strncmp(shape, marks[k].name, strlen(marks[k].name)) == 0)
					break;
			cr_assert(k < sizeof(marks) / sizeof(marks[0]), "no such mark: %s", shape);
			n += (size_t)snprintf(to + n, room - n, "%s", marks[k].regex);
			shape += strlen(marks[k].name);
		} else if (shape[0] == ' ' && shape[1] == ' ') {
			n += (size_t)snprintf(to + n, room - n, "  +");
			shape += strspn(shape, " ");
		} else {
			n += (size_t)snprintf(to + n, room - n, strchr(".[]{}()*+?^$|\\", *shape) != NULL ? "\\%c" : "%c", *shape);
			shape++;
		}
	}
	snprintf(to + n, room - n, "$");
}

bool
transcript_line_matches(const char *shape, const char *line)
{
	char	text[4096];
	regex_t	re;
	int	r;

	shape_regex(shape, text, sizeof(text));
	cr_assert(regcomp(&re, text, REG_EXTENDED | REG_NOSUB) == 0, "shape \"%s\": %s", shape, text);
	r = regexec(&re, line, 0, NULL, 0);
	regfree(&re);
	return r == 0;
}

/* The next line of *at, without its end, in a buffer; NULL when there is none. */
static char *
line_next(const char **at, char *to, size_t room)
{
	size_t	n = strcspn(*at, "\n");

	if (**at == '\0')
		return NULL;
	snprintf(to, room, "%.*s", (int)n, *at);
	*at += n + ((*at)[n] == '\n');
	return to;
}

const char *
transcript_matches(const char *shapes, const char *text)
{
	static char	shape[4096];
	char		line[8192];
	bool		skips = false;

	while (line_next(&shapes, shape, sizeof(shape)) != NULL) {
		if (strcmp(shape, "...") == 0) {
			skips = true;
			continue;
		}
		do {
			if (line_next(&text, line, sizeof(line)) == NULL)
				return shape;
		} while (!transcript_line_matches(shape, line) && skips);
		if (!transcript_line_matches(shape, line))
			return shape;
		skips = false;
	}
	return !skips && *text != '\0' ? "(nothing more)" : NULL;
}

/* --- a file ------------------------------------------------------------------------------------- */

struct head {
	char	off[512], start[16], conf[2048], servers[8192], rules[8192], needs[256];
};

struct play {
	const char	*path;
	struct gateway	 g;
	struct outside	 outside;	/* its pid is 0 when none is needed */
	char		 id[32];		/* of the last call that named one */
	struct { char agent[64], key[256]; } keys[AGENTS_MAX];
	struct mcp	 sent[SENT_MAX];
	size_t		 sent_count;
};

static void
append(char *to, size_t room, const char *text)
{
	size_t	n = strlen(to);

	snprintf(to + n, room - n, "%s%s", n > 0 ? "\n" : "", text);
}

static void
head_read(FILE *f, const char *path, struct head *h)
{
	const struct { const char *name; char *to; size_t room; } rows[] = {
		{ "off", h->off, sizeof(h->off) }, { "start", h->start, sizeof(h->start) }, { "conf", h->conf, sizeof(h->conf) },
		{ "servers", h->servers, sizeof(h->servers) }, { "rules", h->rules, sizeof(h->rules) },
		{ "needs", h->needs, sizeof(h->needs) },
	};
	char	line[4096];
	size_t	last = 0, k;

	while (fgets(line, sizeof(line), f) != NULL && strcmp(line, "== steps\n") != 0) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#' || line[0] == '\0')
			continue;
		if (line[0] == ' ') {
			append(rows[last].to, rows[last].room, line);
			continue;
		}
		for (k = 0; k < sizeof(rows) / sizeof(rows[0]); k++)
			if (strncmp(line, rows[k].name, strlen(rows[k].name)) == 0 && line[strlen(rows[k].name)] == ':')
				break;
		cr_assert(k < sizeof(rows) / sizeof(rows[0]), "%s: no such setting: %s", path, line);
		append(rows[k].to, rows[k].room, line + strlen(rows[k].name) + 1 +
		    (line[strlen(rows[k].name) + 1] == ' '));
		last = k;
	}
}

/* Brings what the file needs, or skips it and says why. */
static void
head_check(const struct head *h, struct play *p)
{
	char	needs[256], *save = NULL;

	if (h->off[0] != '\0')
		cr_skip_test("%s: %s", p->path, h->off);
	snprintf(needs, sizeof(needs), "%s", h->needs);
	for (char *word = strtok_r(needs, " \n", &save); word != NULL; word = strtok_r(NULL, " \n", &save)) {
		if (strcmp(word, "jails") == 0 && !jails_possible())
			cr_skip_test("%s: no user namespaces on this machine", p->path);
		if (strcmp(word, "root") == 0 && geteuid() != 0)
			cr_skip_test("%s: needs root", p->path);
		if (word[0] == '/' && access(word, X_OK) != 0)
			cr_skip_test("%s: there is no %s", p->path, word);
		if (strcmp(word, "outside") == 0 && !outside_start(&p->outside))
			cr_skip_test("%s: no network of one's own on this machine", p->path);
	}
}

/* mcpgwctl of a shell is this gateway's, and so is mcpgw. */
static void
make_wrappers(const struct play *p)
{
	static const char	*const programs[] = { "mcpgw", "mcpgwctl" };
	char			 path[400];
	FILE			*f;

	snprintf(path, sizeof(path), "%s/bin", p->g.dir);
	cr_assert(mkdir(path, 0755) == 0);
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		snprintf(path, sizeof(path), "%s/bin/%s", p->g.dir, programs[i]);
		cr_assert((f = fopen(path, "w")) != NULL);
		fprintf(f, "#!/bin/sh\nexec '%s/bin/%s' -c '%s/etc' \"$@\"\n", p->g.build, programs[i], p->g.dir);
		cr_assert(fchmod(fileno(f), 0755) == 0 && fclose(f) == 0);
	}
}

/* What it says, errors among it, in a static buffer; *code is how it ended. */
static const char *
run(const struct play *p, const char *command, int *code)
{
	static char	 said[TEXT_MAX];
	char		*line;
	FILE		*f;
	size_t		 n;
	int		 status;

	cr_assert(asprintf(&line, "exec 2>&1; PATH='%s/bin':$PATH DIR='%s' ID='%s' HOME='%s'; export PATH DIR ID HOME; "
	    "cd '%s'; %s", p->g.dir, p->g.dir, p->id, p->g.dir, p->g.dir, command) > 0);
	cr_assert((f = popen(line, "r")) != NULL);
	n = fread(said, 1, sizeof(said) - 1, f);
	said[n] = '\0';
	status = pclose(f);
	*code = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
	free(line);
	return said;
}

static void
step_command(const struct play *p, const char *command, bool again, const char *shapes, int want)
{
	const char	*said, *missing;
	int		 code, left = again ? patience(&p->g, AGAIN_MS) : 0;

	for (;; left -= 200) {
		said = run(p, command, &code);
		missing = transcript_matches(shapes, said);
		if ((missing == NULL && code == want) || left <= 0)
			break;
		sleep_ms(200);
	}
	cr_expect(code == want, "%s: %s: exit %d, not %d: %s", p->path, command, code, want, said);
	cr_expect(missing == NULL, "%s: %s\nwant: %s\nin:\n%s", p->path, command, missing, said);
}

/* One key for each agent: one principal. */
static const char *
key_of(struct play *p, const char *agent)
{
	size_t	i = 0;

	while (p->keys[i].agent[0] != '\0' && strcmp(p->keys[i].agent, agent) != 0)
		cr_assert(++i < AGENTS_MAX);
	if (p->keys[i].agent[0] == '\0') {
		snprintf(p->keys[i].agent, sizeof(p->keys[i].agent), "%s", agent);
		snprintf(p->keys[i].key, sizeof(p->keys[i].key), "%s", gateway_key(&p->g, agent));
	}
	return p->keys[i].key;
}

static void
step_call(struct play *p, const char *text, bool wait)
{
	char		agent[64], server[64], tool[64], path[128];
	struct answer	a;
	struct mcp	m;
	const char	*json, *id;
	int		n = 0;

	cr_assert(sscanf(text, "%63s %63s %63s %n", agent, server, tool, &n) >= 3, "%s: %s", p->path, text);
	json = text[n] == '\0' ? "{}" : text + n;
	snprintf(path, sizeof(path), "/servers/%s/mcp", server);
	mcp_init(&m, p->g.mcp, path, key_of(p, agent));
	if (wait) {
		mcp_call(&m, tool, json, &a);
		id = a.json == NULL ? "" : json_text_at(a.json, "error.data.request_id");
		if (id[0] != '\0')
			snprintf(p->id, sizeof(p->id), "%s", id);
		answer_fini(&a);
		mcp_fini(&m);
	} else {
		char	*headers, *body, *params, *request, *all;

		cr_assert(p->sent_count < SENT_MAX);
		cr_assert(asprintf(&params, "{\"name\":\"%s\",\"arguments\":%s}", tool, json) > 0);
		mcp_write(&m, "1", "tools/call", params, &headers, &body);
		all = mcp_headers(&m, headers);
		cr_assert(asprintf(&request, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n%s\r\n%s", path,
		    strlen(body), all, body) > 0);
		cr_assert(client_open(&m.conn, p->g.mcp));
		client_send(&m.conn, request, strlen(request));
		free(params);
		free(headers);
		free(all);
		free(body);
		free(request);
		p->sent[p->sent_count++] = m;
	}
}

static void
step_act(struct play *p, const char *text)
{
	char	name[128];
	int	n = 0;

	if (strncmp(text, "call ", 5) == 0)
		step_call(p, text + 5, true);
	else if (strncmp(text, "send ", 5) == 0)
		step_call(p, text + 5, false);
	else if (strncmp(text, "wait ", 5) == 0)
		sleep_ms(atoi(text + 5));
	else if (sscanf(text, "write %127s %n", name, &n) == 1)
		gateway_write(&p->g, name, text + n);
	else
		cr_assert_fail("%s: no such step: %s", p->path, text);
}

static void
play_steps(struct play *p, FILE *f)
{
	char	line[4096], command[4096] = "", *shapes = calloc(1, TEXT_MAX);
	bool	again = false, more;
	int	want = 0;

	do {
		more = fgets(line, sizeof(line), f) != NULL;
		if (more)
			line[strcspn(line, "\n")] = '\0';
		if (more && command[0] != '\0' && sscanf(line, "[exit %d]", &want) == 1)
			continue;
		if (more && (line[0] != '$' && line[0] != '@' && line[0] != '#')) {
			if (line[0] != '\0') {
				append(shapes, TEXT_MAX - 1, line);
			}
			continue;
		}
		if (command[0] != '\0')
			step_command(p, command, again, shapes, want);
		command[0] = shapes[0] = '\0';
		want = 0;
		if (more && line[0] == '$') {
			again = line[1] == '~';
			snprintf(command, sizeof(command), "%s", line + (again ? 3 : 2));
		} else if (more && line[0] == '@') {
			step_act(p, line + 2);
		}
	} while (more);
	free(shapes);
}

void
transcript_play(const char *path)
{
	static struct head	h;
	static struct play	p;
	FILE			*f = fopen(path, "r");
	int			 code;

	cr_assert(f != NULL, "%s", path);
	p.path = path;
	head_read(f, path, &h);
	head_check(&h, &p);
	append(h.conf, sizeof(h.conf), "");	/* the last line's end */
	gateway_start(&p.g, &(struct gateway_setup){ .servers = h.servers[0] == '\0' ? NULL : h.servers,
	    .rules = h.rules[0] == '\0' ? NULL : h.rules, .conf = h.conf, .user_ns = p.outside.user_ns,
	    .net_ns = p.outside.net_ns });
	make_wrappers(&p);
	if (strcmp(h.start, "no") == 0)
		gateway_stop_keep(&p.g);
	play_steps(&p, f);
	fclose(f);
	for (size_t i = 0; i < p.sent_count; i++)
		mcp_fini(&p.sent[i]);
	if (p.g.pid > 0) {
		gateway_stop(&p.g);
	} else {
		cr_expect(run(&p, "mcpgwctl stop", &code)[0] == '\0' || code == 0, "%s: stop: exit %d", path, code);
		gateway_remove(&p.g);
	}
	if (p.outside.pid > 0)
		outside_stop(&p.outside);
}
