/* SPDX-License-Identifier: Apache-2.0
 *
 * test_pin.c - a tool's definition as one digest
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "mcp/pin.h"

#define TOOL \
	"{\"name\":\"create_issue\",\"title\":\"Create\",\"description\":\"Creates an issue.\","			\
	"\"inputSchema\":{\"type\":\"object\",\"properties\":{\"title\":{\"type\":\"string\",\"maxLength\":100},"	\
	"\"n\":{\"type\":\"number\",\"minimum\":0.5}},\"required\":[\"title\",\"n\"]},"					\
	"\"outputSchema\":{\"type\":\"object\"},\"annotations\":{\"readOnlyHint\":true},"				\
	"\"icons\":[{\"src\":\"https://a.example/i.png\"}],\"execution\":{\"taskSupport\":\"optional\"},"		\
	"\"_meta\":{\"a\":1}}"

static struct crypt_digest
digest(const struct pin_owner *owner, const char *text)
{
	struct crypt_digest	d;
	struct json_value	v;

	cr_assert(json_parse(span_of(text), true, &v, NULL) == 0, "%s", text);
	cr_assert(pin_digest(owner, v, &d) == 0);
	return d;
}

static bool
same(const char *a, const char *b)
{
	const struct pin_owner	owner = { SPAN_LIT("default"), SPAN_LIT("tracker"), SPAN_LIT("/bin/tracker") };
	struct crypt_digest	x = digest(&owner, a), y = digest(&owner, b);

	return memcmp(&x, &y, sizeof(x)) == 0;
}

/* TOOL with its first `from` exchanged. */
static const char *
with(const char *from, const char *to)
{
	static char	text[4096];
	const char	*at = strstr(TOOL, from);

	cr_assert(at != NULL, "%s", from);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - TOOL), TOOL, to, at + strlen(from));
	return text;
}

Test(pin, changes_with_each_field_alone)
{
	static const char *const	rows[][2] = {
		{ "create_issue", "create_issues" },
		{ "\"Create\"", "\"create\"" },
		{ "an issue.", "an issue. " },
		{ "an issue.", "an issue\\u200b." },
		{ "\"string\"", "\"integer\"" },
		{ "100", "101" },
		{ "0.5", "0.50000000000000001" },
		{ "\"n\":{", "\"m\":{" },
		{ "[\"title\",\"n\"]", "[\"n\",\"title\"]" },
		{ "[\"title\",\"n\"]", "[\"title\"]" },
		{ ",\"required\"", ",\"additionalProperties\":false,\"required\"" },
		{ "\"outputSchema\":{\"type\":\"object\"}", "\"outputSchema\":{\"type\":\"object\",\"title\":\"x\"}" },
		{ "\"readOnlyHint\":true", "\"readOnlyHint\":false" },
		{ "\"readOnlyHint\":true", "\"readOnlyHint\":null" },
		{ "\"readOnlyHint\":true", "\"readOnlyHint\":\"true\"" },
		{ "i.png", "j.png" },
		{ "\"optional\"", "\"required\"" },
		{ "\"a\":1", "\"a\":2" },
		{ "\"a\":1", "\"a\":1,\"b\":{}" },
		{ "\"a\":1", "" },
		{ "\"_meta\":{\"a\":1}", "\"_meta\":{\"a\":1},\"unknown\":[]" },
		{ "\"title\":\"Create\",", "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect(!same(TOOL, with(rows[i][0], rows[i][1])), "row %zu: %s", i, rows[i][1]);
}

Test(pin, does_not_change_with_what_means_the_same)
{
	static const char *const	rows[][2] = {
		{ "{\"name\"", " {\n\t\"name\"" },
		{ "create_issue", "cr\\u0065ate\\u005fissue" },
		{ "\"name\":\"create_issue\",\"title\":\"Create\"", "\"title\":\"Create\",\"name\":\"create_issue\"" },
		{ "\"inputSchema\"", "\"input\\u0053chema\"" },
		{ "https://a", "https:\\/\\/a" },
		{ "100", "1e2" },
		{ "100", "100.0" },
		{ "0.5", "5E-1" },
		{ "\"type\":\"string\",\"maxLength\":100", "\"maxLength\":100,\"type\":\"string\"" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect(same(TOOL, with(rows[i][0], rows[i][1])), "row %zu: %s", i, rows[i][1]);
}

/* As no digest would be the same as another's. */
Test(pin, is_made_of_any_number_of_short_texts)
{
	static char	text[40000];
	size_t		n;

	n = (size_t)snprintf(text, sizeof(text), "{\"name\":\"a\",\"enum\":[");
	for (int i = 0; i < 5000; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "\"\\n\",");
	snprintf(text + n, sizeof(text) - n, "1]}");
	cr_expect(same(text, text));
}

Test(pin, is_of_one_owner)
{
	const struct pin_owner	rows[] = {
		{ SPAN_LIT("default"), SPAN_LIT("tracker"), SPAN_LIT("/bin/tracker") },
		{ SPAN_LIT("acme"), SPAN_LIT("tracker"), SPAN_LIT("/bin/tracker") },
		{ SPAN_LIT("default"), SPAN_LIT("tracke"), SPAN_LIT("r/bin/tracker") },
		{ SPAN_LIT("default"), SPAN_LIT("tracker"), SPAN_LIT("/bin/other") },
		{ SPAN_LIT("default"), SPAN_LIT(""), SPAN_LIT("") },
	};
	const size_t		n = sizeof(rows) / sizeof(rows[0]);

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++) {
			struct crypt_digest	a = digest(&rows[i], TOOL), b = digest(&rows[k], TOOL);

			cr_expect((memcmp(&a, &b, sizeof(a)) == 0) == (i == k), "rows %zu and %zu", i, k);
		}
}
