/* SPDX-License-Identifier: Apache-2.0
 *
 * o1_transcripts.c - what an operator types and sees, file by file
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <glob.h>
#include <stdio.h>

#include "tests/harness/transcript.h"

#define FILES_MAX	64

struct file {
	char	path[160];
};

ParameterizedTestParameters(transcripts, are_as_they_are_written)
{
	static struct file	files[FILES_MAX];
	size_t			n = 0;
	glob_t			found;

	if (glob("tests/integration/transcripts/*.txt", 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc && n < FILES_MAX; i++)
			snprintf(files[n++].path, sizeof(files[0].path), "%s", found.gl_pathv[i]);
		globfree(&found);
	}
	return cr_make_param_array(struct file, files, n);
}

ParameterizedTest(struct file *f, transcripts, are_as_they_are_written, .timeout = 90)
{
	transcript_play(f->path);
}

Test(transcripts, shapes_stand_for_values_and_not_for_words)
{
	static const struct {
		const char	*shape, *line;
		bool		 same;
	} rows[] = {
		{ "up <span>   generation <n>", "up 3d 4h   generation 41", true },
		{ "up <span>   generation <n>", "up 3d 4h generation 41", false },
		{ "A  B", "A          B", true }, { "A B", "A  B", false }, { "A  B", "A B", false },
		{ "<clock>  <id>", "10:31:07  r-7Q2K4M9CABCD", true }, { "<id>", "r-7Q2K4M9C", false },
		{ "a.b (c)", "a.b (c)", true }, { "a.b", "axb", false }, { "<n>", "1,204,118", true }, { "<n>", "x", false },
		{ "<any>", "", true }, { "<word>", "", false }, { "x <any>", "y z", false },
	};
	static const struct {
		const char	*shapes, *text;
		bool		 same;
	} texts[] = {
		{ "a\n...\nc", "a\nb\nb\nc\n", true }, { "a\n...", "a\nb\n", true }, { "a", "a\nb\n", false },
		{ "a\nb", "a\n", false }, { "...\nb", "a\nc\n", false }, { "", "", true }, { "", "a\n", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect(transcript_line_matches(rows[i].shape, rows[i].line) == rows[i].same, "row %zu", i);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect((transcript_matches(texts[i].shapes, texts[i].text) == NULL) == texts[i].same, "text %zu", i);
}
