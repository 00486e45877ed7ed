/* SPDX-License-Identifier: Apache-2.0
 *
 * i3_vectors.c - a table of credentials over HTTP: what each is answered, which challenge it gets, and what of it is in
 *                the audit
 */
#include <sys/stat.h>
#include <time.h>

#include <openssl/pem.h>

#include "tests/harness/signer.h"
#include "tests/integration/common.h"

#define ISS	"https://idp.example"
#define SITE	"https://gw.example"
#define AUD	SITE "/mcp"
#define RULES	"{\"agents\":{\"backend\":{\"allow\":{\"servers\":[\"clock\"],\"tools\":{\"clock\":[\"now\"]}}}}}"

/* What the audit says of it. */
#define NOT_OURS	"its issuer is not one of ours"
#define UNPROVEN	"no key of its issuer proves it"
#define FORM		"it is not a signed token"
#define TYPE		"it is of another type"
#define AUDIENCE	"it is for another audience"
#define EXPIRED		"it has expired"
#define EARLY		"it is not valid yet"
#define TIMES		"its times are not numbers, or it has no exp"
#define SUBJECT		"it names no subject"
#define ID_TOKEN	"it is an ID token, which is for the client alone"
#define BOUND		"it is bound to a key of its bearer (cnf), which is not asked for here"
#define HEADER		"its header names keys or extensions of its own"
#define MANY		"there is more than one credential"
#define QUERY		"it stands in the URL"
#define MALFORMED	"what follows Bearer is no token"
#define SCHEME		"it is of a scheme other than Bearer"
#define NO_KEY		"there is no such key, or it has ended"
#define TOO_LONG	"it is too long"

/* How often each reason is to be in the audit. */
struct tally {
	const char	*why;
	bool		 names_issuer;
	int		 want;
	int		 status;
};
static struct tally	tally[64];
static size_t		tallies;
static unsigned		tried;

static struct gateway	g;

static void
tally_add(const char *why, bool names_issuer, int status)
{
	for (size_t i = 0; i < tallies; i++)
		if (strcmp(tally[i].why, why) == 0 && tally[i].names_issuer == names_issuer && tally[i].status == status) {
			tally[i].want++;
			return;
		}
	cr_assert(tallies < sizeof(tally) / sizeof(tally[0]));
	tally[tallies++] = (struct tally){ why, names_issuer, 1, status };
}

static bool
is_told(const char *why)
{
	static const char *const told[] = { AUDIENCE, EXPIRED, EARLY, TIMES, MANY, QUERY, MALFORMED };

	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		if (strcmp(told[i], why) == 0)
			return true;
	return false;
}

/* why NULL: it is good. */
static void
send_it(const char *path, const char *headers, int status, const char *why, bool names_issuer, const char *what)
{
	static const char	meta[] = ", resource_metadata=\"" SITE "/.well-known/oauth-protected-resource/mcp\"";
	const char		*said;
	struct answer		 a;
	char			*all, want[500];

	tried++;
	cr_assert(asprintf(&all, "Content-Type: application/json\r\nAccept: application/json\r\n"
	    "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: server/discover\r\n%s", headers) > 0);
	client_once(g.mcp, "POST", path, all, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server/discover\",\"params\":{\"_meta\":{"
	    "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientInfo\":{\"name\":\"t\","
	    "\"version\":\"1\"},\"io.modelcontextprotocol/clientCapabilities\":{}}}}", &a);
	free(all);
	EXPECT_STATUS(a, status, "%s", what);
	said = answer_header(&a, "WWW-Authenticate");
	if (why == NULL || status == 431) {
		cr_expect(said == NULL, "%s: %s", what, said);
	} else {
		if (strcmp(why, SCHEME) == 0)
			snprintf(want, sizeof(want), "Bearer realm=\"mcpgw\"%s", meta);
		else
			snprintf(want, sizeof(want), "Bearer realm=\"mcpgw\", error=\"%s\"%s%s%s%s",
			    status == 400 ? "invalid_request" : "invalid_token", is_told(why) ? ", error_description=\"" : "",
			    is_told(why) ? why : "", is_told(why) ? "\"" : "", meta);
		cr_expect(said != NULL && strcmp(said, want) == 0, "%s: %s, not %s", what, said == NULL ? "(none)" : said, want);
		tally_add(why, names_issuer, status);
	}
	answer_fini(&a);
}

static void
send_token(char *token, const char *why, bool names_issuer, const char *what)
{
	char	*header;

	cr_assert(asprintf(&header, "Authorization: Bearer %s\r\n", token) > 0);
	send_it("/mcp", header, why == NULL ? 200 : 401, why, names_issuer, what);
	free(header);
	free(token);
}

/* ---- the gateway --------------------------------------------------------------------------------- */

static void
start(void)
{
	static const enum jws_alg	algs[] = { JWS_ALG_RS256, JWS_ALG_ES256, JWS_ALG_ES384, JWS_ALG_ES512, JWS_ALG_EDDSA };
	char				*keys[5], *text, path[400];

	for (size_t i = 0; i < 5; i++)
		keys[i] = signer_jwk(algs[i], jws_alg_name(algs[i]));
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = RULES, .conf = "public_url = " SITE "\n" });
	gateway_write(&g, "secrets/IDP", SIGNER_SECRET "\n");
	snprintf(path, sizeof(path), "%s/etc/secrets/IDP", g.dir);
	cr_assert(chmod(path, 0600) == 0);
	cr_assert(asprintf(&text, "{\"issuers\":{\"" ISS "\":{\"agent\":\"backend\",\"secret\":\"${secret:IDP}\",\"algorithms\":["
	    "\"RS256\",\"RS384\",\"RS512\",\"PS256\",\"PS384\",\"PS512\",\"ES256\",\"ES384\",\"ES512\",\"EdDSA\",\"HS256\",\"HS384\","
	    "\"HS512\"],\"keys\":[%s,%s,%s,%s,%s]}}}", keys[0], keys[1], keys[2], keys[3], keys[4]) > 0);
	gateway_write(&g, "issuers.json", text);
	cr_assert(gateway_ctl(&g, NULL, true, "reload", NULL) == 0);
	free(text);
	for (size_t i = 0; i < 5; i++)
		free(keys[i]);
}

static const char *
kid_of(enum jws_alg a)
{
	return jws_alg_family(a) <= JWS_PSS ? "RS256" : jws_alg_name(a);
}

/* ---- what claims say, of each algorithm ------------------------------------------------------------ */

static void
try_claims(void)
{
	static const struct {
		const char	*what, *claims;		/* %1$ld: a while ago, %2$ld: a while on, %3$ld: later still */
		const char	*why;
		bool		 names_issuer;
	} rows[] = {
		{ "good", "\"iss\":\"" ISS "\",\"aud\":\"" AUD "\",\"sub\":\"ann\",\"exp\":%2$ld", NULL, true },
		{ "one audience of two", "\"iss\":\"" ISS "\",\"aud\":[\"x\",\"" AUD "/\"],\"sub\":\"ann\",\"exp\":%2$ld", NULL, true },
		{ "expired", "\"iss\":\"" ISS "\",\"aud\":\"" AUD "\",\"sub\":\"ann\",\"exp\":%1$ld", EXPIRED, true },
		{ "not yet", "\"iss\":\"" ISS "\",\"aud\":\"" AUD "\",\"sub\":\"ann\",\"exp\":%3$ld,\"nbf\":%2$ld", EARLY, true },
		{ "issued in the future", "\"iss\":\"" ISS "\",\"aud\":\"" AUD "\",\"sub\":\"ann\",\"exp\":%3$ld,\"iat\":%2$ld", EARLY,
		    true },
		{ "without end", "\"iss\":\"" ISS "\",\"aud\":\"" AUD "\",\"sub\":\"ann\"", TIMES, true },
		{ "an end that is text", "\"iss\":\"" ISS "\",\"aud\":\"" AUD "\",\"sub\":\"ann\",\"exp\":\"%2$ld\"", TIMES, true },
		{ "another audience", "\"iss\":\"" ISS "\",\"aud\":\"" SITE "/servers/clock/mcp\",\"sub\":\"ann\",\"exp\":%2$ld",
		    AUDIENCE, true },
		{ "the client as audience", "\"iss\":\"" ISS "\",\"aud\":\"client-7\",\"azp\":\"" AUD "\",\"sub\":\"ann\",\"exp\":%2$ld",
		    AUDIENCE, true },
		{ "no audience", "\"iss\":\"" ISS "\",\"sub\":\"ann\",\"exp\":%2$ld", AUDIENCE, true },
		{ "another issuer", "\"iss\":\"" ISS "/\",\"aud\":\"" AUD "\",\"sub\":\"ann\",\"exp\":%2$ld", NOT_OURS, false },
		{ "no issuer", "\"aud\":\"" AUD "\",\"sub\":\"ann\",\"exp\":%2$ld", NOT_OURS, false },
		{ "no subject", "\"iss\":\"" ISS "\",\"aud\":\"" AUD "\",\"exp\":%2$ld", SUBJECT, true },
		{ "an ID token by its hash", "\"iss\":\"" ISS "\",\"aud\":\"" AUD "\",\"sub\":\"ann\",\"exp\":%2$ld,\"at_hash\":\"x\"",
		    ID_TOKEN, true },
		{ "an ID token by its nonce", "\"iss\":\"" ISS "\",\"aud\":\"" AUD "\",\"sub\":\"ann\",\"exp\":%2$ld,\"nonce\":\"x\"",
		    ID_TOKEN, true },
		{ "bound to a key", "\"iss\":\"" ISS "\",\"aud\":\"" AUD "\",\"sub\":\"ann\",\"exp\":%2$ld,\"cnf\":{\"jkt\":\"x\"}",
		    BOUND, true },
	};
	const long	now = (long)time(NULL);
	char		claims[500], header[100], what[80];

	for (int a = 0; a < JWS_ALG_LIMIT; a++)
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			char	inner[440];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
#pragma GCC diagnostic ignored "-Wformat"
			snprintf(inner, sizeof(inner), rows[i].claims, now - 120, now + 600, now + 1200);
#pragma GCC diagnostic pop
			snprintf(claims, sizeof(claims), "{%s}", inner);
			snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"kid\":\"%s\"}", jws_alg_name((enum jws_alg)a),
			    kid_of((enum jws_alg)a));
			snprintf(what, sizeof(what), "%s, %s", jws_alg_name((enum jws_alg)a), rows[i].what);
			send_token(signer_token(header, claims, (enum jws_alg)a, false), rows[i].why, rows[i].names_issuer, what);
		}
}

/* ---- what heads say, and what is no signature ------------------------------------------------------ */

static char	good[300];		/* claims that are */

static void
try_heads(void)
{
	static const struct { const char *header, *why; } rows[] = {
		{ "{\"alg\":\"ES256\"}", NULL },
		{ "{\"alg\":\"ES256\",\"typ\":\"JWT\"}", NULL },
		{ "{\"alg\":\"ES256\",\"typ\":\"at+jwt\"}", NULL },
		{ "{\"alg\":\"ES256\",\"typ\":\"application/AT+JWT\"}", NULL },
		{ "{\"alg\":\"ES256\",\"typ\":\"logout+jwt\"}", TYPE },
		{ "{\"alg\":\"ES256\",\"typ\":\"dpop+jwt\"}", TYPE },
		{ "{\"alg\":\"ES256\",\"typ\":\"oauth-id-jag+jwt\"}", TYPE },
		{ "{\"alg\":\"ES256\",\"typ\":\"application/secevent+jwt\"}", TYPE },
		{ "{\"alg\":\"ES256\",\"kid\":\"another\"}", UNPROVEN },
		{ "{\"alg\":\"ES256\",\"kid\":\"ES384\"}", UNPROVEN },
		{ "{\"alg\":\"ES256\",\"kid\":\"../../etc/passwd\"}", UNPROVEN },
		{ "{\"alg\":\"ES256\",\"kid\":7}", FORM },
		{ "{\"alg\":\"ES256\",\"jku\":\"https://evil.example/jwks\"}", HEADER },
		{ "{\"alg\":\"ES256\",\"x5u\":\"https://evil.example/cert\"}", HEADER },
		{ "{\"alg\":\"ES256\",\"jwk\":{\"kty\":\"EC\"}}", HEADER },
		{ "{\"alg\":\"ES256\",\"x5c\":[\"MII=\"]}", HEADER },
		{ "{\"alg\":\"ES256\",\"crit\":[\"exp\"]}", HEADER },
		{ "{\"alg\":\"ES256\",\"b64\":false}", HEADER },
		{ "{\"alg\":\"ES256\",\"zip\":\"DEF\"}", HEADER },
		{ "{\"alg\":\"ES256\",\"enc\":\"A128GCM\"}", HEADER },
		{ "{\"alg\":\"ES256\",\"alg\":\"none\"}", FORM },
		{ "{\"alg\":\"es256\"}", UNPROVEN }, { "{\"alg\":\"ES256 \"}", UNPROVEN }, { "{\"alg\":\"ES256K\"}", UNPROVEN },
		{ "{\"alg\":\"ES384\"}", UNPROVEN }, { "{\"alg\":\"RS256\"}", UNPROVEN }, { "{\"alg\":\"HS256\"}", UNPROVEN },
		{ "{\"alg\":\"\"}", UNPROVEN }, { "{}", UNPROVEN }, { "{\"alg\":null}", FORM }, { "[]", FORM },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		send_token(signer_token(rows[i].header, good, JWS_ALG_ES256, false), rows[i].why,
		    rows[i].why == NULL || strcmp(rows[i].why, UNPROVEN) == 0 || strcmp(rows[i].why, TYPE) == 0, rows[i].header);
}

static char *
without_signature(const char *header)
{
	return signer_with(header, good, "", 0);
}

static void
try_signatures(void)
{
	static const size_t	 lengths[] = { 0, 1, 32, 63, 65, 72, 96, 128, 132, 256 };
	static const char *const nones[] = { "none", "None", "NONE", "nOnE" };
	const struct span	 der = signer_der(JWS_ALG_RS256);
	unsigned char		 bytes[256] = { 1 };
	char			 header[60], *pem;
	BIO			*bio = BIO_new(BIO_s_mem());
	long			 n;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		for (int k = 0; k < 3; k++) {
			static const enum jws_alg	ec[] = { JWS_ALG_ES256, JWS_ALG_ES384, JWS_ALG_ES512 };

			snprintf(header, sizeof(header), "{\"alg\":\"%s\"}", jws_alg_name(ec[k]));
			send_token(signer_with(header, good, bytes, lengths[i]), UNPROVEN, true, "a signature of a wrong length");
		}
	memset(bytes, 0, sizeof(bytes));
	send_token(signer_with("{\"alg\":\"ES256\"}", good, bytes, 64), UNPROVEN, true, "r and s are zero");
	for (size_t i = 0; i < 4; i++) {
		snprintf(header, sizeof(header), "{\"alg\":\"%s\"}", nones[i]);
		send_token(without_signature(header), UNPROVEN, true, nones[i]);
		send_token(signer_token(header, good, JWS_ALG_ES256, false), UNPROVEN, true, nones[i]);
	}
	/* A public key is no secret: as DER, as PEM, and the empty one. */
	for (int a = JWS_ALG_HS256; a <= JWS_ALG_HS512; a++) {
		snprintf(header, sizeof(header), "{\"alg\":\"%s\"}", jws_alg_name((enum jws_alg)a));
		send_token(signer_hmac(header, good, (enum jws_alg)a, der), UNPROVEN, true, "HMAC with a public key");
		send_token(signer_hmac(header, good, (enum jws_alg)a, SPAN_LIT("")), UNPROVEN, true, "HMAC without a key");
	}
	OPENSSL_free((void *)(uintptr_t)der.p);
	cr_assert(PEM_write_bio_PUBKEY(bio, signer_key(JWS_ALG_RS256, false)) == 1);
	n = BIO_get_mem_data(bio, &pem);
	send_token(signer_hmac("{\"alg\":\"HS256\"}", good, JWS_ALG_HS256, span_make(pem, (size_t)n)), UNPROVEN, true,
	    "HMAC with a public key as text");
	BIO_free(bio);
	for (int a = 0; a < JWS_ALG_LIMIT; a++) {
		snprintf(header, sizeof(header), "{\"alg\":\"%s\"}", jws_alg_name((enum jws_alg)a));
		send_token(signer_token(header, good, (enum jws_alg)a, true), UNPROVEN, true, "a stranger's");
	}
}

/* ---- what is no token ------------------------------------------------------------------------------ */

static void
try_forms(void)
{
	static const char *const forms[] = { "a.b.c", "e30.e30.e30", "...", "a.b", "e30.e30.e30.e30", "e30..e30", ".e30.e30" };
	static const struct { const char *path, *headers; int status; const char *why; } rows[] = {
		{ "/mcp", "Authorization: Bearer\r\n", 400, MALFORMED },
		{ "/mcp", "Authorization: Bearer \r\n", 400, MALFORMED },
		{ "/mcp", "Authorization: Bearer a.b.c d\r\n", 400, MALFORMED },
		{ "/mcp", "Authorization: Bearer \"a.b.c\"\r\n", 400, MALFORMED },
		{ "/mcp", "Authorization: Bearer a.b.c, Bearer a.b.c\r\n", 400, MALFORMED },
		{ "/mcp", "Authorization: Bearer a.b.c;x=1\r\n", 400, MALFORMED },
		{ "/mcp", "Authorization: Bearer a.b.c\r\nAuthorization: Bearer a.b.c\r\n", 400, MANY },
		{ "/mcp", "Authorization: Basic YTpi\r\nAuthorization: Bearer a.b.c\r\n", 400, MANY },
		{ "/mcp", "Authorization: Bearer a.b.c\r\nMcpgw-As: backend\r\n", 400, MANY },
		{ "/mcp?access_token=a.b.c", "", 400, QUERY },
		{ "/mcp?x=1&access_token=a.b.c", "", 400, QUERY },
		{ "/mcp?api_key=mgk_x", "", 400, QUERY },
		{ "/mcp?token=a.b.c", "Authorization: Bearer a.b.c\r\n", 400, QUERY },
		{ "/mcp", "Authorization: Basic YTpi\r\n", 401, SCHEME },
		{ "/mcp", "Authorization: DPoP a.b.c\r\n", 401, SCHEME },
		{ "/mcp", "Authorization: a.b.c\r\n", 401, SCHEME },
		{ "/mcp", "Authorization: Bearera.b.c\r\n", 401, SCHEME },
		{ "/mcp", "Authorization: bearer mgk_nobody\r\n", 401, NO_KEY },
		{ "/mcp", "Authorization: BEARER x\r\n", 401, NO_KEY },
	};
	char	*text, *big;

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		send_token(strdup(forms[i]), strcmp(forms[i], "e30.e30.e30") == 0 ? NOT_OURS : FORM, false, forms[i]);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		send_it(rows[i].path, rows[i].headers, rows[i].status, rows[i].why, false, rows[i].headers);
	big = malloc(20001);
	memset(big, 'a', 20000);
	big[600] = '\0';
	cr_assert(asprintf(&text, "Authorization: Bearer %s\r\n", big) > 0);
	send_it("/mcp", text, 401, TOO_LONG, false, "a key of 600 characters");
	free(text);
	big[600] = '.';
	big[20000] = '\0';
	cr_assert(asprintf(&text, "Authorization: Bearer %s\r\n", big) > 0);
	send_it("/mcp", text, 431, NULL, false, "a token that no head has room for");
	free(text);
	free(big);
}

/* Each refusal is in the audit: at once, or counted with others of its kind in the same second. */
static void
expect_records(void)
{
	json_object	*records = gateway_audit(&g), *r;
	size_t		 refused = 0;
	int		 count;

	cr_expect(strstr(json_object_to_json_string(records), "eyJ") == NULL, "a token is in the audit");
	for (size_t i = 0; i < json_object_array_length(records); i++) {
		r = json_object_array_get_idx(records, i);
		if (strcmp(json_text_at(r, "kind"), "credential") != 0)
			continue;
		refused++;
		count = json_at(r, "count") == NULL ? 1 : json_int_at(r, "count");
		cr_expect(strcmp(json_text_at(r, "client"), "127.0.0.1") == 0 && strcmp(json_text_at(r, "outcome"), "refused") == 0 &&
		    json_at(r, "agent") == NULL && json_at(r, "principal") == NULL && strcmp(json_text_at(r, "error"),
		    json_int_at(r, "status") == 400 ? "BAD_REQUEST" : "UNAUTHENTICATED") == 0, "%s", json_object_to_json_string(r));
		for (size_t k = 0; k < tallies; k++)
			if (strcmp(tally[k].why, json_text_at(r, "object")) == 0 && tally[k].status == json_int_at(r, "status") &&
			    strcmp(json_text_at(r, "rule"), tally[k].names_issuer ? "issuers." ISS : "") == 0) {
				tally[k].want -= count;
				count = 0;
			}
		cr_expect(count == 0, "nobody was refused for this: %s", json_object_to_json_string(r));
	}
	for (size_t k = 0; k < tallies; k++)
		cr_expect(tally[k].want == 0, "%d of \"%s\" are not in the audit", tally[k].want, tally[k].why);
	cr_expect(refused < 100, "%zu records of %u", refused, tried);
	json_object_put(records);
}

Test(vectors, are_answered_challenged_and_recorded, .timeout = 300)
{
	start();
	snprintf(good, sizeof(good), "{\"iss\":\"" ISS "\",\"aud\":\"" AUD "\",\"sub\":\"ann\",\"exp\":%ld}", (long)time(NULL) + 600);
	try_claims();
	try_heads();
	try_signatures();
	try_forms();
	cr_expect(tried >= 120, "%u", tried);
	printf("# %u credentials\n", tried);
	sleep_ms(2500);
	expect_records();
	gateway_stop(&g);
}
