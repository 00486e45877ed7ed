/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_conf.c - configuration text: a tree whose positions are true, or an error with a place
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/bug.h"
#include "lib/conf.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* The offset of a place in the text, counted anew: bytes that begin no character have no column. */
static size_t
place(struct span text, uint32_t line, uint32_t column)
{
	size_t	i = 0;

	while (line > 1 && i < text.n)
		line -= text.p[i++] == '\n';
	for (;; i++) {
		while (i < text.n && ((unsigned char)text.p[i] & 0xc0) == 0x80)
			i++;
		if (i == text.n || --column == 0)
			return i;
	}
}

static void
check(struct span text, const struct conf_node *n, size_t *budget)
{
	static const char	first[] = { [JSON_NULL] = 'n', [JSON_FALSE] = 'f', [JSON_TRUE] = 't',
				    [JSON_STRING] = '"', [JSON_ARRAY] = '[', [JSON_OBJECT] = '{' };
	const struct conf_node	*c;
	uint32_t		 count = 0;
	struct buf		 path;
	size_t			 at;

	if (*budget == 0)
		return;
	--*budget;
	at = place(text, n->line, n->column);
	BUG_ON(at >= text.n);
	if (n->type == JSON_NUMBER)
		BUG_ON(text.n - at < n->text.n || memcmp(text.p + at, n->text.p, n->text.n) != 0);
	else
		BUG_ON(text.p[at] != first[n->type]);
	if (n->parent != NULL && n->parent->type == JSON_OBJECT)
		BUG_ON(text.p[place(text, n->key_line, n->key_column)] != '"');
	buf_init(&path, 1 << 20);
	BUG_ON(conf_path(n, &path) != 0);
	buf_fini(&path);
	for (c = n->first; c != NULL; c = c->next) {
		BUG_ON(c->parent != n || c->index != count);
		count++;
		check(text, c, budget);
	}
	BUG_ON(count != n->count);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span		 text = span_make(data, n);
	struct conf_error	 e;
	struct conf		*c;
	size_t			 budget = 200;

	if (conf_new(text, &c, &e) != 0) {
		BUG_ON(c != NULL || e.line == 0 || e.column == 0 || e.text[0] == '\0');
		return 0;
	}
	if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0)
		text = span_part(text, 3, text.n);
	check(text, conf_top(c), &budget);
	conf_free(&c);
	return 0;
}
