/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_suspect.c - a tool's definition: it always has a digest, which is that of its canonical form, and what is found
 *                  in it stands in it
 *
 * A line of other servers' tools, with blanks between; the rest is a text, or a definition.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/bug.h"
#include "lib/fold.h"
#include "mcp/canon.h"
#include "mcp/pin.h"
#include "mcp/suspect.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct pin_owner	owner = { { "default", 7 }, { "server", 6 }, { "/bin/server", 11 } };

static void
folded(struct span text)
{
	char		*to = malloc(text.n + 1), *again = malloc(text.n + 1);
	uint32_t	*from = malloc((text.n + 1) * sizeof(*from)), code;
	struct span	 once;
	bool		 utf8 = true;

	BUG_ON(to == NULL || again == NULL || from == NULL);
	once = fold_text(text, to, from);
	BUG_ON(once.n > text.n);
	for (size_t i = 0; i < once.n; i++)
		BUG_ON(from[i] >= text.n || (i > 0 && from[i] < from[i - 1]));
	for (size_t at = 0; at < text.n;) {
		size_t	bytes = fold_next(span_part(text, at, text.n), &code);

		BUG_ON(bytes == 0 || bytes > 4 || at + bytes > text.n);
		at += bytes;
		utf8 &= code != FOLD_NOT_UTF8;
	}
	/* What looks like something looks like itself; but bytes that are none may come together. */
	if (utf8)
		BUG_ON(!span_eq(fold_text(once, again, NULL), once));
	if (utf8 && text.n <= FOLD_NAME_MAX)
		BUG_ON(!fold_alike(text, text) || !fold_alike(text, once) || !fold_alike(once, text));
	free(from);
	free(again);
	free(to);
}

static void
found(struct span text, const struct suspect *s)
{
	size_t	n = s->what == NULL ? 0 : strlen(s->words);

	BUG_ON(n >= sizeof(s->words));
	if (n > 0 && memchr(text.p, '\0', text.n) == NULL)
		BUG_ON(memmem(text.p, text.n, s->words, n) == NULL);
}

static void
defined(struct json_value tool, const struct suspect_names *others)
{
	struct crypt_digest	one, two;
	struct json_value	v;
	struct suspect		s;
	struct buf		b;

	suspect_value(tool, others, &s);
	BUG_ON(s.what != NULL && strcmp(s.what, "could not be looked at") == 0);
	BUG_ON(pin_digest(&owner, tool, &one) != 0);
	buf_init(&b, 4 * tool.raw.n + 4096);
	BUG_ON(canon_put(&b, tool, NULL) != 0 || json_parse(buf_rest(&b), true, &v, NULL) != 0);
	BUG_ON(pin_digest(&owner, v, &two) != 0 || memcmp(&one, &two, sizeof(one)) != 0);
	buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span		 in = span_make(data, n), names, text, name;
	struct suspect_names	*others;
	struct json_value	 tool;
	struct suspect		 s;
	const char		*at;

	if (n == 0)
		return 0;
	at = memchr(in.p, '\n', in.n);
	names = span_part(in, 0, at == NULL ? 0 : (size_t)(at - in.p));
	text = span_part(in, at == NULL ? 0 : names.n + 1, in.n);
	BUG_ON(suspect_names_new(&others) != 0);
	while (names.n > 0) {
		at = memchr(names.p, ' ', names.n);
		name = span_part(names, 0, at == NULL ? names.n : (size_t)(at - names.p));
		BUG_ON(suspect_names_add(others, name) != 0);
		names = span_part(names, name.n + 1, names.n);
	}
	suspect_text(text, others, &s);
	found(text, &s);
	folded(text);
	if (json_parse(text, true, &tool, NULL) == 0)
		defined(tool, others);
	suspect_names_free(&others);
	return 0;
}
