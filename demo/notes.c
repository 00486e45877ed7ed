/* SPDX-License-Identifier: Apache-2.0
 *
 * notes.c - mcpgw-demo-notes: an example MCP server that keeps a file, $HOME/notes.jsonl
 *
 * Speaks the revisions with `initialize`.  One note a line, {"id":1,"text":"..."}; the file is read for
 * each call and replaced as a whole, so what it says is always one state.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "demo/serve.h"
#include "lib/fd.h"

#define FILE_MAX	(8u << 20)
#define TEXT_MAX	4096

static const char *
notes_path(const char *suffix, char *path, size_t bytes)
{
	const char	*home = getenv("HOME");
	int		 n;

	if (home == NULL || home[0] != '/')
		return NULL;
	n = snprintf(path, bytes, "%s/notes.jsonl%s", home, suffix);
	return n < 0 || (size_t)n >= bytes ? NULL : path;
}

/* The whole file, malloc'ed; empty when there is none yet.  NULL: answer says why. */
static char *
notes_read(size_t *bytes, struct demo_answer *answer)
{
	char	 path[4096], *data = NULL;
	int	 fd, r;

	*bytes = 0;
	if (notes_path("", path, sizeof(path)) == NULL) {
		demo_fail(answer, "HOME is not set, so there is no place for notes");
		return NULL;
	}
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1) {
		if (errno == ENOENT)
			return calloc(1, 1);
		demo_fail(answer, "%s: %s", path, strerror(errno));
		return NULL;
	}
	if ((r = fd_read_all(fd, FILE_MAX, &data, bytes)) != 0)
		demo_fail(answer, "%s: %s", path, err_text(r));
	fd_close(&fd);
	return data;
}

static bool
notes_write(struct span content, struct demo_answer *answer)
{
	char	path[4096], next[4096];
	int	fd, r;

	if (notes_path("", path, sizeof(path)) == NULL || notes_path(".new", next, sizeof(next)) == NULL)
		return false;
	if ((fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) == -1) {
		demo_fail(answer, "%s: %s", next, strerror(errno));
		return false;
	}
	r = fd_write_all(fd, content);
	fd_close(&fd);
	if (r != 0 || rename(next, path) == -1) {
		demo_fail(answer, "%s: %s", path, r != 0 ? err_text(r) : strerror(errno));
		return false;
	}
	return true;
}

/* The next note of *rest; false at the end.  Lines that are no note are passed over. */
static bool
note_next(struct span *rest, uint64_t *id, struct json_value *text, struct span *line)
{
	while (rest->n > 0) {
		const char		*end = memchr(rest->p, '\n', rest->n);
		struct json_value	 note;

		*line = span_part(*rest, 0, end == NULL ? rest->n : (size_t)(end - rest->p) + 1);
		*rest = span_part(*rest, line->n, rest->n - line->n);
		if (json_parse(*line, false, &note, NULL) == 0 && json_u64(json_get(note, "id"), id) == 0 &&
		    (*text = json_get(note, "text")).type == JSON_STRING)
			return true;
	}
	return false;
}

static enum demo_outcome
tool_add_note(struct json_value arguments, struct demo_answer *answer)
{
	struct json_value	 text = json_get(arguments, "text"), other;
	struct span		 rest, line;
	struct buf		 content;
	enum demo_outcome	 outcome = DEMO_FAILED;
	uint64_t		 id, last = 0;
	size_t			 bytes;
	char			*data;

	if (text.type != JSON_STRING || text.raw.n <= 2 || text.raw.n > TEXT_MAX)
		return demo_fail(answer, "text must be a string of 1 to about %d bytes", TEXT_MAX);
	if ((data = notes_read(&bytes, answer)) == NULL)
		return DEMO_FAILED;
	rest = span_make(data, bytes);
	while (note_next(&rest, &id, &other, &line))
		last = id > last ? id : last;
	buf_init(&content, FILE_MAX);
	if (buf_put(&content, span_make(data, bytes)) != 0 ||
	    buf_put_fmt(&content, "{\"id\":%llu,\"text\":%.*s}\n", (unsigned long long)last + 1,
	    SPAN_FMT(text.raw)) != 0)
		demo_fail(answer, "there is no room for another note");
	else if (notes_write(buf_rest(&content), answer) &&
	    buf_put_fmt(&answer->text, "Added note %llu.", (unsigned long long)last + 1) == 0 &&
	    buf_put_fmt(&answer->structured, "{\"id\":%llu}", (unsigned long long)last + 1) == 0)
		outcome = DEMO_DONE;
	buf_fini(&content);
	free(data);
	return outcome;
}

static enum demo_outcome
tool_list_notes(struct json_value arguments, struct demo_answer *answer)
{
	struct json_value	 text;
	struct span		 rest, line;
	uint64_t		 id;
	size_t			 bytes, count = 0;
	char			*data;
	int			 r = 0;

	(void)arguments;
	if ((data = notes_read(&bytes, answer)) == NULL)
		return DEMO_FAILED;
	rest = span_make(data, bytes);
	while (r == 0 && note_next(&rest, &id, &text, &line)) {
		count++;
		r = buf_put_fmt(&answer->text, "%llu: %.*s\n", (unsigned long long)id, SPAN_FMT(text.raw));
	}
	if (r == 0 && count == 0)
		r = buf_put_str(&answer->text, "There are no notes.");
	free(data);
	return r == 0 ? DEMO_DONE : demo_fail(answer, "the notes are too long to list");
}

static enum demo_outcome
tool_delete_note(struct json_value arguments, struct demo_answer *answer)
{
	struct json_value	 text;
	struct span		 rest, line;
	struct buf		 content;
	enum demo_outcome	 outcome = DEMO_FAILED;
	uint64_t		 want, id;
	size_t			 bytes;
	char			*data;
	bool			 found = false;
	int			 r = 0;

	if (json_u64(json_get(arguments, "id"), &want) != 0)
		return demo_fail(answer, "id must be a whole number");
	if ((data = notes_read(&bytes, answer)) == NULL)
		return DEMO_FAILED;
	buf_init(&content, FILE_MAX);
	rest = span_make(data, bytes);
	while (r == 0 && note_next(&rest, &id, &text, &line)) {
		if (id == want)
			found = true;
		else
			r = buf_put(&content, line);
	}
	if (r != 0)
		demo_fail(answer, "%s", err_text(r));
	else if (!found)
		demo_fail(answer, "there is no note %llu", (unsigned long long)want);
	else if (notes_write(buf_rest(&content), answer) &&
	    buf_put_fmt(&answer->text, "Deleted note %llu.", (unsigned long long)want) == 0)
		outcome = DEMO_DONE;
	buf_fini(&content);
	free(data);
	return outcome;
}

static enum demo_outcome
tool_drop_all(struct json_value arguments, struct demo_answer *answer)
{
	(void)arguments;
	if (notes_path("", (char[4096]){ 0 }, 4096) == NULL)
		return demo_fail(answer, "HOME is not set, so there is no place for notes");
	if (!notes_write(SPAN_NONE, answer) || buf_put_str(&answer->text, "All notes are gone.") != 0)
		return DEMO_FAILED;
	return DEMO_DONE;
}

static const struct demo_tool tools[] = {
	{ "add_note",
	    "\"title\":\"Add a note\",\"description\":\"Keeps a text and answers its number.\","
	    "\"inputSchema\":{\"type\":\"object\",\"properties\":{"
	    "\"text\":{\"type\":\"string\",\"minLength\":1,\"description\":\"What to keep.\"}},"
	    "\"required\":[\"text\"],\"additionalProperties\":false},"
	    "\"outputSchema\":{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"integer\"}},"
	    "\"required\":[\"id\"]},"
	    "\"annotations\":{\"readOnlyHint\":false,\"destructiveHint\":false,\"openWorldHint\":false}",
	    tool_add_note },
	{ "list_notes",
	    "\"title\":\"List notes\",\"description\":\"All notes, one a line, with their numbers.\","
	    "\"inputSchema\":{\"type\":\"object\",\"additionalProperties\":false},"
	    "\"annotations\":{\"readOnlyHint\":true,\"openWorldHint\":false}", tool_list_notes },
	{ "delete_note",
	    "\"title\":\"Delete a note\",\"description\":\"Forgets one note.\","
	    "\"inputSchema\":{\"type\":\"object\",\"properties\":{"
	    "\"id\":{\"type\":\"integer\",\"minimum\":1,\"description\":\"The note's number.\"}},"
	    "\"required\":[\"id\"],\"additionalProperties\":false},"
	    "\"annotations\":{\"readOnlyHint\":false,\"destructiveHint\":true,\"openWorldHint\":false}",
	    tool_delete_note },
	{ "drop_all",
	    "\"title\":\"Drop all notes\",\"description\":\"Forgets every note, for good.\","
	    "\"inputSchema\":{\"type\":\"object\",\"additionalProperties\":false},"
	    "\"annotations\":{\"readOnlyHint\":false,\"destructiveHint\":true,\"openWorldHint\":false}",
	    tool_drop_all },
};

int
main(int argc, char **argv)
{
	static const struct demo_server	notes_server = {
		.name = "mcpgw-demo-notes", .version = MCPGW_VERSION, .modern = false,
		.instructions = "Keeps short notes between conversations.",
		.tools = tools, .tool_count = sizeof(tools) / sizeof(tools[0]),
	};

	return demo_main(&notes_server, argc, argv);
}
