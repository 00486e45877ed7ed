/* SPDX-License-Identifier: Apache-2.0
 *
 * test_fixtures.c - every folder of tests/fixtures/config says exactly what its file `expect` says
 *
 * `options` holds arguments of -o, one a line; a folder whose name begins with "personal" is read in
 * personal mode.  WRITE_EXPECT=1 writes the expectations anew, to be read before they are kept.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/fd.h"
#include "policy/records.h"
#include "tests/unit/compiler/compile.h"

#define FIXTURES	"tests/fixtures/config"

static char *
file_text(const char *folder, const char *name)
{
	char	 path[600], *text = NULL;
	size_t	 bytes;
	int	 fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return NULL;
	cr_assert(eq(int, fd_read_all(fd, 1 << 20, &text, &bytes), 0));
	fd_close(&fd);
	return text;
}

static void
fixture_try(const char *name)
{
	const char	*options[16] = { NULL };
	struct compiled	 c;
	char		 folder[300], *given, *expect, *at;
	size_t		 n = 0;

	snprintf(folder, sizeof(folder), FIXTURES "/%s", name);
	given = file_text(folder, "options");
	for (at = given; at != NULL && *at != '\0' && n < 15; at = strchr(at, '\0') + 1) {
		options[n++] = at;
		at[strcspn(at, "\n")] = '\0';
	}
	compile_folder(folder, strncmp(name, "personal", 8) == 0, options, &c);
	cr_assert(eq(int, buf_put_fmt(&c.notes, "%u errors, %u warnings\n", c.errors, c.warnings), 0));
	cr_assert(eq(int, buf_put_u8(&c.notes, 0), 0));
	if (getenv("WRITE_EXPECT") != NULL)
		scratch_write(folder, "expect", c.notes.data, 0644);
	expect = file_text(folder, "expect");
	cr_expect(expect != NULL, "%s has no file `expect`", folder);
	if (expect != NULL)
		cr_expect(eq(str, c.notes.data, expect), "%s", folder);
	free(expect);
	free(given);
	compiled_fini(&c);
}

Test(fixtures, say_what_they_are_expected_to)
{
	struct dirent	*e;
	DIR		*d = opendir(FIXTURES);
	unsigned	 count = 0;

	cr_assert(d != NULL, "run from the top of the tree");
	setenv("FIXTURE_DIR", "/fixture", 1);
	setenv("XDG_CONFIG_HOME", "/home/nobody/.config", 1);
	setenv("XDG_STATE_HOME", "/home/nobody/.local/state", 1);
	setenv("XDG_RUNTIME_DIR", "/run/user/4242", 1);
	setenv("PATH", "/usr/bin:/bin", 1);
	setenv("HOME", "/home/nobody", 1);
	unsetenv("NO_SUCH_VARIABLE");
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		fixture_try(e->d_name);
		count++;
	}
	closedir(d);
	cr_expect(gt(uint, count, 10));
}

Test(fixtures, samples_are_right)
{
	struct compiled	c;

	compile_folder("etc", false, (const char *const[]){ "tools_dir=/nowhere", NULL }, &c);
	cr_expect(eq(uint, c.errors, 0), "%.*s", SPAN_FMT(buf_rest(&c.notes)));
	cr_expect(eq(uint, c.warnings, 0), "%.*s", SPAN_FMT(buf_rest(&c.notes)));
	compiled_fini(&c);
	/* Not every machine has all the programs. */
	cr_assert(eq(int, setenv("TOOLS_FOLDER", "/usr/share", 1), 0));
	cr_assert(eq(int, setenv("SQLITE_FOLDER", "/usr/share", 1), 0));
	compile_folder("etc", false, NULL, &c);
	cr_expect(eq(uint, c.errors, 0), "%.*s", SPAN_FMT(buf_rest(&c.notes)));
	compiled_fini(&c);
}

/* The sample parameters without their # are the defaults. */
Test(fixtures, sample_parameters_are_the_defaults)
{
	const struct param_row	*row;
	struct compiled		 c;
	struct buf		 text;
	struct span		 source;
	char			 folder[64], line[400];
	unsigned		 count = 0;
	FILE			*f = popen("tools/man-table etc/mcpgw.conf.in", "r");

	cr_assert(f != NULL);
	buf_init(&text, 1 << 20);
	while (fgets(line, sizeof(line), f) != NULL)
		if (line[0] == '#' && line[1] != ' ') {
			cr_assert(eq(int, buf_put_str(&text, line + 1), 0));
			count++;
		}
	cr_assert(eq(int, pclose(f), 0));
	cr_assert(eq(int, buf_put_u8(&text, 0), 0));
	cr_expect(eq(uint, count, PARAM_ID_LIMIT - 1), "all but config_dir");
	scratch_new(folder);
	scratch_write(folder, "mcpgw.conf", text.data, 0644);
	compile_folder(folder, false, NULL, &c);
	cr_assert(eq(uint, c.errors, 0), "%.*s", SPAN_FMT(buf_rest(&c.notes)));
	for (unsigned i = 0; i < PARAM_ID_LIMIT; i++) {
		const struct rec_param	*p = SNAP_AT(c.policy, PARAM, i);
		uint64_t		 number;

		row = param_row(i);
		source = snap_text(c.policy, p->source);
		cr_expect(span_is(source, i == PARAM_ID_config_dir ? "-c" : "mcpgw.conf"), "%s", row->name);
		cr_assert(eq(int, param_parse(row, span_of(row->normal), &number), 0));
		cr_expect(eq(u64, p->number, number), "%s", row->name);
		if (strchr(row->normal, '$') == NULL && i != PARAM_ID_config_dir)
			cr_expect(span_is(snap_text(c.policy, p->text), row->normal), "%s", row->name);
	}
	compiled_fini(&c);
	buf_fini(&text);
	scratch_remove(folder);
}
