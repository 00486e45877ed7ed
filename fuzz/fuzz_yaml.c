/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_yaml.c - YAML: a tree that means the same when written as JSON, or an error with a place
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/bug.h"
#include "lib/conf_yaml.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
same(const struct conf_node *a, const struct conf_node *b)
{
	BUG_ON(a->type != b->type || a->count != b->count || a->index != b->index || !span_eq(a->key, b->key));
	if (a->type != JSON_ARRAY && a->type != JSON_OBJECT)
		BUG_ON(!span_eq(a->text, b->text));
	for (a = a->first, b = b->first; a != NULL; a = a->next, b = b->next) {
		BUG_ON(a->line == 0 || a->column == 0 || a->key_line > a->line);
		same(a, b);
	}
	BUG_ON(b != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct conf_error	 e;
	struct conf		*c, *again;
	struct buf		 json;

	if (conf_yaml_new(span_make(data, n), &c, &e) != 0) {
		BUG_ON(c != NULL || e.line == 0 || e.column == 0 || e.text[0] == '\0');
		return 0;
	}
	buf_init(&json, CONF_MAX_BYTES);
	BUG_ON(conf_put_json(conf_top(c), &json) != 0);
	BUG_ON(conf_new(buf_rest(&json), &again, &e) != 0);
	same(conf_top(c), conf_top(again));
	conf_free(&again);
	buf_fini(&json);
	conf_free(&c);
	return 0;
}
