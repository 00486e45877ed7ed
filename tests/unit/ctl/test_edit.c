/* SPDX-License-Identifier: Apache-2.0
 *
 * test_edit.c - one place of a text is changed, and no other byte
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/edit.h"

struct row {
	const char	*text, *want;
};

/* The node that stands behind these keys, "" ends them. */
static const struct conf_node *
node_at(const struct conf *c, const char *a, const char *b)
{
	const struct conf_node	*n = conf_top(c);

	if (*a != '\0')
		n = conf_find(n, a);
	return n != NULL && *b != '\0' ? conf_find(n, b) : n;
}

typedef int change_fn(struct span text, const struct conf_node *n, struct span with, struct buf *out);

static void
expect_all(const struct row *rows, size_t count, const char *a, const char *b, change_fn *change, const char *with)
{
	for (size_t i = 0; i < count; i++) {
		const struct conf_node	*n;
		struct conf_error	 e;
		struct conf		*c, *again;
		struct buf		 out;

		buf_init(&out, 1 << 20);
		cr_assert(eq(int, conf_new(span_of(rows[i].text), &c, &e), 0), "row %zu: %s", i, e.text);
		n = node_at(c, a, b);
		cr_assert(n != NULL, "row %zu", i);
		cr_assert(eq(int, change(span_of(rows[i].text), n, span_of(with), &out), 0));
		cr_expect(span_eq(buf_rest(&out), span_of(rows[i].want)), "row %zu:\n%.*s", i,
		    SPAN_FMT(buf_rest(&out)));
		cr_assert(eq(int, conf_new(buf_rest(&out), &again, &e), 0), "row %zu: %s", i, e.text);
		cr_expect(eq(uint, node_at(again, a, b) != NULL, 1));
		conf_free(&again);
		conf_free(&c);
		buf_fini(&out);
	}
}

Test(edit, a_value_is_replaced_whatever_it_is)
{
	static const struct row rows[] = {
		{ "{\"s\": {\"net\": \"none\"}}", "{\"s\": {\"net\": [1]}}" },
		{ "{\"s\": {\"net\":\"a\\\"]\" /* x */, \"b\": 1}}", "{\"s\": {\"net\":[1] /* x */, \"b\": 1}}" },
		{ "{\"s\": {\"net\": [ \"]\", // ]\n {\"a\": [\"}\"]}, ] , \"b\": 1}}",
		    "{\"s\": {\"net\": [1] , \"b\": 1}}" },
		{ "{\"s\": {\"net\": true}}", "{\"s\": {\"net\": [1]}}" },
		{ "{\"\xc3\xa4\xc3\xa4\": \"\xe2\x82\xac\", \"s\": {\"net\": 12}}",
		    "{\"\xc3\xa4\xc3\xa4\": \"\xe2\x82\xac\", \"s\": {\"net\": [1]}}" },
		{ "// \xe2\x82\xac\n{\n\t\"s\": { /* \xe2\x82\xac */ \"net\": -1.5e3\n\t} }",
		    "// \xe2\x82\xac\n{\n\t\"s\": { /* \xe2\x82\xac */ \"net\": [1]\n\t} }" },
	};

	expect_all(rows, sizeof(rows) / sizeof(rows[0]), "s", "net", edit_replace, "[1]");
}

Test(edit, a_member_is_added_as_the_others_are_laid_out)
{
	static const struct row rows[] = {
		{ "{\"s\": {}}", "{\"s\": {\"n\": 1}}" },
		{ "{\"s\": {\"a\": 1}}", "{\"s\": {\"a\": 1, \"n\": 1}}" },
		{ "{\"s\": {\"a\": 1,}}", "{\"s\": {\"a\": 1, \"n\": 1,}}" },
		{ "{\"s\": {\"a\": 1 /* one */}}", "{\"s\": {\"a\": 1, \"n\": 1 /* one */}}" },
		{ "{\n\t\"s\": {\n\t\t\"a\": 1\n\t}\n}\n", "{\n\t\"s\": {\n\t\t\"a\": 1,\n\t\t\"n\": 1\n\t}\n}\n" },
		{ "{\n\t\"s\": {\n\t\t\"a\": 1,\n\t}\n}\n", "{\n\t\"s\": {\n\t\t\"a\": 1,\n\t\t\"n\": 1,\n\t}\n}\n" },
		{ "{\n  \"s\": {\n    \"a\": 1 // why\n  }\n}", "{\n  \"s\": {\n    \"a\": 1, // why\n    \"n\": 1\n  }\n}" },
		{ "{\n  \"s\": {\n    \"a\": 1, // why\n  }\n}", "{\n  \"s\": {\n    \"a\": 1, // why\n    \"n\": 1,\n  }\n}" },
		{ "{\n  \"s\": {\n    \"b\": 2,\n    \"a\": [1,\n2] }\n}",
		    "{\n  \"s\": {\n    \"b\": 2,\n    \"a\": [1,\n2],\n    \"n\": 1 }\n}" },
		{ "{\"s\": {\"a\": 1\n// last\n}}", "{\"s\": {\"a\": 1, \"n\": 1\n// last\n}}" },
		{ "{\r\n\"s\": {\r\n  \"a\": 1\r\n}}", "{\r\n\"s\": {\r\n  \"a\": 1,\r\n  \"n\": 1\r\n}}" },
	};

	expect_all(rows, sizeof(rows) / sizeof(rows[0]), "s", "", edit_append, "\"n\": 1");
}

Test(edit, an_element_is_added_as_the_others_are_laid_out)
{
	static const struct row rows[] = {
		{ "{\"s\": {\"net\": []}}", "{\"s\": {\"net\": [\"x\"]}}" },
		{ "{\"s\": {\"net\": [\"a\"]}}", "{\"s\": {\"net\": [\"a\", \"x\"]}}" },
		{ "{\"s\": {\"net\": [\n\t\"a\",\t// ours\n\t\"b\"\n]}}",
		    "{\"s\": {\"net\": [\n\t\"a\",\t// ours\n\t\"b\",\n\t\"x\"\n]}}" },
	};

	expect_all(rows, sizeof(rows) / sizeof(rows[0]), "s", "net", edit_append, "\"x\"");
}

static char	path[64];

static void
put_file(const char *text)
{
	int	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0640);

	cr_assert(fd != -1);
	cr_assert(eq(int, (int)write(fd, text, strlen(text)), (int)strlen(text)));
	close(fd);
}

static void
expect_file(const char *want)
{
	char	text[256] = "";
	int	fd = open(path, O_RDONLY);

	cr_assert(fd != -1);
	cr_assert(read(fd, text, sizeof(text) - 1) >= 0);
	close(fd);
	cr_expect(eq(str, text, (char *)(uintptr_t)want));
}

Test(edit, a_file_is_replaced_as_a_whole_with_its_mode_unless_it_changed)
{
	char			folder[] = "/tmp/edit-test-XXXXXX", link[80], command[128];
	struct edit_file	f;
	struct stat		st;

	cr_assert(mkdtemp(folder) != NULL);
	snprintf(path, sizeof(path), "%s/s.json", folder);
	snprintf(link, sizeof(link), "%s/link", folder);
	cr_assert(eq(int, symlink(path, link), 0));
	put_file("one");
	cr_assert(eq(int, chmod(path, 0640), 0));
	/* Over a link, which stays one. */
	cr_assert(eq(int, edit_open(link, &f), 0));
	cr_expect(span_is(span_make(f.text, f.bytes), "one"));
	cr_assert(eq(int, edit_save(&f, SPAN_LIT("two")), 0));
	edit_close(&f);
	expect_file("two");
	cr_assert(eq(int, lstat(link, &st), 0));
	cr_expect(eq(int, S_ISLNK(st.st_mode), 1));
	cr_assert(eq(int, stat(path, &st), 0));
	cr_expect(eq(int, (int)(st.st_mode & 07777), 0640));

	cr_assert(eq(int, edit_open(path, &f), 0));
	put_file("somebody else's");
	cr_expect(eq(int, edit_save(&f, SPAN_LIT("three")), E_EXISTS));
	edit_close(&f);
	expect_file("somebody else's");
	snprintf(command, sizeof(command), "ls %s | wc -l | grep -qx 2 && rm -rf %s", folder, folder);
	cr_expect(eq(int, system(command), 0), "something is left beside it");
}
