/* SPDX-License-Identifier: Apache-2.0
 *
 * i2_logins.c - the gateway's own tokens for a server that wants some: got, renewed, refused, logged in for, kept
 */
#include "tests/integration/logins.h"

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

/* The authorization server knows one place alone to send browsers back to: the operator writes it. */
Test(i2_logins, the_browser_comes_back_where_the_operator_wrote, .timeout = 120)
{
	char	 auth[400], place[64], url[4096], back[4096], none[4096], rest[1024] = "";
	int	 status;
	FILE	*f;

	snprintf(place, sizeof(place), "http://127.0.0.1:%u/back/here", port_free());
	snprintf(auth, sizeof(auth), "{\"grant\":\"authorization_code\",\"issuer\":\"http://127.0.0.1:%%u\",\"client_id\":\"gw\","
	    "\"client_secret\":\"${secret:CLIENT}\",\"redirect_uri\":\"%s\"}", place);
	begin("3600", auth);
	f = login_begin(NULL, url);
	cr_assert(browse(url, back) == 302);
	cr_expect(strncmp(back, place, strlen(place)) == 0 && back[strlen(place)] == '?', "%s is not at %s", back, place);
	cr_expect(browse(back, none) == 200);
	(void)!fread(rest, 1, sizeof(rest) - 1, f);
	status = pclose(f);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0 && strstr(rest, "is logged in") != NULL, "%s", rest);
	EXPECT_CALL("opened with 1");
	finish();
}
