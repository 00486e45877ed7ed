/* SPDX-License-Identifier: Apache-2.0
 *
 * c4_merged.c - four unlike servers in one view: over stdio and HTTP, of both eras.  What they list and answer is
 *               what they say themselves, but for names; nothing is lost, doubled or crossed, whatever is denied.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/hearing.h"
#include "tests/integration/common.h"

#define SERVERS	4
#define AT_ONCE	25
#define AT_ONCE_SANITIZED 10	/* of 1 MiB each */
#define MIB	(1024 * 1024)
#define SOON	patience(&g, 60000)

#define RULES "{\"agents\":{"									\
	"\"all\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}},"			\
	"\"but\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}},\"deny\":{\"tools\":{\"hold\":[\"same\"]}}}}}"

static const struct source {
	const char	*name;
	bool		 http, modern;
} sources[SERVERS] = { { "sold", false, false }, { "hold", true, false }, { "snew", false, true }, { "hnew", true, true } };

enum { ALL, BUT };

static struct gateway	g;
static pid_t		twins[SERVERS];		/* each server over HTTP: those over stdio are asked there what they say */
static char		addresses[SERVERS][32];
static char		keys[2][256];

static void
start_twin(size_t i)
{
	char	self[512], line[32] = "";
	int	fds[2];
	ssize_t	n = readlink("/proc/self/exe", self, sizeof(self) - 32);

	cr_assert(n > 0 && pipe(fds) == 0);
	self[n] = '\0';
	for (int k = 0; k < 2; k++)
		*strrchr(self, '/') = '\0';
	strcat(self, "/objects-server");
	if ((twins[i] = fork()) == 0) {
		dup2(fds[1], 1);
		execl(self, self, sources[i].name, "http", "rich", sources[i].modern ? "modern" : "-", NULL);
		_exit(127);
	}
	close(fds[1]);
	cr_assert(read(fds[0], line, sizeof(line) - 1) > 0 && atoi(line) > 0);
	close(fds[0]);
	snprintf(addresses[i], sizeof(addresses[i]), "127.0.0.1:%d", atoi(line));
}

static void
begin(unsigned workers)
{
	char	servers[2048] = "{\"mcpServers\":{";
	size_t	n = strlen(servers);

	for (size_t i = 0; i < SERVERS; i++) {
		start_twin(i);
		n += (size_t)snprintf(servers + n, sizeof(servers) - n, "%s\"%s\":", i > 0 ? "," : "", sources[i].name);
		if (sources[i].http)
			n += (size_t)snprintf(servers + n, sizeof(servers) - n, "{\"type\":\"http\",\"url\":\"http://%s/mcp\"}",
			    addresses[i]);
		else
			n += (size_t)snprintf(servers + n, sizeof(servers) - n, "{\"command\":\"@TOOLS@/tests/objects-server\","
			    "\"args\":[\"%s\",\"rich\"%s]}", sources[i].name, sources[i].modern ? ",\"modern\"" : "");
	}
	snprintf(servers + n, sizeof(servers) - n, "}}");
	gateway_start(&g, &(struct gateway_setup){ .workers = workers, .servers = servers, .rules = RULES,
	    .conf = "view = catalog\n" });
	snprintf(keys[ALL], sizeof(keys[ALL]), "%s", gateway_key(&g, "all"));
	snprintf(keys[BUT], sizeof(keys[BUT]), "%s", gateway_key(&g, "but"));
}

static void
end(void)
{
	gateway_stop(&g);
	for (size_t i = 0; i < SERVERS; i++) {
		kill(twins[i], SIGKILL);
		waitpid(twins[i], NULL, 0);
	}
}

static void
client(struct mcp *m, const char *path, int who, bool modern)
{
	mcp_init(m, g.mcp, path, keys[who]);
	if (!modern)
		cr_assert(mcp_initialize(m) == 200);
}

static json_object *
take_result(struct answer *a, const char *what)
{
	json_object	*result = json_object_get(json_at(a->json, "result"));

	cr_assert(a->status == 200 && result != NULL, "%s: %d %s", what, a->status, a->body == NULL ? "" : a->body);
	answer_fini(a);
	return result;
}

/* `result` of the server's own answer; params is JSON, or "". */
static json_object *
direct(size_t i, const char *method, const char *params)
{
	struct answer	 a;
	char		*body;

	cr_assert(asprintf(&body, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\"%s%s}", method, params[0] != '\0' ?
	    ",\"params\":" : "", params) > 0);
	client_once(addresses[i], "POST", "/mcp", "", body, &a);
	free(body);
	return take_result(&a, method);
}

static json_object *
ask(struct mcp *m, const char *method, const char *params)
{
	struct answer	a;

	mcp_ask_either(m, method, params, &a);
	return take_result(&a, method);
}

static bool
same_text(json_object *a, json_object *b)
{
	return strcmp(json_object_to_json_string(a), json_object_to_json_string(b)) == 0;
}

/* ---- lists --------------------------------------------------------------------------------------- */

static const struct kind {
	const char	*method, *member, *key;
	bool		 composed;
} kinds[] = {
	{ "tools/list", "tools", "name", true }, { "prompts/list", "prompts", "name", true },
	{ "resources/list", "resources", "uri", false },
	{ "resources/templates/list", "resourceTemplates", "uriTemplate", false },
};
#define KINDS	(sizeof(kinds) / sizeof(kinds[0]))

/* The entry with this key, and how many there are. */
static json_object *
find(json_object *list, const char *member, const char *key, size_t *times)
{
	json_object	*found = NULL;

	*times = 0;
	for (size_t i = 0; i < json_object_array_length(list); i++)
		if (strcmp(json_text_at(json_object_array_get_idx(list, i), member), key) == 0) {
			found = json_object_array_get_idx(list, i);
			++*times;
		}
	return found;
}

/* What a server lists itself, under the name that the view gives it. */
static void
expect_entry(json_object *list, const struct kind *k, const struct source *s, json_object *own, const char *where)
{
	json_object	*entry, *shown;
	char		 key[128];
	size_t		 times;

	snprintf(key, sizeof(key), "%s%s%s", k->composed && strcmp(where, "/mcp") == 0 ? s->name : "",
	    k->composed && strcmp(where, "/mcp") == 0 ? "__" : "", json_text_at(own, k->key));
	shown = json_tokener_parse(json_object_to_json_string(own));
	json_object_object_add(shown, k->key, json_object_new_string(key));
	entry = find(list, k->key, key, &times);
	cr_expect(times == 1, "%s, %s: %s comes %zu times", where, k->method, key, times);
	cr_expect(entry != NULL && json_object_equal(entry, shown), "%s, %s:\n%s is not\n%s", where, k->method,
	    json_object_to_json_string(entry), json_object_to_json_string(shown));
	json_object_put(shown);
}

static void
check_merged(struct mcp *m, const struct kind *k)
{
	json_object	*seen = json_object_new_array(), *result = ask(m, k->method, NULL), *own, *list, *one;
	size_t		 count = 0, times;

	list = json_at(result, k->member);
	for (size_t i = 0; i < SERVERS; i++) {
		own = direct(i, k->method, "");
		for (size_t e = 0; e < json_object_array_length(json_at(own, k->member)); e++) {
			one = json_object_array_get_idx(json_at(own, k->member), e);
			/* Of one URI of several servers the first one's is shown. */
			(void)find(seen, k->key, json_text_at(one, k->key), &times);
			if (!k->composed && times > 0)
				continue;
			json_object_array_add(seen, json_object_get(one));
			expect_entry(list, k, &sources[i], one, "/mcp");
			count++;
		}
		json_object_put(own);
	}
	cr_expect(json_object_array_length(list) == count, "%s: %zu, not %zu", k->method, json_object_array_length(list), count);
	json_object_put(seen);
	json_object_put(result);
}

static void
check_alone(size_t i, const struct kind *k, bool modern)
{
	json_object	*own = direct(i, k->method, ""), *result, *list;
	struct mcp	 m;
	char		 path[64];

	snprintf(path, sizeof(path), "/servers/%s/mcp", sources[i].name);
	client(&m, path, ALL, modern);
	result = ask(&m, k->method, NULL);
	list = json_at(result, k->member);
	cr_expect(json_object_array_length(list) == json_object_array_length(json_at(own, k->member)), "%s", path);
	for (size_t e = 0; e < json_object_array_length(json_at(own, k->member)); e++)
		expect_entry(list, k, &sources[i], json_object_array_get_idx(json_at(own, k->member), e), path);
	json_object_put(result);
	json_object_put(own);
	mcp_fini(&m);
}

Test(merged, lists_hold_each_thing_once_and_unchanged_but_for_its_name, .timeout = 60)
{
	struct mcp	m;

	NEEDS_JAILS();
	begin(2);
	for (int modern = 0; modern < 2; modern++) {
		client(&m, "/mcp", ALL, modern);
		for (size_t k = 0; k < KINDS; k++) {
			check_merged(&m, &kinds[k]);
			for (size_t i = 0; i < SERVERS; i++)
				check_alone(i, &kinds[k], modern);
		}
		mcp_fini(&m);
	}
	end();
}

/* ---- calls --------------------------------------------------------------------------------------- */

/* What is of the hop and not of the answer. */
static void
strip(json_object *result)
{
	static const char *const	members[] = { "resultType", "ttlMs", "cacheScope" };
	json_object			*meta;

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		json_object_object_del(result, members[i]);
	if (!json_object_object_get_ex(result, "_meta", &meta))
		return;
	json_object_object_del(meta, "io.modelcontextprotocol/serverInfo");
	if (json_object_object_length(meta) == 0)
		json_object_object_del(result, "_meta");
}

Test(merged, calls_are_answered_as_the_server_itself_does, .timeout = 60)
{
	static const char *const rows[][2] = {
		{ "echo", "{\"a\":[1,2.50,-0,1e400,null,true,{\"\":\"\"}],\"\\u0061\\n\":\"\\ud83d\\ude00 \xc3\xa4 <\\/b>\",\"n\":"
		    "9007199254740993,\"deep\":[[[[[[]]]]]]}" },
		{ "size", "{\"n\":3}" }, { "same", "{}" },
	};
	struct mcp	 m;
	json_object	*via, *own;
	char		 params[512];

	NEEDS_JAILS();
	begin(2);
	for (int modern = 0; modern < 2; modern++) {
		client(&m, "/mcp", ALL, modern);
		for (size_t i = 0; i < SERVERS; i++)
			for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
				snprintf(params, sizeof(params), "{\"name\":\"%s\",\"arguments\":%s}", rows[r][0], rows[r][1]);
				own = direct(i, "tools/call", params);
				snprintf(params, sizeof(params), "{\"name\":\"%s__%s\",\"arguments\":%s}", sources[i].name,
				    rows[r][0], rows[r][1]);
				via = ask(&m, "tools/call", params);
				strip(own);
				strip(via);
				cr_expect(same_text(via, own), "%s of %s, modern=%d:\n%s is not\n%s", rows[r][0],
				    sources[i].name, modern, json_object_to_json_string(via), json_object_to_json_string(own));
				json_object_put(via);
				json_object_put(own);
			}
		mcp_fini(&m);
	}
	end();
}

/* ---- many and large at once ---------------------------------------------------------------------- */

/* 1 MiB that no other call has. */
static char *
make_blob(int who, int number)
{
	static const char	letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	char			*blob = malloc(MIB + 1);

	for (size_t i = 0; i < MIB; i++)
		blob[i] = letters[(i * 31 + (i >> 10) + (size_t)number * 2 + (size_t)who) & 63];
	blob[MIB] = '\0';
	return blob;
}

static void
begin_call(struct hearing *h, const struct mcp *m, const char *server, int who, int number)
{
	char	*blob = make_blob(who, number), *params, id[16];

	snprintf(id, sizeof(id), "%d", number);
	cr_assert(asprintf(&params, "{\"name\":\"%s__echo\",\"arguments\":{\"who\":%d,\"number\":%d,\"blob\":\"%s\"}}", server, who,
	    number, blob) > 0);
	hearing_begin(h, m, id, "tools/call", params);
	free(params);
	free(blob);
}

static bool
ends_well(struct hearing *h, const char *server, int who, int number)
{
	json_object	*o = hearing_next(h, SOON);
	char		*blob = make_blob(who, number), said[64];
	bool		 well;

	snprintf(said, sizeof(said), "%s says \xc3\xa9", server);
	well = o != NULL && json_int_at(o, "id") == number && strcmp(json_text_at(o, "result.content[0].text"), said) == 0 &&
	    json_int_at(o, "result.structuredContent.who") == who &&
	    json_int_at(o, "result.structuredContent.number") == number &&
	    strcmp(json_text_at(o, "result.structuredContent.blob"), blob) == 0 && hearing_ends(h, SOON);
	cr_expect(well, "call %d of client %d to %s: status %d: %.300s", number, who, server, h->status,
	    o == NULL ? "nothing" : json_object_to_json_string(o));
	json_object_put(o);
	free(blob);
	hearing_fini(h);
	return well;
}

/* Two clients with the same ids, of one era each, then of both. */
static void
cross(bool first_modern, bool second_modern)
{
	static struct hearing	h[2][AT_ONCE];
	struct mcp		m[2];
	const int		at_once = is_sanitized(&g) ? AT_ONCE_SANITIZED : AT_ONCE;
	unsigned		well = 0;

	client(&m[0], "/mcp", ALL, first_modern);
	client(&m[1], "/mcp", BUT, second_modern);
	for (size_t i = 0; i < SERVERS; i++) {
		for (int n = 0; n < at_once; n++)
			for (int who = 0; who < 2; who++)
				begin_call(&h[who][n], &m[who], sources[i].name, who, n + 1);
		for (int n = at_once - 1; n >= 0; n--)
			for (int who = 0; who < 2; who++)
				well += ends_well(&h[who][n], sources[i].name, who, n + 1);
	}
	cr_expect(well == SERVERS * 2 * (unsigned)at_once, "%u", well);
	mcp_fini(&m[0]);
	mcp_fini(&m[1]);
}

Test(merged, calls_of_two_clients_with_equal_ids_do_not_cross, .timeout = 240)
{
	NEEDS_JAILS();
	begin(2);
	cross(true, false);
	cross(false, false);
	cross(true, true);
	end();
}

Test(merged, results_of_1_mib_are_whole, .timeout = 60)
{
	struct mcp	m;
	json_object	*result;
	char		params[128];

	NEEDS_JAILS();
	begin(2);
	for (int modern = 0; modern < 2; modern++) {
		client(&m, "/mcp", ALL, modern);
		for (size_t i = 0; i < SERVERS; i++) {
			snprintf(params, sizeof(params), "{\"name\":\"%s__size\",\"arguments\":{\"n\":%d}}", sources[i].name, MIB);
			result = ask(&m, "tools/call", params);
			cr_expect(strspn(json_text_at(result, "content[0].text"), "x") == MIB, "%s", sources[i].name);
			json_object_put(result);
		}
		mcp_fini(&m);
	}
	end();
}

/* ---- one thing denied ---------------------------------------------------------------------------- */

/* The list without the one that is denied. */
static json_object *
without(json_object *list, const char *name)
{
	json_object	*rest = json_object_new_array(), *one;

	for (size_t i = 0; i < json_object_array_length(list); i++)
		if (strcmp(json_text_at((one = json_object_array_get_idx(list, i)), "name"), name) != 0)
			json_object_array_add(rest, json_object_get(one));
	cr_expect(json_object_array_length(rest) + 1 == json_object_array_length(list), "%s is listed to who may", name);
	return rest;
}

static void
check_lists(const char *path, const char *denied, bool modern)
{
	struct mcp	 all, but;
	json_object	*whole, *part, *want;

	client(&all, path, ALL, modern);
	client(&but, path, BUT, modern);
	for (size_t k = 0; k < KINDS; k++) {
		whole = ask(&all, kinds[k].method, NULL);
		part = ask(&but, kinds[k].method, NULL);
		want = k == 0 && denied != NULL ? without(json_at(whole, "tools"), denied) :
		    json_object_get(json_at(whole, kinds[k].member));
		cr_expect(same_text(json_at(part, kinds[k].member), want), "%s %s:\n%s is not\n%s", path, kinds[k].method,
		    json_object_to_json_string(part), json_object_to_json_string(want));
		json_object_put(whole);
		json_object_put(part);
		json_object_put(want);
	}
	mcp_fini(&all);
	mcp_fini(&but);
}

static void
expect_call(struct mcp *m, const char *tool, const char *at, const char *want)
{
	struct answer	a;

	mcp_call(m, tool, "{}", &a);
	cr_expect(strcmp(json_text_at(a.json, at), want) == 0, "%s: %s is not %s: %s", tool, at, want, a.body);
	answer_fini(&a);
}

static void
check_calls(bool modern)
{
	struct mcp	m;
	char		tool[64];

	client(&m, "/mcp", BUT, modern);
	for (size_t i = 0; i < SERVERS; i++) {
		snprintf(tool, sizeof(tool), "%s__same", sources[i].name);
		if (strcmp(sources[i].name, "hold") == 0)
			expect_call(&m, tool, "error.code", "403");
		else
			expect_call(&m, tool, "result.content[0].text", sources[i].name);
	}
	expect_call(&m, "hold__of-hold", "result.content[0].text", "hold");
	mcp_fini(&m);
	client(&m, "/servers/hold/mcp", BUT, modern);
	expect_call(&m, "same", "error.code", "403");
	expect_call(&m, "of-hold", "result.content[0].text", "hold");
	mcp_fini(&m);
}

/* The same ids at the same time: each gets what is its own. */
static void
check_at_once(bool modern)
{
	static const char *const calls[] = { "hold__same", "sold__same", "hnew__same", "hold__of-hold" };
	static struct hearing	 h[2][AT_ONCE];
	struct mcp		 m[2];
	json_object		*o;
	char			 id[16], params[64];

	for (int who = 0; who < 2; who++)
		client(&m[who], "/mcp", who, modern);
	for (int n = 0; n < AT_ONCE; n++)
		for (int who = 0; who < 2; who++) {
			snprintf(id, sizeof(id), "%d", n + 1);
			snprintf(params, sizeof(params), "{\"name\":\"%s\",\"arguments\":{}}", calls[n % 4]);
			hearing_begin(&h[who][n], &m[who], id, "tools/call", params);
		}
	for (int n = 0; n < AT_ONCE; n++)
		for (int who = 0; who < 2; who++) {
			o = hearing_next(&h[who][n], SOON);
			cr_expect(json_int_at(o, "id") == n + 1);
			if (who == BUT && n % 4 == 0)
				cr_expect(strcmp(json_text_at(o, "error.code"), "403") == 0, "%s", json_object_to_json_string(o));
			else
				cr_expect(strncmp(json_text_at(o, "result.content[0].text"), calls[n % 4], 4) == 0, "%s",
				    json_object_to_json_string(o));
			json_object_put(o);
			hearing_fini(&h[who][n]);
		}
	for (int who = 0; who < 2; who++)
		mcp_fini(&m[who]);
}

Test(merged, what_is_denied_is_all_that_is_missing, .timeout = 60)
{
	char	path[64];

	NEEDS_JAILS();
	begin(2);
	for (int modern = 0; modern < 2; modern++) {
		check_lists("/mcp", "hold__same", modern);
		for (size_t i = 0; i < SERVERS; i++) {
			snprintf(path, sizeof(path), "/servers/%s/mcp", sources[i].name);
			check_lists(path, strcmp(sources[i].name, "hold") == 0 ? "same" : NULL, modern);
		}
		check_calls(modern);
		check_at_once(modern);
	}
	end();
}
