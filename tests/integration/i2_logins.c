/* SPDX-License-Identifier: Apache-2.0
 *
 * i2_logins.c - the gateway's own tokens for a server that wants some: got, renewed, refused, logged in for, kept
 */
#include <ftw.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/harness/program.h"
#include "tests/harness/signer.h"
#include "tests/integration/common.h"

#define ALL	"{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}"
#define RULES	"{\"agents\":{\"one\":" ALL ",\"two\":" ALL "}}"
#define ISS	"https://idp.example"
#define SECRET	"a-secret-that-was-planted"

static struct gateway	g;
static pid_t		guarded;
static unsigned		port;
static char		key[256], log_path[300], address[64];

static char *
slurp(const char *path)
{
	FILE	*f = fopen(path, "r");
	char	*text = calloc(1, 4 << 20);

	if (f != NULL) {
		(void)!fread(text, 1, (4 << 20) - 1, f);
		fclose(f);
	}
	return text;
}

/* How often this stands in what the server saw. */
static size_t
saw(const char *words)
{
	char	*text = slurp(log_path);
	size_t	 n = 0;

	for (const char *at = text; (at = strstr(at, words)) != NULL; at++)
		n++;
	free(text);
	return n;
}

static void
tell_server(const char *path)
{
	struct answer	a;

	client_once(address, "POST", path, "", "", &a);
	cr_assert(a.status == 200, "%s: %d", path, a.status);
	answer_fini(&a);
}

static void
begin(const char *lifetime, const char *auth)
{
	const char	*argv[] = { "guarded-server", log_path, lifetime, NULL };
	char		 servers[2048], text[1024];

	snprintf(log_path, sizeof(log_path), "/tmp/mcpgw-guarded.%ld", (long)getpid());
	unlink(log_path);
	port = program_start(argv, &guarded);
	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	snprintf(text, sizeof(text), auth, port);
	snprintf(servers, sizeof(servers), "{\"mcpServers\":{\"guarded\":{\"url\":\"http://127.0.0.1:%u/mcp\",\"auth\":%s}}}",
	    port, text);
	gateway_start(&g, &(struct gateway_setup){ .workers = 2, .rules = RULES, .conf = "token_endpoint = yes\n" });
	gateway_write(&g, "secrets/CLIENT", SECRET "\n");
	snprintf(text, sizeof(text), "%s/etc/secrets/CLIENT", g.dir);
	cr_assert(chmod(text, 0600) == 0);
	gateway_write(&g, "servers.json", servers);
	EXPECT_CTL(&g, 0, "", "reload");
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "one"));
}

static int
look_for(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	char	*text;

	(void)at;
	if (kind != FTW_F || st->st_size > 4 << 20 || strstr(path, "/etc/secrets/") != NULL)
		return 0;
	text = slurp(path);
	for (const char *const *w = (const char *const[]){ SECRET, "access-", "refresh-", NULL }; *w != NULL; w++)
		cr_expect(memmem(text, (size_t)st->st_size, *w, strlen(*w)) == NULL, "%s holds %s", path, *w);
	free(text);
	return 0;
}

/* What a client shows the gateway is nobody else's; what the gateway has is in no file as it is. */
static void
finish(void)
{
	cr_expect(saw(key) == 0, "the client's key came to the server");
	cr_expect(saw("access-") > 0, "and the gateway's tokens did");
	gateway_stop_keep(&g);
	cr_expect(nftw(g.dir, look_for, 16, FTW_PHYS) == 0);
	gateway_remove(&g);
	program_stop(&guarded);
	unlink(log_path);
}

/* What the call was answered with; malloc'ed. */
static char *
call_as(const char *bearer)
{
	struct answer	a;
	struct mcp	m;
	char		*body;

	mcp_init(&m, g.mcp, "/servers/guarded/mcp", bearer);
	mcp_call(&m, "open", "{}", &a);
	body = strdup(a.body == NULL ? "" : a.body);
	answer_fini(&a);
	mcp_fini(&m);
	return body;
}

struct wanted {
	const char	*bearer, *words;
	char		*last;
};

static bool
says(void *arg)
{
	struct wanted	*w = arg;

	free(w->last);
	w->last = call_as(w->bearer);
	return strstr(w->last, w->words) != NULL;
}

#define EXPECT_CALL(words_)	EXPECT_CALL_OF(key, words_)
#define EXPECT_CALL_OF(bearer_, words_) do {						\
	struct wanted	w_ = { bearer_, words_, NULL };					\
	cr_expect(wait_until(says, &w_, patience(&g, 10000)), "want %s: %s", words_, w_.last);	\
	free(w_.last);									\
} while (0)

#define CREDENTIALS	"{\"grant\":\"client_credentials\",\"issuer\":\"http://127.0.0.1:%u\",\"client_id\":\"gw\","	\
	"\"client_secret\":\"${secret:CLIENT}\"}"
#define LOGIN		"{\"grant\":\"authorization_code\",\"issuer\":\"http://127.0.0.1:%u\",\"client_id\":\"gw\","	\
	"\"client_secret\":\"${secret:CLIENT}\"}"

Test(i2_logins, the_gateway_has_a_token_of_its_own_and_gets_another_when_it_is_refused, .timeout = 120)
{
	char	*log;

	begin("3600", CREDENTIALS);
	EXPECT_CALL("opened with 1");
	cr_expect(saw("resource=http%3A%2F%2F127.0.0.1") > 0, "the token is for this server");
	tell_server("/revoke");
	EXPECT_CALL("opened with 2");
	tell_server("/more");
	EXPECT_CALL("opened with 3");
	cr_expect(saw("scope=base%20more") == 1, "more is asked for beside what was given");
	EXPECT_CTL(&g, 0, "token of http://127.0.0.1", "server", "show", "guarded");
	EXPECT_CTL(&g, 65, "nobody has to log in", "server", "login", "guarded");
	log = gateway_log(&g);
	cr_expect(strstr(log, SECRET) == NULL && strstr(log, "access-") == NULL);
	free(log);
	finish();
}

Test(i2_logins, a_token_is_renewed_before_it_ends, .timeout = 120)
{
	begin("4", CREDENTIALS);
	EXPECT_CALL("opened with");
	EXPECT_CALL("opened with 3");
	cr_expect(saw("\"tools/call\"") > 0);
	cr_expect(saw(" 401 ") == 0);
	finish();
}

/* ---- a login ----------------------------------------------------------------------------------- */

static FILE *
login_begin(const char *who, char url[4096])
{
	char	 command[1024], line[4096];
	FILE	*f;

	snprintf(command, sizeof(command), "%s/bin/mcpgwctl -c %s/etc server login guarded --no-browser %s%s%s 2>&1", g.build, g.dir,
	    who == NULL ? "" : "--as '", who == NULL ? "" : who, who == NULL ? "" : "'");
	f = popen(command, "r");
	cr_assert(f != NULL);
	url[0] = '\0';
	while (fgets(line, sizeof(line), f) != NULL && strncmp(line, "http://", 7) != 0)
		;
	snprintf(url, 4096, "%s", line);
	url[strcspn(url, "\n")] = '\0';
	cr_assert(strncmp(url, "http://", 7) == 0, "%s", url);
	return f;
}

/* As a browser: follows one redirect to this machine.  The status there. */
static int
browse(const char *url, char location[4096])
{
	char		 host[64];
	const char	*path = strchr(url + 7, '/'), *at;
	struct answer	 a;
	int		 status;

	snprintf(host, sizeof(host), "%.*s", (int)(path - url - 7), url + 7);
	client_once(host, "GET", path, "", NULL, &a);
	status = a.status;
	location[0] = '\0';
	if (a.head != NULL && (at = strstr(a.head, "Location: ")) != NULL)
		snprintf(location, 4096, "%.*s", (int)strcspn(at + 10, "\r\n"), at + 10);
	answer_fini(&a);
	return status;
}

static void
log_in_as(const char *who, bool strangers)
{
	char	 url[4096], back[4096], wrong[4096], none[4096], rest[1024] = "";
	FILE	*f = login_begin(who, url);
	char	*at;
	int	 status;

	cr_assert(browse(url, back) == 302);
	if (strangers) {
		snprintf(wrong, sizeof(wrong), "%s", back);
		cr_assert((at = strstr(wrong, "state=")) != NULL);
		at[6] = at[6] == 'A' ? 'B' : 'A';
		cr_expect(browse(wrong, none) == 400, "another login's answer");
		snprintf(wrong, sizeof(wrong), "%.*s/other?code=1", (int)(strchr(back + 7, '/') - back), back);
		cr_expect(browse(wrong, none) == 404);
	}
	cr_expect(browse(back, none) == 200);
	(void)!fread(rest, 1, sizeof(rest) - 1, f);
	status = pclose(f);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0 && strstr(rest, "is logged in") != NULL, "%s", rest);
}

static void
log_in(bool strangers)
{
	log_in_as(NULL, strangers);
}

Test(i2_logins, somebody_logs_in_once_and_the_gateway_keeps_it, .timeout = 240)
{
	char		path[400];
	struct stat	st;

	begin("3600", LOGIN);
	EXPECT_CALL("mcpgwctl server login guarded");
	EXPECT_CTL(&g, 1, "server login guarded", "status", "guarded");
	log_in(true);
	EXPECT_CALL("opened with 1");
	EXPECT_CTL(&g, 0, "logged in today", "server", "show", "guarded");
	cr_expect(saw("client_secret") == 0 && saw("Authorization: Basic Z3c6") > 0, "the secret is shown in the head");
	snprintf(path, sizeof(path), "%s/state/grants.key", g.dir);
	cr_expect(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);

	gateway_stop_keep(&g);
	gateway_start_again(&g);
	EXPECT_CALL("opened with 1");
	tell_server("/revoke");
	EXPECT_CALL("opened with 2");
	cr_expect(saw("refresh_token=refresh-1") == 1);
	gateway_stop_keep(&g);
	gateway_start_again(&g);
	tell_server("/revoke");
	EXPECT_CALL("opened with 3");
	cr_expect(saw("refresh_token=refresh-2") == 1, "the one that came in the other's place was kept");

	tell_server("/more");
	EXPECT_CALL("wants the scope \\\"more\\\" for this; log in again: mcpgwctl server login guarded");
	log_in(false);
	EXPECT_CALL("opened with 4");

	tell_server("/end");
	tell_server("/revoke");
	EXPECT_CALL("mcpgwctl server login guarded");
	log_in(false);
	EXPECT_CTL(&g, 0, "logged out, here and at the authorization server", "server", "logout", "guarded");
	cr_expect(saw("token=refresh-5&token_type_hint=refresh_token") == 1 && saw("token=access-5&token_type_hint=access_token") == 1);
	EXPECT_CTL(&g, 0, "authorization server may know the login until it ends there: nobody had logged in", "server", "logout",
	    "guarded");
	EXPECT_CALL("nobody has logged in; log in: mcpgwctl server login guarded");
	gateway_stop_keep(&g);
	gateway_start_again(&g);
	EXPECT_CALL("nobody has logged in");
	finish();
}

/* ---- of each user ------------------------------------------------------------------------------ */

#define PER_USER	"{\"grant\":\"authorization_code\",\"per\":\"user\",\"issuer\":\"http://127.0.0.1:%u\",\"client_id\":\"gw\","	\
	"\"client_secret\":\"${secret:CLIENT}\"}"

static char *
token_of(const char *sub, long from_now)
{
	char	claims[1000];

	snprintf(claims, sizeof(claims), "{\"iss\":\"" ISS "\",\"aud\":\"gw\",\"sub\":\"%s\",\"exp\":%ld}", sub,
	    (long)time(NULL) + from_now);
	return signer_token("{\"alg\":\"ES256\"}", claims, JWS_ALG_ES256, false);
}

static void
know_issuer(void)
{
	char	*jwk = signer_jwk(JWS_ALG_ES256, "k"), *text;

	cr_assert(asprintf(&text, "{\"issuers\":{\"" ISS "\":{\"audience\":\"gw\",\"agent\":\"one\",\"keys\":[%s]}}}", jwk) > 0);
	gateway_write(&g, "issuers.json", text);
	EXPECT_CTL(&g, 0, "", "reload");
	free(text);
	free(jwk);
}

Test(i2_logins, each_user_logs_in_and_has_no_other_ones_token, .timeout = 240)
{
	char	*two, *ann, *text, *odd = token_of("o'; touch /tmp/x \\u001b[2J", 600), *longer, sub[601] = "";

	begin("3600", PER_USER);
	know_issuer();
	/* A name that an issuer chose is one word of the command, whatever stands in it. */
	EXPECT_CALL_OF(odd, "--as 'token:one:o'\\\\''; touch /tmp/x ?[2J at " ISS "'");
	memset(sub, 'a', sizeof(sub) - 1);
	longer = token_of(sub, 600);
	EXPECT_CALL_OF(longer, "--as ..., with a name that is too long to stand here");
	cr_assert(gateway_ctl(&g, &two, false, "key", "add", "--agent", "two", "--name", "b", NULL) == 0);
	two[strcspn(two, "\n")] = '\0';
	cr_assert(gateway_ctl(&g, &ann, false, "key", "add", "--agent", "one", "--name", "a", NULL) == 0);
	ann[strcspn(ann, "\n")] = '\0';
	EXPECT_CALL_OF(ann, "nobody has logged in; log in: mcpgwctl server login guarded --as 'key:one:a'");
	EXPECT_CALL_OF(two, "--as 'key:two:b'");
	cr_expect(saw("Bearer access-") == 0 && saw("/authorize") == 0);
	EXPECT_CTL(&g, 64, "each user logs in there", "server", "login", "guarded");
	log_in_as("key:one:a", true);
	EXPECT_CALL_OF(ann, "opened with 1");
	EXPECT_CALL_OF(two, "nobody has logged in");
	log_in_as("key:two:b", false);
	EXPECT_CALL_OF(two, "opened with 2");
	EXPECT_CALL_OF(ann, "opened with 1");
	EXPECT_CTL(&g, 0, "a token of each user; now of 2", "server", "show", "guarded");
	EXPECT_CALL("nobody has logged in");		/* a third one, of the first one's agent */
	cr_expect(saw("\"initialize\"") >= 2, "nobody is in another one's session");

	gateway_stop_keep(&g);
	gateway_start_again(&g);
	EXPECT_CALL_OF(two, "opened with 2");
	EXPECT_CALL_OF(ann, "opened with 1");
	EXPECT_CTL(&g, 0, "logged out, here and at the authorization server", "server", "logout", "guarded", "--as", "key:one:a");
	EXPECT_CALL_OF(ann, "nobody has logged in");
	EXPECT_CALL_OF(two, "opened with 2");
	EXPECT_CTL(&g, 65, "no server \"nowhere\"", "server", "login", "nowhere", "--as", "key:one:a");
	text = gateway_log(&g);
	cr_expect(strstr(text, "server login guarded of key:one:a by uid") != NULL && strstr(text, "access-") == NULL);
	free(text);
	free(odd);
	free(longer);
	free(ann);
	free(two);
	finish();
}

#define EXCHANGE	"{\"grant\":\"token_exchange\",\"per\":\"user\",\"issuer\":\"http://127.0.0.1:%u\",\"client_id\":\"gw\","	\
	"\"client_secret\":\"${secret:CLIENT}\",\"audience\":\"urn:guarded\"}"

Test(i2_logins, a_users_token_is_exchanged_and_never_passed_on, .timeout = 120)
{
	char	*ann = token_of("ann", 600), *newer = token_of("ann", 900), *bob = token_of("bob", 600), *text;

	begin("4", EXCHANGE);
	know_issuer();
	EXPECT_CALL_OF(ann, "opened with 1");
	EXPECT_CALL_OF(bob, "opened with 2");
	EXPECT_CALL_OF(ann, "opened with 1");
	cr_expect(saw("subject_token=") == 2 && saw(ann) == 1 && saw(bob) == 1, "%zu exchanges", saw("subject_token="));
	cr_expect(saw("grant-type%3Atoken-exchange") == 2 && saw("audience=urn%3Aguarded") == 2 &&
	    saw("subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token") == 2);
	/* At its end the next call brings the user's newest. */
	EXPECT_CALL_OF(newer, "opened with 3");
	cr_expect(saw(newer) == 1 && saw(ann) == 1);
	/* Refused by the server: once more, and with what the user has. */
	tell_server("/revoke");
	EXPECT_CALL_OF(bob, "opened with 4");
	EXPECT_CALL("who calls is known by no token of an issuer that could be exchanged");
	text = gateway_log(&g);
	cr_expect(strstr(text, ann) == NULL && strstr(text, "access-") == NULL);
	free(text);
	free(ann);
	free(newer);
	free(bob);
	finish();
}

/* The gateway's own tokens stand for whom they were given to, here; an authorization server sees none. */
Test(i2_logins, a_token_of_the_gateway_itself_is_never_exchanged, .timeout = 120)
{
	char		*bob = token_of("bob", 600), *text, *own, session[4096];
	struct answer	 a;

	begin("4", EXCHANGE);
	know_issuer();
	cr_assert(gateway_ctl(&g, &own, false, "token", "--agent", "one", NULL) == 0, "%s", own);
	own[strcspn(own, "\n")] = '\0';
	EXPECT_CALL_OF(own, "who calls is known by no token of an issuer that could be exchanged");
	cr_expect(saw(own) == 0 && saw("subject_token=") == 0);
	/* Nor does it take the place of the issuer's, for whose bearer it stands. */
	EXPECT_CALL_OF(bob, "opened with 1");
	cr_assert(asprintf(&text, "Content-Type: application/x-www-form-urlencoded\r\nAuthorization: Bearer %s\r\n", bob) > 0);
	client_once(g.mcp, "POST", "/token", text, "grant_type=client_credentials", &a);
	EXPECT_STATUS(a, 200, "a session token");
	snprintf(session, sizeof(session), "%s", json_text_at(a.json, "access_token"));
	answer_fini(&a);
	EXPECT_CALL_OF(session, "opened with 1");
	tell_server("/revoke");
	EXPECT_CALL_OF(session, "opened with 2");
	cr_expect(saw(session) == 0 && saw(own) == 0 && saw(bob) == 2, "%zu", saw(bob));
	free(text);
	free(own);
	free(bob);
	finish();
}

/* ---- by a link --------------------------------------------------------------------------------- */

/* A text member of a JSON text, without escapes; malloc'ed, NULL: it is not there. */
static char *
member(const char *text, const char *name)
{
	char		 start[64];
	const char	*at;

	snprintf(start, sizeof(start), "\"%s\":\"", name);
	if ((at = strstr(text, start)) == NULL)
		return NULL;
	at += strlen(start);
	return strndup(at, strcspn(at, "\""));
}

/* A client of this revision that can show a url: what its call is answered with. */
static char *
call_with(const char *bearer, bool modern, const char *params)
{
	struct answer	a;
	struct mcp	m;
	char		*body;

	mcp_init(&m, g.mcp, "/servers/guarded/mcp", bearer);
	m.capabilities = "{\"elicitation\":{\"url\":{}}}";
	if (modern) {
		mcp_ask_modern(&m, "tools/call", params, &a);
	} else {
		m.version = "2025-11-25";
		cr_assert(mcp_initialize(&m) == 200);
		mcp_ask(&m, "tools/call", params, &a);
	}
	body = strdup(a.body == NULL ? "" : a.body);
	answer_fini(&a);
	mcp_fini(&m);
	return body;
}

/* As a browser at the gateway's page, with this cookie: status, page, where it is sent, and the cookie that it is given. */
static const char	*origin = "http://localhost";

static int
visit(const char *method, const char *path, const char *form, char cookie[4096], char **page, char location[4096])
{
	char		 headers[6000];
	const char	*at;
	struct answer	 a;
	int		 status;

	snprintf(headers, sizeof(headers), "%s%s%sX: 1\r\n", cookie[0] == '\0' ? "" : "Cookie: other=1; ", cookie,
	    cookie[0] == '\0' ? "" : "\r\n");
	if (form != NULL)
		snprintf(headers + strlen(headers), 300, "Content-Type: application/x-www-form-urlencoded\r\n%s%s\r\n",
		    origin[0] == '\0' ? "" : "Origin: ", origin[0] == '\0' ? "X-More: 1" : origin);
	client_once(g.mcp, method, path, headers, form, &a);
	status = a.status;
	*page = strdup(a.body == NULL ? "" : a.body);
	location[0] = '\0';
	if (a.head != NULL && (at = strstr(a.head, "Location: ")) != NULL)
		snprintf(location, 4096, "%.*s", (int)strcspn(at + 10, "\r\n"), at + 10);
	if (a.head != NULL && (at = strstr(a.head, "Set-Cookie: ")) != NULL) {
		cr_expect(strstr(at, "; HttpOnly; SameSite=Lax") != NULL);
		snprintf(cookie, 4096, "%.*s", (int)strcspn(at + 12, ";\r\n"), at + 12);
	}
	answer_fini(&a);
	return status;
}

static void
through_the_link(const char *url, const char *who)
{
	char		cookie[4096] = "", none[4096] = "", location[4096], back[4096], form[8192], *page;
	const char	*path = strstr(url, "/login?ticket=");

	cr_assert(path != NULL, "%s", url);
	cr_expect(strstr(url, who) == NULL, "the link names nobody");
	cr_expect(visit("GET", path, NULL, cookie, &page, location) == 200 && strstr(page, who) != NULL &&
	    strstr(page, "If somebody sent you this link") != NULL, "%s", page);
	free(page);
	cr_expect(saw("/authorize") == 0, "nothing begins before somebody has said so");
	snprintf(form, sizeof(form), "ticket=%s", path + 14);
	for (const char *const *o = (const char *const[]){ "", "null", "https://evil.example", "http://localhost:1", NULL };
	    *o != NULL; o++) {
		origin = *o;
		cr_expect(visit("POST", "/login", form, cookie, &page, location) == 403 && cookie[0] == '\0', "%s: %s", *o, page);
		free(page);
	}
	origin = "http://localhost";
	cr_expect(visit("POST", "/login", form, cookie, &page, location) == 303 && cookie[0] != '\0', "%s", page);
	free(page);
	cr_expect(strstr(location, "/authorize?") != NULL && strstr(location, "code_challenge_method=S256") != NULL, "%s", location);
	/* Once: not even the same browser begins with it again. */
	cr_expect(visit("POST", "/login", form, none, &page, back) == 400 && strstr(page, "used already") != NULL, "%s", page);
	free(page);
	cr_assert(browse(location, back) == 302 && strstr(back, "/login/done?") != NULL, "%s", back);
	/* Another browser brings nothing back, nor does this one what is not of its login. */
	cr_expect(visit("GET", strstr(back, "/login/done?"), NULL, none, &page, location) == 400 &&
	    strstr(page, "not the browser") != NULL, "%s", page);
	free(page);
	cr_expect(visit("GET", "/login/done?code=x&state=y", NULL, cookie, &page, location) == 400 &&
	    strstr(page, "no answer to this login") != NULL, "%s", page);
	free(page);
	cr_expect(visit("GET", strstr(back, "/login/done?"), NULL, cookie, &page, location) == 200 &&
	    strstr(page, "You are logged in") != NULL, "%s", page);
	free(page);
}

#define CALL	"{\"name\":\"open\",\"arguments\":{}}"

Test(i2_logins, a_client_that_can_show_a_link_is_sent_one, .timeout = 120)
{
	char	*said = NULL, *url, *state, retry[8192], path[6000], cookie[4096] = "", location[4096], *two, *page;

	begin("3600", PER_USER);
	cr_assert(gateway_ctl(&g, &two, false, "key", "add", "--agent", "two", "--name", "b", NULL) == 0);
	two[strcspn(two, "\n")] = '\0';

	/* Modern: input_required, then the same call again. */
	EXPECT_CALL("nobody has logged in");		/* a client that cannot is told in words */
	said = call_with(key, true, CALL);
	cr_expect(strstr(said, "\"resultType\":\"input_required\"") != NULL && strstr(said, "\"mode\":\"url\"") != NULL &&
	    strstr(said, "\"message\":\"guarded: log in there") != NULL, "%s", said);
	cr_assert((url = member(said, "url")) != NULL && (state = member(said, "requestState")) != NULL);
	through_the_link(url, "key:one:");
	snprintf(retry, sizeof(retry), "{\"name\":\"open\",\"arguments\":{},\"requestState\":\"%s\",\"inputResponses\":{\"u1\":"
	    "{\"action\":\"accept\"}}}", state);
	free(said);
	said = call_with(key, true, retry);
	cr_expect(strstr(said, "opened with 1") != NULL, "%s", said);
	free(said);
	free(url);
	free(state);

	/* 2025-11-25: error -32042. */
	EXPECT_CALL_OF(two, "nobody has logged in");
	said = call_with(two, false, CALL);
	cr_expect(strstr(said, "\"code\":-32042") != NULL && strstr(said, "\"elicitationId\":\"") != NULL, "%s", said);
	cr_assert((url = member(said, "url")) != NULL);
	unlink(log_path);
	through_the_link(url, "key:two:");
	free(said);
	said = call_with(two, false, CALL);
	cr_expect(strstr(said, "opened with 2") != NULL, "%s", said);
	free(said);
	EXPECT_CALL("opened with 1");

	/* A ticket that was bent is none, and without one there is no such page. */
	snprintf(path, sizeof(path), "%s", strstr(url, "/login?"));
	path[40] = path[40] == 'A' ? 'B' : 'A';
	cr_expect(visit("GET", path, NULL, cookie, &page, location) == 400 && strstr(page, "not good any more") != NULL);
	free(page);
	cr_expect(visit("GET", "/login", NULL, cookie, &page, location) == 401);
	free(page);
	/* A logged-out user with a list that is known is sent a link too. */
	EXPECT_CTL(&g, 0, "logged out", "server", "logout", "guarded", "--as", "key:two:b");
	said = call_with(two, false, CALL);
	cr_expect(strstr(said, "\"code\":-32042") != NULL, "%s", said);
	free(said);
	said = call_with(two, true, CALL);
	cr_expect(strstr(said, "\"resultType\":\"input_required\"") != NULL, "%s", said);
	free(said);
	EXPECT_CALL_OF(two, "nobody has logged in");
	free(url);
	free(two);
	finish();
}
