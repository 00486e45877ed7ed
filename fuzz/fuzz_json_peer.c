/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_json_peer.c - text that we take is the same tree to json-c
 *
 * What one program checks and another one uses must not be two things.  We may refuse more.  Where a member comes twice
 * each reader has its own choice, so such objects are counted by us and left alone here.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/peer_json.h"
#include "lib/bug.h"
#include "lib/json.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define DEPTH	6		/* deeper values were compared as text by fuzz_json.c */

static struct span
decoded(struct json_value v, struct arena *a)
{
	struct span	s;

	BUG_ON(json_string(v, a, &s) != 0);
	return s;
}

/* json-c 0.16 takes a pair that stands for a character such as U+1DE00 for half of one, by its lower 16 bits. */
static bool
looks_like_half(const char *p, size_t n)
{
	const uint8_t	*b = (const uint8_t *)p;
	uint32_t	 c;

	if (n < 4 || (b[0] & 0xf8) != 0xf0)
		return false;
	c = (uint32_t)(b[0] & 7) << 18 | (uint32_t)(b[1] & 63) << 12 | (uint32_t)(b[2] & 63) << 6 | (b[3] & 63);
	return (c & 0xf800) == 0xd800;
}

static void	compare(struct json_value ours, const struct peer_json *theirs, struct arena *a, int depth);

static void
compare_members(struct json_value ours, const struct peer_json *theirs, struct arena *a, int depth)
{
	struct json_iter	it;
	struct json_value	value;
	struct span		key, name;
	char			*text;
	size_t			n = 0;
	bool			found;

	json_iter_init(&it, ours);
	while (json_iter_next(&it, &key, &value))
		n++;
	if (n != peer_json_count(theirs))
		return;			/* a name that comes twice, or ends at a NUL for json-c */
	json_iter_init(&it, ours);
	while (json_iter_next(&it, &key, &value)) {
		name = decoded(json_key(key), a);
		if (memchr(name.p, '\0', name.n) != NULL)
			return;
		for (size_t i = 0; i < name.n; i++)
			if (looks_like_half(name.p + i, name.n - i))
				return;
		text = arena_alloc(a, name.n + 1);
		BUG_ON(text == NULL);
		memcpy(text, name.p, name.n);
		text[name.n] = '\0';
		compare(value, peer_json_get(theirs, text, &found), a, depth + 1);
		BUG_ON(!found);
	}
}

static void
compare_elements(struct json_value ours, const struct peer_json *theirs, struct arena *a, int depth)
{
	struct json_iter	it;
	struct json_value	value;
	struct span		key;
	size_t			n = 0;

	json_iter_init(&it, ours);
	for (; json_iter_next(&it, &key, &value); n++) {
		BUG_ON(n >= peer_json_count(theirs));
		compare(value, peer_json_at(theirs, n), a, depth + 1);
	}
	BUG_ON(n != peer_json_count(theirs));
}

static void
compare_strings(struct json_value ours, const struct peer_json *theirs, struct arena *a)
{
	struct span	s = decoded(ours, a);
	size_t		n, at = 0;
	const char	*p = peer_json_string(theirs, &n);

	for (size_t i = 0; i < s.n; ) {
		if (at + 3 <= n && memcmp(p + at, "\xef\xbf\xbd", 3) == 0 && looks_like_half(s.p + i, s.n - i)) {
			at += 3;
			i += 4;
			continue;
		}
		BUG_ON(at >= n || p[at] != s.p[i]);
		at++;
		i++;
	}
	BUG_ON(at != n);
}

static void
compare(struct json_value ours, const struct peer_json *theirs, struct arena *a, int depth)
{
	if (depth > DEPTH)
		return;
	switch (ours.type) {
	case JSON_NULL:
		BUG_ON(peer_json_type(theirs) != PEER_NULL);
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		BUG_ON(peer_json_type(theirs) != PEER_BOOLEAN || peer_json_true(theirs) != (ours.type == JSON_TRUE));
		break;
	case JSON_NUMBER:
		BUG_ON(peer_json_type(theirs) != PEER_NUMBER);
		break;
	case JSON_STRING:
		BUG_ON(peer_json_type(theirs) != PEER_STRING);
		compare_strings(ours, theirs, a);
		break;
	case JSON_OBJECT:
		BUG_ON(peer_json_type(theirs) != PEER_OBJECT);
		compare_members(ours, theirs, a, depth);
		break;
	case JSON_ARRAY:
		BUG_ON(peer_json_type(theirs) != PEER_ARRAY);
		compare_elements(ours, theirs, a, depth);
		break;
	case JSON_NONE:
	default:
		BUG_ON(true);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct json_value	v;
	struct peer_json	*peer;
	struct arena		a;
	char			*text;

	if (n == 0)
		return 0;
	/* Of its own, so that a byte too far is seen. */
	text = malloc(n);
	BUG_ON(text == NULL);
	memcpy(text, data, n);
	if (json_parse(span_make(text, n), false, &v, NULL) == 0) {
		peer = peer_json_read(text, n);
		BUG_ON(peer == NULL);
		arena_init(&a, NULL, 0, 64 << 20);
		compare(v, peer_json_top(peer), &a, 0);
		arena_fini(&a);
		peer_json_free(peer);
	}
	free(text);
	return 0;
}
