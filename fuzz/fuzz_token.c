/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_token.c - tokens of an issuer: none is taken but those that were signed, and of those none that says nothing
 *
 * The first byte chooses: the rest is a token; or changes of a good one, three bytes each; or a header, a line feed and
 * claims, which are signed as they are.
 */
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/x509.h>

#include "auth/issuers.h"
#include "auth/jwt.h"
#include "lib/b64.h"
#include "lib/bug.h"
#include "policy/build.h"

#define SECRET	"a secret that is shared with the issuer, and long enough for all three: 64"
#define ISS	"https://idp.example"
#define CLAIMS	"{\"iss\":\"" ISS "\",\"aud\":\"https://gw.example/mcp\",\"sub\":\"ann\",\"exp\":1800000600}"
#define NOW_MS	(UINT64_C(1800000000) * 1000)
#define GOOD	2

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const uint8_t	 seed[32] = { 7 };
static EVP_PKEY		*key;
static struct snap	*policy, *secrets;
static struct issuers	*issuers;
static char		 good[GOOD][1024];

static struct stext
text(struct build *b, const char *s, size_t n)
{
	struct stext	t;

	BUG_ON(build_text(b, span_make(s, n), &t) != 0);
	return t;
}

#define TEXT(b, s)	text(b, s, sizeof(s) - 1)

static struct snap *
sealed(struct build *b)
{
	struct snap	*s;
	uint64_t	 length;
	int		 fd;

	BUG_ON(build_seal(b, 1, &fd, &length) != 0 || snap_map(fd, &s) != 0);
	close(fd);
	build_free(&b);
	return s;
}

/* Of header and claims, into `to`, which has room. */
static void
sign(struct span header, struct span claims, bool ed, char *to)
{
	uint8_t		 signature[EVP_MAX_MD_SIZE];
	unsigned	 bytes = 0;
	size_t		 n = B64URL_CHARS(header.n), ed_bytes = sizeof(signature);
	EVP_MD_CTX	*ctx;

	b64url_encode((const uint8_t *)header.p, header.n, to);
	to[n++] = '.';
	b64url_encode((const uint8_t *)claims.p, claims.n, to + n);
	n += B64URL_CHARS(claims.n);
	if (ed) {
		ctx = EVP_MD_CTX_new();
		BUG_ON(EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) != 1 ||
		    EVP_DigestSign(ctx, signature, &ed_bytes, (const uint8_t *)to, n) != 1);
		EVP_MD_CTX_free(ctx);
		bytes = (unsigned)ed_bytes;
	} else {
		BUG_ON(HMAC(EVP_sha256(), SECRET, sizeof(SECRET) - 1, (const uint8_t *)to, n, signature, &bytes) == NULL);
	}
	to[n++] = '.';
	b64url_encode(signature, bytes, to + n);
	to[n + B64URL_CHARS(bytes)] = '\0';
}

static void
start(void)
{
	struct rec_issuer	 i = { .verifier_count = 1, .audience_count = 1, .skew_s = 60 };
	struct rec_verifier	 v = { .algs = UINT32_MAX };
	struct rec_tenant	 tenant;
	struct rec_agent	 agent;
	struct rec_audience	 aud;
	struct rec_secret	 secret;
	struct build		*b;
	unsigned char		*der = NULL;
	int			 n;

	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
	BUG_ON(key == NULL || (n = i2d_PUBKEY(key, &der)) <= 0 || build_new(SNAP_POLICY, "", &b) != 0);
	tenant = (struct rec_tenant){ .name = TEXT(b, "default") };
	BUG_ON(build_add(b, SECTION_TENANT, &tenant, NULL) != 0);
	agent = (struct rec_agent){ .name = TEXT(b, "backend") };
	BUG_ON(build_add(b, SECTION_AGENT, &agent, NULL) != 0);
	aud = (struct rec_audience){ TEXT(b, "https://gw.example/mcp") };
	BUG_ON(build_add(b, SECTION_AUDIENCE, &aud, NULL) != 0);
	v.der = text(b, (const char *)der, (size_t)n);
	OPENSSL_free(der);
	BUG_ON(build_add(b, SECTION_VERIFIER, &v, NULL) != 0);
	i.name = TEXT(b, ISS);
	i.subject_claim = TEXT(b, "sub");
	i.agent = TEXT(b, "backend");
	i.secret_algs = JWS_ALG_BIT(JWS_ALG_HS256);
	BUG_ON(build_add(b, SECTION_ISSUER, &i, NULL) != 0);
	policy = sealed(b);
	BUG_ON(build_new(SNAP_SECRETS, "worker", &b) != 0);
	secret = (struct rec_secret){ .tenant = TEXT(b, "default"), .server = text(b, "", 0), .name = TEXT(b, ISS), .value = TEXT(b, SECRET) };
	BUG_ON(build_add(b, SECTION_SECRET, &secret, NULL) != 0);
	secrets = sealed(b);
	BUG_ON(issuers_new(policy, &issuers) != 0);
	sign(SPAN_LIT("{\"alg\":\"HS256\"}"), SPAN_LIT(CLAIMS), false, good[0]);
	sign(SPAN_LIT("{\"alg\":\"EdDSA\",\"kid\":\"a\"}"), SPAN_LIT(CLAIMS), true, good[1]);
}

/* Is it taken?  Whose it is must be whole then. */
static bool
takes(struct span token)
{
	struct bearer	 who;
	const char	*why, *told;
	struct arena	 a;
	int		 r;

	arena_init(&a, NULL, 0, 1 << 20);
	if ((r = issuers_bearer(issuers, secrets, SPAN_NONE, token, NOW_MS, &a, &who, &why, &told)) == 0)
		BUG_ON(!span_is(who.agent, "backend") || who.subject.n <= sizeof(" at " ISS) - 1 ||
		    who.ends_ms <= NOW_MS || token.n > JWT_MAX);
	else
		BUG_ON((r != E_HTTP_CREDENTIAL && r != E_NOMEM) || why == NULL || who.agent.n > 0);
	arena_fini(&a);
	return r == 0;
}

static bool
is_good(struct span token)
{
	return span_is(token, good[0]) || span_is(token, good[1]);
}

static void
changed(struct span changes, const char *token)
{
	char	to[sizeof(good[0])];
	size_t	n = strlen(token);

	memcpy(to, token, n);
	for (; changes.n >= 3; changes = span_part(changes, 3, changes.n))
		to[((uint8_t)changes.p[0] | (uint8_t)changes.p[1] << 8) % n] = changes.p[2];
	if (changes.n > 0)
		n -= (uint8_t)changes.p[0] % n;
	BUG_ON(takes(span_make(to, n)) != is_good(span_make(to, n)));
}

static void
written(struct span in, bool ed)
{
	const char		*lf = in.n == 0 ? NULL : memchr(in.p, '\n', in.n);
	size_t			 n = lf == NULL ? in.n : (size_t)(lf - in.p);
	struct span		 header = span_part(in, 0, n), claims = span_part(in, n + 1, in.n);
	struct json_value	 h, c;
	char			*token = malloc(B64URL_CHARS(header.n) + B64URL_CHARS(claims.n) + 256);

	BUG_ON(token == NULL);
	sign(header, claims, ed, token);
	if (takes(span_of(token))) {
		BUG_ON(json_parse(header, true, &h, NULL) != 0 || json_parse(claims, true, &c, NULL) != 0);
		BUG_ON(json_get(c, "exp").type != JSON_NUMBER || json_get(h, "alg").type != JSON_STRING ||
		    json_get(h, "crit").type != JSON_NONE || json_get(h, "jwk").type != JSON_NONE);
	}
	free(token);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span	in = span_make(data, n);

	if (policy == NULL)
		start();
	BUG_ON(!takes(span_of(good[0])) || !takes(span_of(good[1])));
	if (n == 0)
		return 0;
	in = span_part(in, 1, in.n);
	switch (data[0] & 3) {
	case 0:
		BUG_ON(takes(in) != is_good(in));
		break;
	case 1:
		changed(in, good[data[0] >> 2 & 1]);
		break;
	default:
		written(in, (data[0] & 1) != 0);
		break;
	}
	return 0;
}
