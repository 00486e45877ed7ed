/* SPDX-License-Identifier: Apache-2.0
 *
 * loginstate.c - what the gateway knows of its token for a server with "auth"
 *
 * Process: mcpgwctl.  Owns: nothing.
 * Trusts:  nothing; all of it is only shown.
 */
#include <stdio.h>

#include "ctl/out.h"
#include "ctl/show/loginstate.h"
#include "lib/json.h"

static void
take(uint16_t type, const union msg_any *body, int *fds, void *arg)
{
	struct loginstate	*s = arg;

	(void)fds;
	if (type == MSG_TYPE_CTL_LOGIN && body->CTL_LOGIN.text.n < sizeof(s->json))
		snprintf(s->json, sizeof(s->json), "%.*s", SPAN_FMT(body->CTL_LOGIN.text));
}

static uint64_t
number(struct json_value v, const char *name)
{
	uint64_t	n;

	return json_u64(json_get(v, name), &n) == 0 ? n : 0;
}

static struct span
text(struct json_value v, const char *name, struct arena *a)
{
	struct span	s;

	return json_string(json_get(v, name), a, &s) == 0 ? s : SPAN_NONE;
}

static void
put_words(struct json_value v, struct loginstate *s)
{
	char		until[OUT_TIME], since[OUT_TIME];
	uint64_t	ends = number(v, "ends_ms"), login = number(v, "login_ms");
	struct arena	a;
	struct span	why, issuer, scope;
	size_t		n = 0;

	arena_init(&a, NULL, 0, 2 * LOGINSTATE_BYTES);
	why = text(v, "why", &a);
	issuer = text(v, "issuer", &a);
	scope = text(v, "scope", &a);
	if (json_get(v, "users").type == JSON_NUMBER) {
		snprintf(s->line, sizeof(s->line), "a token of each user; now of %llu",
		    (unsigned long long)number(v, "users"));
	} else if (!json_is(json_get(v, "state"), "ready")) {
		snprintf(s->line, sizeof(s->line), "%.*s", SPAN_FMT(why.n > 0 ? why : SPAN_LIT("no token yet")));
	} else {
		n = (size_t)snprintf(s->line, sizeof(s->line), "token of %.*s",
		    (int)(issuer.n > 200 ? 200 : issuer.n), issuer.p);
		if (login > 0)
			n += (size_t)snprintf(s->line + n, sizeof(s->line) - n, ", logged in %s",
			    out_when_ms(login, since));
		if (ends > 0)
			n += (size_t)snprintf(s->line + n, sizeof(s->line) - n, ", ends %s%s", out_when_ms(ends, until),
			    json_get(v, "renews").type == JSON_TRUE ? " and is renewed before" : "");
		if (scope.n > 0)
			n += (size_t)snprintf(s->line + n, sizeof(s->line) - n, ", scope %.*s",
			    (int)(scope.n > 200 ? 200 : scope.n), scope.p);
		if (why.n > 0)
			(void)snprintf(s->line + n, sizeof(s->line) - n, "; %.*s",
			    (int)(why.n > 300 ? 300 : why.n), why.p);
	}
	(void)out_clean(span_of(s->line), s->line, sizeof(s->line));
	arena_fini(&a);
}

void
loginstate_ask(struct ctl *ctl, const struct rec_server *rec, struct span server, struct span tenant,
    struct loginstate *out)
{
	struct msg_CTL		msg = { .command = CTLCMD_server_login, .a = server, .b = tenant, .n = LOGIN_STATE };
	struct json_value	v;
	struct ask		a;

	out->json[0] = out->line[0] = '\0';
	if ((rec->flags & SERVER_FLAG_AUTH) == 0 || (rec->flags & SERVER_FLAG_DISABLED) != 0 ||
	    ask_open(ctl, &a, false) != 0)
		return;
	ask_send(&a, MSG_TYPE_CTL, &msg, NULL, 0);
	if (ask_wait(&a, take, out) != 0 || json_parse(span_of(out->json), true, &v, NULL) != 0)
		out->json[0] = '\0';
	else
		put_words(v, out);
	ask_close(&a);
}
