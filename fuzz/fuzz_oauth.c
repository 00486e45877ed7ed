/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_oauth.c - the way to a token: whatever servers answer, no secret goes to another issuer and a flow comes to an end
 *
 * The first byte chooses the grant and what is known; then answers, one after the other: a byte for the status, then the
 * body up to a zero byte, which is the challenge of a 401 as well.
 */
#include <stdint.h>
#include <string.h>

#include "lib/bug.h"
#include "oauth/flow.h"

#define STEPS_MAX	64

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const unsigned	statuses[] = { 200, 201, 302, 400, 401, 403, 404, 500 };

static void
look(const struct oauth_fetch *f)
{
	BUG_ON(f->url.n == 0 || f->url.n > OAUTH_URL_MAX + 64);
	for (size_t i = 0; i < f->url.n; i++)
		BUG_ON((uint8_t)f->url.p[i] <= ' ' || (uint8_t)f->url.p[i] >= 0x7f);
	/* Whatever is secret goes to the operator's issuer, or to an endpoint that it names. */
	BUG_ON(f->authorization.n > 0 && (!f->secret || !f->post));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct oauth_grant known = { .issuer = SPAN_LIT("https://as"), .refresh_token = SPAN_LIT("r"),
	    .token_endpoint = SPAN_LIT("https://as/t"), .client_id = SPAN_LIT("c"), .registered = 1 };
	struct oauth_client	 c = { .url = SPAN_LIT("https://u/mcp"), .alg = JWS_ALG_LIMIT, .may_register = true,
	    .redirect_uri = SPAN_LIT("http://127.0.0.1:1/cb"), .subject_token = SPAN_LIT("st") };
	struct oauth_begin	 b = { .client = &c };
	struct span		 rest = span_make(data, n), body;
	struct oauth_flow	*flow;
	struct oauth_grant	 g;

	if (n == 0 || oauth_grant_read(rest, &g) == E_NOMEM)
		return 0;
	c.kind = (enum oauth_kind)(data[0] & 3);
	b.aim = (data[0] & 4) != 0 ? OAUTH_AIM_LOGIN : OAUTH_AIM_TOKEN;
	b.known = (data[0] & 8) != 0 ? &known : NULL;
	b.step_up = (data[0] & 16) != 0;
	if ((data[0] & 32) != 0) {
		c.issuer = SPAN_LIT("https://as");
		c.client_id = SPAN_LIT("me");
		c.client_secret = SPAN_LIT("s3cret");
	}
	rest = span_part(rest, 1, rest.n);
	if (oauth_flow_new(&b, &flow) != 0)
		return 0;
	for (unsigned i = 0; i < STEPS_MAX; i++) {
		enum oauth_step		step = oauth_flow_step(flow, 1000);
		struct oauth_fetched	a = { .status = statuses[rest.n == 0 ? 0 : (uint8_t)rest.p[0] & 7] };
		const char		*end;

		rest = span_part(rest, 1, rest.n);
		end = rest.n == 0 ? NULL : memchr(rest.p, '\0', rest.n);
		body = span_part(rest, 0, end == NULL ? rest.n : (size_t)(end - rest.p));
		rest = span_part(rest, body.n + 1, rest.n);
		if (step == OAUTH_STEP_DONE) {
			BUG_ON(oauth_flow_grant(flow)->access_token.n == 0);
			break;
		}
		if (step == OAUTH_STEP_FAILED) {
			BUG_ON(oauth_flow_why(flow)[0] == '\0');
			break;
		}
		if (step == OAUTH_STEP_BROWSER) {
			if (oauth_flow_redirected(flow, body) != 0 && rest.n == 0)
				break;
			continue;
		}
		look(oauth_flow_fetch(flow));
		a.body = a.challenge = body;
		oauth_flow_fetched(flow, &a);
		BUG_ON(i == STEPS_MAX - 1);
	}
	oauth_flow_free(&flow);
	return 0;
}
