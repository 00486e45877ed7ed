/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_param.c - arguments that headers repeat: what we write of a value says that value, and no header says two
 *
 * A line of schema, a line of arguments, and a header's value.
 */
#include <stdint.h>
#include <string.h>

#include "lib/bug.h"
#include "mcp/param.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct span
line(struct span *rest)
{
	const char	*end = memchr(rest->p, '\n', rest->n);
	size_t		 n = end != NULL ? (size_t)(end - rest->p) : rest->n;
	struct span	 first = span_part(*rest, 0, n);

	*rest = span_part(*rest, end != NULL ? n + 1 : n, rest->n);
	return first;
}

static void
one_value(struct json_value value, struct span header, struct arena *a)
{
	static struct buf	to;
	int			said = mcp_param_matches(header, value, a), r;

	if (to.data == NULL)
		buf_init(&to, 4 << 20);
	buf_clear(&to);
	r = mcp_param_encode(&to, value, a);
	BUG_ON((said == E_FORMAT) != (r == E_FORMAT));
	if (r != 0)
		return;
	for (size_t i = 0; i < to.used; i++)	/* a header field can hold it: mcp-wire 5 lets a TAB stand within */
		BUG_ON(((uint8_t)to.data[i] < ' ' || (uint8_t)to.data[i] > '~') && to.data[i] != '\t');
	BUG_ON(mcp_param_matches(buf_rest(&to), value, a) != 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span		 rest = span_make(data, n), schema_text, arguments_text;
	struct json_value	 schema, arguments, value;
	const struct mcp_param	*p;
	struct arena		 a;
	uint8_t			 count;

	if (n == 0)
		return 0;
	schema_text = line(&rest);
	arguments_text = line(&rest);
	if (json_parse(schema_text, true, &schema, NULL) != 0 || json_parse(arguments_text, false, &arguments, NULL) != 0)
		return 0;
	arena_init(&a, NULL, 0, 16 << 20);
	if (mcp_params_read(schema, &a, &p, &count) == 0)
		for (uint8_t i = 0; i < count; i++) {
			BUG_ON(strncmp(p[i].field, MCP_PARAM_PREFIX, strlen(MCP_PARAM_PREFIX)) != 0);
			BUG_ON(p[i].path[0] == NULL);
			if (mcp_param_find(&p[i], arguments, &value) == 0 && value.type != JSON_NONE)
				one_value(value, rest, &a);
		}
	arena_fini(&a);
	return 0;
}
