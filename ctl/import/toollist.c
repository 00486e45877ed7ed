/* SPDX-License-Identifier: Apache-2.0
 *
 * toollist.c - the tools of servers as they would list them, each started once by a gateway of our own
 *
 * Process: mcpgwctl, over a private gateway: it starts what it is given in the jail it would have.
 * Owns:    the lists, until toollist_fini().
 * Trusts:  nothing of what servers answer: ctl/show/pindiff.c prints it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/folders.h"
#include "ctl/import/toollist.h"
#include "ctl/mcpclient.h"
#include "ctl/out.h"
#include "ctl/private.h"
#include "ctl/show/pindiff.h"
#include "lib/fd.h"
#include "lib/log.h"

#define TEXT_MAX	(32u << 20)
#define PAGES_MAX	64
#define SECRET_MAX	(64 * 1024)
#define SECRETS_MAX	64
#define NAME_BYTES	256

static void
must(int r)
{
	if (r != 0)
		fatal(EX_OSERR, "a list of tools: %s", err_text(r));
}

/* ---- what they need --------------------------------------------------------------------------------- */

struct secrets {
	struct private_secret	list[SECRETS_MAX];
	char			names[SECRETS_MAX][NAME_BYTES];
	char			*texts[SECRETS_MAX];
	size_t			n;
};

static void
secret_add(struct ctl *ctl, struct secrets *s, struct span name)
{
	char	path[PATH_MAX + NAME_BYTES];
	size_t	bytes;
	int	fd;

	if (s->n == SECRETS_MAX || name.n == 0 || name.n >= NAME_BYTES || memchr(name.p, '/', name.n) != NULL)
		return;
	snprintf(s->names[s->n], NAME_BYTES, "%.*s", SPAN_FMT(name));
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->names[i], s->names[s->n]) == 0)
			return;
	snprintf(path, sizeof(path), "%s/secrets/%s", folders_tenant_dir(ctl), s->names[s->n]);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd != -1 && fd_read_all(fd, SECRET_MAX, &s->texts[s->n], &bytes) == 0) {
		s->list[s->n] = (struct private_secret){ s->names[s->n], span_make(s->texts[s->n], bytes) };
		s->n++;
	}
	fd_close(&fd);
}

/* ${secret:NAME}, wherever it stands. */
static void
secrets_find(struct ctl *ctl, struct secrets *s, struct span text)
{
	static const char	mark[] = "${secret:";
	const char		*at, *end;

	while ((at = memmem(text.p, text.n, mark, sizeof(mark) - 1)) != NULL) {
		text = span_part(text, (size_t)(at - text.p) + sizeof(mark) - 1, text.n);
		if ((end = memchr(text.p, '}', text.n)) != NULL)
			secret_add(ctl, s, span_part(text, 0, (size_t)(end - text.p)));
	}
}

static void
secrets_fini(struct secrets *s)
{
	for (size_t i = 0; i < s->n; i++) {
		explicit_bzero(s->texts[i], s->list[i].value.n);
		free(s->texts[i]);
	}
}

static void
put_servers(const struct toollist *lists, size_t n, struct buf *to)
{
	static const char	nul[1] = "";

	must(buf_put_str(to, "{\"mcpServers\": {"));
	for (size_t i = 0; i < n; i++) {
		must(buf_put_str(to, i == 0 ? "" : ", "));
		must(json_put_string(to, span_of(lists[i].name)));
		must(buf_put_str(to, ": "));
		must(conf_put_json(lists[i].member, to));
	}
	must(buf_put_str(to, "}}\n"));
	must(buf_put(to, span_make(nul, 1)));
}

/* ---- asking ----------------------------------------------------------------------------------------- */

static void
failed(struct toollist *l, struct json_value error)
{
	struct arena	a;
	struct span	text = SPAN_LIT("it gave no answer");

	arena_init(&a, NULL, 0, 65536);
	if (error.type != JSON_OBJECT || json_string(json_get(error, "message"), &a, &text) != 0)
		text = SPAN_LIT("it gave no answer");
	out_clean(text, l->why, sizeof(l->why));
	arena_fini(&a);
}

static void
take_page(struct toollist *l, struct json_value result)
{
	struct json_iter	it;
	struct json_value	one;
	struct span		key;

	json_iter_init(&it, json_get(result, "tools"));
	while (json_iter_next(&it, &key, &one)) {
		must(buf_put_str(&l->text, buf_rest(&l->text).n == 1 ? "" : ","));
		must(buf_put(&l->text, one.raw));
	}
}

static void
ask_one(struct private *p, struct toollist *l)
{
	char			target[256], cursor[1024] = "";
	struct mcp_question	q = { .target = target, .method = "tools/list" };
	struct mcp_answer	a;
	struct json_value	next;

	must(buf_put_str(&l->text, "["));
	if (mcp_server_target(l->name, target, sizeof(target)) != 0)
		return;
	for (unsigned page = 0; page < PAGES_MAX; page++) {
		q.params = span_of(cursor);
		if (mcp_ask(private_ctl(p), &q, &a) != 0) {
			failed(l, (struct json_value){ JSON_NONE, SPAN_NONE });
			return;
		}
		if (a.result.type != JSON_OBJECT)
			failed(l, a.error);
		else
			take_page(l, a.result);
		next = json_get(a.result, "nextCursor");
		if (next.type != JSON_STRING || snprintf(cursor, sizeof(cursor), "\"cursor\": %.*s",
		    SPAN_FMT(next.raw)) >= (int)sizeof(cursor))
			cursor[0] = '\0';
		mcp_answer_fini(&a);
		if (cursor[0] == '\0')
			break;
	}
	must(buf_put_str(&l->text, "]"));
	if (l->why[0] == '\0' && json_parse(buf_rest(&l->text), true, &l->tools, NULL) != 0)
		snprintf(l->why, sizeof(l->why), "its list of tools is malformed");
}

/* Clients get an empty list of a server that does not start; a call of no tool tells why. */
static void
ask_why(struct private *p, struct toollist *l)
{
	char			target[256];
	struct mcp_question	q = { .target = target, .method = "tools/call", .name = "-",
				    .params = SPAN_LIT("\"name\": \"-\", \"arguments\": {}") };
	struct json_value	code;
	struct mcp_answer	a;

	if (mcp_server_target(l->name, target, sizeof(target)) != 0 || mcp_ask(private_ctl(p), &q, &a) != 0)
		return;
	code = json_get(json_get(a.error, "data"), "code");
	if (json_is(code, "SERVER_UNAVAILABLE"))
		failed(l, a.error);
	mcp_answer_fini(&a);
}

static bool
is_empty(struct json_value list)
{
	struct json_iter	it;
	struct json_value	one;
	struct span		key;

	json_iter_init(&it, list);
	return !json_iter_next(&it, &key, &one);
}

int
toollist_ask(struct ctl *ctl, struct toollist *lists, size_t n)
{
	static const char *const options[] = { "list_timeout=2min", NULL };
	static struct secrets	 secrets;
	struct private_setup	 setup = { .options = options, .secrets = secrets.list };
	struct private		*p;
	struct buf		 servers;
	int			 r;

	buf_init(&servers, TEXT_MAX);
	put_servers(lists, n, &servers);
	secrets_find(ctl, &secrets, buf_rest(&servers));
	setup.servers = buf_rest(&servers).p;
	setup.secret_count = secrets.n;
	for (size_t i = 0; i < n; i++)
		buf_init(&lists[i].text, TEXT_MAX);
	if ((r = private_start(ctl, &setup, &p)) == 0) {
		for (size_t i = 0; i < n; i++) {
			ask_one(p, &lists[i]);
			if (lists[i].why[0] == '\0' && is_empty(lists[i].tools))
				ask_why(p, &lists[i]);
		}
		private_stop(&p);
	}
	secrets_fini(&secrets);
	buf_fini(&servers);
	return r;
}

void
toollist_fini(struct toollist *lists, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_fini(&lists[i].text);
}

/* ---- what is different ------------------------------------------------------------------------------ */

static struct json_value
find(struct json_value list, struct json_value name)
{
	struct json_iter	it;
	struct json_value	one, its;
	struct span		key;
	struct arena		a;
	struct span		x, y;
	bool			same;

	json_iter_init(&it, list);
	while (json_iter_next(&it, &key, &one)) {
		its = json_get(one, "name");
		arena_init(&a, NULL, 0, 65536);
		same = json_string(its, &a, &x) == 0 && json_string(name, &a, &y) == 0 && span_eq(x, y);
		arena_fini(&a);
		if (same)
			return one;
	}
	return (struct json_value){ JSON_NONE, SPAN_NONE };
}

static void
print_name(const char *server, struct json_value tool)
{
	struct arena	a;
	struct span	name;

	arena_init(&a, NULL, 0, 65536);
	printf("%s.", server);
	if (json_string(json_get(tool, "name"), &a, &name) == 0)
		pindiff_print_text(stdout, name);
	arena_fini(&a);
}

/* Nothing is counted of two whose fields are all the same, whatever their order is. */
static bool
is_changed(struct json_value was, struct json_value is)
{
	FILE	*null = fopen("/dev/null", "w");
	size_t	 lines;

	if (null == NULL)
		return !span_eq(was.raw, is.raw);
	lines = pindiff_print(null, was, is);
	fclose(null);
	return lines > 0;
}

void
toollist_diff(const char *server, const struct toollist *from, const struct toollist *to, bool print,
    struct tooldiff *out)
{
	struct json_iter	it;
	struct json_value	one, was;
	struct span		key;
	char			words[PINDIFF_WORDS];

	*out = (struct tooldiff){ 0 };
	for (json_iter_init(&it, to->tools); json_iter_next(&it, &key, &one); ) {
		was = find(from->tools, json_get(one, "name"));
		if (was.type == JSON_OBJECT && !is_changed(was, one)) {
			out->same++;
			continue;
		}
		*(was.type == JSON_OBJECT ? &out->changed : &out->added) += 1;
		if (!print)
			continue;
		print_name(server, one);
		printf("   %s\n", was.type == JSON_OBJECT ? pindiff_words(was, one, words) : "new tool");
		(void)pindiff_print(stdout, was, one);
	}
	for (json_iter_init(&it, from->tools); json_iter_next(&it, &key, &was); ) {
		if (find(to->tools, json_get(was, "name")).type == JSON_OBJECT)
			continue;
		out->gone++;
		if (print) {
			print_name(server, was);
			printf("   removed\n");
		}
	}
}

int
toollist_put_only(const struct toollist *a, const struct toollist *b, struct buf *to)
{
	struct json_iter	it;
	struct json_value	one;
	struct span		key;
	bool			first = true;
	int			r = buf_put_str(to, "[");

	for (json_iter_init(&it, a->tools); r == 0 && json_iter_next(&it, &key, &one); ) {
		if (find(b->tools, json_get(one, "name")).type == JSON_OBJECT)
			continue;
		r = buf_put_str(to, first ? "" : ",");
		first = false;
		if (r == 0)
			r = buf_put(to, json_get(one, "name").raw);
	}
	return r == 0 ? buf_put_str(to, "]") : r;
}
