/* SPDX-License-Identifier: Apache-2.0
 *
 * i2_user_logins.c - tokens of each user for a server that wants some: logged in for, exchanged, sent a link for
 */
#include "tests/integration/logins.h"

/* ---- logged in by an operator ------------------------------------------------------------------ */

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

Test(i2_user_logins, each_user_logs_in_and_has_no_other_ones_token, .timeout = 240)
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

Test(i2_user_logins, a_users_token_is_exchanged_and_never_passed_on, .timeout = 120)
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
Test(i2_user_logins, a_token_of_the_gateway_itself_is_never_exchanged, .timeout = 120)
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

Test(i2_user_logins, a_client_that_can_show_a_link_is_sent_one, .timeout = 120)
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
