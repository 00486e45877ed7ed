/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_snap.c - a policy snapshot under a right sum but with any content: decisions and look-ups stay
 * inside it, end, and are the same twice
 *
 * The input is laid over a small policy, so that most of it stays believable: pairs of a place and a
 * byte, two bytes each for the place.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/bug.h"
#include "lib/fd.h"
#include "lib/sum.h"
#include "policy/build.h"
#include "policy/decide.h"
#include "policy/params.h"
#include "policy/policy.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static char	*image;
static size_t	 image_bytes;

static void
add(struct build *b, enum snap_section section, const void *record)
{
	BUG_ON(build_add(b, section, record, NULL) != 0);
}

static struct stext
text(struct build *b, const char *s)
{
	struct stext	t;

	BUG_ON(build_text(b, span_of(s), &t) != 0);
	return t;
}

/* One agent "a", one server "s"; explicit allow of s and s.t, wildcard deny of s.d*. */
static void
image_make(void)
{
	struct rec_exact	table[4] = { { 0 } };
	struct rec_rule		rule = { .line = 1 };
	struct build		*b;
	uint64_t		 length, hash;
	int			 fd;

	BUG_ON(build_new(SNAP_POLICY, "", &b) != 0);
	for (uint32_t i = 0; i < PARAM_ID_LIMIT; i++)
		add(b, SECTION_PARAM, &(struct rec_param){ .id = i });
	add(b, SECTION_TENANT, &(struct rec_tenant){ .name = text(b, "default"), .flags = 1, .fallback = 1 });
	add(b, SECTION_SERVER, &(struct rec_server){ .name = text(b, "s") });
	add(b, SECTION_SERVER_BY_NAME, &(struct rec_index){ 0 });
	add(b, SECTION_AGENT, &(struct rec_agent){ .name = text(b, "a"), .exact_slots = 4, .wild_count = 1,
	    .limit = 1 });
	rule.server = text(b, "s");
	for (unsigned i = 0; i < 3; i++) {
		rule.about = i == 0 ? RULE_ABOUT_SERVER : RULE_ABOUT_TOOL;
		rule.rule_class = i == 2 ? RULE_WILDCARD_DENY : RULE_EXPLICIT_ALLOW;
		rule.deny = i == 2;
		rule.pattern = text(b, i == 0 ? "s" : i == 1 ? "t" : "d*");
		add(b, SECTION_RULE, &rule);
		if (i == 2)
			break;
		hash = policy_exact_hash(rule.about, sum64(SPAN_LIT("s")), sum64(i == 0 ? SPAN_NONE : SPAN_LIT("t")));
		for (unsigned k = hash & 3; ; k = (k + 1) & 3)
			if (table[k].rule == 0) {
				table[k] = (struct rec_exact){ hash, i + 1, 0 };
				break;
			}
	}
	for (unsigned i = 0; i < 4; i++)
		add(b, SECTION_EXACT, &table[i]);
	add(b, SECTION_WILD, &(struct rec_wild){ .server = text(b, "s"), .rule = 2 });
	add(b, SECTION_PEER, &(struct rec_peer){ .id = 1000 });
	add(b, SECTION_HOST, &(struct rec_host){ .text = text(b, "localhost") });
	add(b, SECTION_BUCKET, &(struct rec_limit){ .interval_ns = 1, .burst = 1 });
	add(b, SECTION_TENANT_LIMIT, &(struct rec_limit){ .of = LIMIT_OF_TENANT, .quota_count = 1 });
	add(b, SECTION_QUOTA, &(struct rec_quota){ .hard = 1 });
	add(b, SECTION_SECRET, &(struct rec_secret){ .tenant = text(b, "default"), .server = text(b, "s") });
	add(b, SECTION_KEY, &(struct rec_key){ .name = text(b, "k") });
	add(b, SECTION_PROFILE, &(struct rec_profile){ .server = text(b, "s") });
	BUG_ON(build_seal(b, 1, &fd, &length) != 0);
	build_free(&b);
	BUG_ON(fd_read_all(fd, 1 << 20, &image, &image_bytes) != 0);
	fd_close(&fd);
}

static void
secret_seen(struct span name, struct span value, void *arg)
{
	*(size_t *)arg += name.n + value.n;
}

static void
ask(const struct snap *s)
{
	static const char *const names[] = { "", "t", "d", "dx", "s", "a", "*" };
	static const uint8_t	 digest[32];
	struct decision		 first, again;
	struct principal	 who = { .tenant = SPAN_LIT("default"), .agent = SPAN_LIT("a") };
	struct object		 what;
	struct params		 p;
	uint32_t		 gids[] = { 1, 2 };
	size_t			 sum = 0;

	for (unsigned kind = 0; kind <= OBJECT_KIND_LIMIT; kind++)
		for (unsigned i = 0; i < 7; i++) {
			what = (struct object){ (enum object_kind)kind, SPAN_LIT("s"), span_of(names[i]) };
			memset(&first, 0, sizeof(first));
			memset(&again, 0, sizeof(again));
			decide(s, &who, &what, &first);
			decide(s, &who, &what, &again);
			BUG_ON(first.allow != again.allow || first.rule != again.rule || first.class_text == NULL ||
			    (first.allow && first.hide));
			if (first.path.n > 0)
				sum += (unsigned char)first.path.p[first.path.n - 1];
			if (first.file.n > 0)
				sum += (unsigned char)first.file.p[first.file.n - 1];
		}
	(void)policy_server_find(s, who.tenant, SPAN_LIT("s"));
	(void)policy_agent_default(s, who.tenant);
	(void)policy_peer_find(s, SPAN_NONE, 1000, gids, 2, &(bool){ false });
	(void)policy_host_ok(s, SPAN_LIT("localhost:80"), false);
	(void)policy_limit_tool(s, who.tenant, SPAN_LIT("s"), SPAN_LIT("t"));
	(void)policy_key_find(s, digest);
	(void)policy_profile_find(s, 0);
	policy_secrets_each(s, who.tenant, SPAN_LIT("s"), secret_seen, &sum);
	if (params_load(s, &p) == 0 && p.listen.n > 0)
		sum += (unsigned char)p.listen.p[p.listen.n - 1];
	for (uint64_t i = 0; i < 64; i++) {
		const struct rec_server *v = policy_server_at(s, i);
		const char		*c = v == NULL ? NULL : snap_cstr(s, v->name);

		sum += c == NULL ? 0 : strlen(c);
	}
	__asm__ volatile("" : : "r"(sum));		/* it was read */
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct snap_head	h;
	struct snap		*s;
	char			*lie;
	int			 fd;

	if (image == NULL)
		image_make();
	BUG_ON((lie = malloc(image_bytes)) == NULL);
	memcpy(lie, image, image_bytes);
	for (size_t i = 0; i + 2 < n; i += 3) {
		size_t at = ((size_t)data[i] << 8 | data[i + 1]) % image_bytes;

		lie[at] = (char)data[i + 2];
	}
	memcpy(&h, lie, sizeof(h));
	h.sum = 0;
	h.sum = sum64_more(sum64(span_make(&h, sizeof(h))), span_make(lie + sizeof(h), image_bytes - sizeof(h)));
	memcpy(lie, &h, sizeof(h));
	BUG_ON(fd_memfd_sealed("lie", span_make(lie, image_bytes), &fd) != 0);
	if (snap_map(fd, &s) == 0) {
		ask(s);
		snap_release(&s);
	}
	fd_close(&fd);
	free(lie);
	return 0;
}
