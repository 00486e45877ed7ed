/* SPDX-License-Identifier: Apache-2.0
 *
 * test_parts.c - what an installer says that it installed
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "ctl/import/parts.h"

Test(parts, of_npm_are_the_places_of_its_lock_file)
{
	static const char	text[] = "{\"lockfileVersion\":3,\"packages\":{"
	    "\"\":{\"dependencies\":{\"@s/a\":\"1.0.0\"}},"
	    "\"node_modules/@s/a\":{\"version\":\"1.0.0\",\"integrity\":\"sha512-A\"},"
	    "\"node_modules/b\":{\"version\":\"2.0.0\",\"integrity\":\"sha512-B\",\"hasInstallScript\":true},"
	    "\"node_modules/b/node_modules/@t/c\":{\"version\":\"3.0.0\"},"
	    "\"node_modules/alias\":{\"name\":\"real\",\"version\":\"4.0.0\"},"
	    "\"elsewhere\":{\"version\":\"9\"}}}";
	struct parts		p;
	struct buf		b;
	char			why[PARTS_WHY];

	cr_assert(eq(int, parts_npm(span_of(text), &p, why), 0), "%s", why);
	cr_assert(eq(sz, p.count, 4));
	cr_expect(p.list[0].asked && !p.list[1].asked && !p.list[2].asked);
	cr_expect(true && !p.list[0].scripts && p.list[1].scripts);
	cr_expect(eq(str, p.list[2].name, "@t/c"));
	cr_expect(eq(str, p.list[2].integrity, ""));
	cr_expect(eq(str, p.list[3].name, "real"));
	cr_expect(parts_find(&p, "b") == &p.list[1] && parts_find(&p, "c") == NULL);
	buf_init(&b, 4096);
	cr_assert(eq(int, parts_put(&p, &b), 0));
	cr_expect(memmem(buf_rest(&b).p, buf_rest(&b).n, "\"integrity\": \"sha512-B\", \"scripts\": true", 38) != NULL);
	buf_fini(&b);
	parts_free(&p);
}

Test(parts, of_pip_are_the_rows_of_its_report)
{
	static const char	text[] = "{\"version\":\"1\",\"install\":["
	    "{\"download_info\":{\"url\":\"https://h.example/A_b-1.0-py3-none-any.whl#x\",\"archive_info\":{\"hash\":"
	    "\"sha256=00\",\"hashes\":{\"sha256\":\"11\"}}},\"requested\":true,\"metadata\":{\"name\":\"A_b\",\"version\":"
	    "\"1.0\"}},"
	    "{\"download_info\":{\"url\":\"https://h.example/c-2.tar.gz\",\"archive_info\":{\"hash\":\"sha256=22\"}},"
	    "\"requested\":false,\"metadata\":{\"name\":\"c\",\"version\":\"2\"}}]}";
	struct parts		p;
	char			why[PARTS_WHY];

	cr_assert(eq(int, parts_pip(span_of(text), &p, why), 0), "%s", why);
	cr_assert(eq(sz, p.count, 2));
	cr_expect(eq(str, p.list[0].integrity, "sha256=11"));
	cr_expect(eq(str, p.list[1].integrity, "sha256=22"));
	cr_expect(p.list[0].asked && !p.list[1].asked);
	cr_expect(true && !p.list[0].scripts && p.list[1].scripts, "what is no wheel is built here");
	parts_free(&p);
}

Test(parts, that_are_malformed_are_refused)
{
	static const char *const texts[] = { "", "[", "{}", "[]", "{\"packages\":[]}", "{\"packages\":{\"\":{}}}",
		"{\"packages\":{\"node_modules/\":{}}}", "{\"packages\":{\"node_modules/a\":7}}", "{\"install\":{}}" };
	struct parts		p;
	char			why[PARTS_WHY];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		cr_expect(ne(int, parts_npm(span_of(texts[i]), &p, why), 0), "%s", texts[i]);
		cr_expect(why[0] != '\0');
		parts_free(&p);
		cr_expect(ne(int, parts_pip(span_of(texts[i]), &p, why), 0), "%s", texts[i]);
		parts_free(&p);
	}
}
