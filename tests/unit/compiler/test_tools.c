/* SPDX-License-Identifier: Apache-2.0
 *
 * test_tools.c - files of tools_dir: what comes of them, and what is said about those that are wrong
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/policy.h"
#include "policy/words.h"
#include "tests/unit/compiler/compile.h"

static const char *const	options[] = { "state_dir=/nowhere/s", "run_dir=/nowhere/r", NULL };
static char			folder[64];

/* One file, and servers.json when `servers` is not NULL. */
static void
compile(const char *name, const char *text, const char *servers, struct compiled *c)
{
	char	path[128];

	scratch_new(folder);
	snprintf(path, sizeof(path), "tools.d/%s", name);
	scratch_write(folder, path, text, 0600);
	if (servers != NULL)
		scratch_write(folder, "servers.json", servers, 0600);
	compile_folder(folder, true, options, c);
}

static void
over(struct compiled *c)
{
	compiled_fini(c);
	scratch_remove(folder);
}

static void
says(const struct compiled *c, const char *words)
{
	struct span	notes = buf_rest(&c->notes);

	cr_expect(memmem(notes.p, notes.n, words, strlen(words)) != NULL, "want \"%s\" in:\n%.*s", words,
	    SPAN_FMT(notes));
}

static const struct rec_slot *
slot_named(const struct snap *s, const struct rec_tool *t, const char *name)
{
	for (uint32_t i = 0; i < t->slot_count; i++)
		if (span_is(snap_text(s, slots_at(s, t, i)->name), name))
			return slots_at(s, t, i);
	return NULL;
}

Test(tools, become_a_server_of_programs)
{
	static const char		 text[] =
		"description: d\n"
		"read: [/usr/share]\n"
		"workdir: /usr/share\n"
		"timeout_ms: 5000\n"
		"tools:\n"
		"  - name: one\n"
		"    command: cat\n"
		"    args: [-n, \"{{{a}}}\", [\"--b={b}\"], [\"{c}\", -c], --, \"{d}\"]\n"
		"    ok_status: [0, 1, 64]\n"
		"    max_output: 2KiB\n"
		"    timeout_ms: 4000\n"
		"    output: json\n"
		"    slots:\n"
		"      a: {class: word}\n"
		"      b: {type: number, min: -1.5, max: 1e3}\n"
		"      c: {type: boolean}\n"
		"      d: {type: path, array: true, may_create: true}\n"
		"  - {name: two, command: /usr/bin/true}\n";
	struct compiled			 c;
	const struct rec_server		*server;
	const struct rec_profile	*p;
	const struct rec_tool		*t;
	const struct rec_word		*w;

	compile("my-tools.yaml", text, NULL, &c);
	cr_assert(eq(uint, c.errors, 0), "%.*s", SPAN_FMT(buf_rest(&c.notes)));
	server = policy_server_find(c.policy, SPAN_LIT("default"), SPAN_LIT("my-tools"));
	cr_assert(server != NULL);
	cr_expect(eq(u32, server->tier, TIER_STRICT));
	cr_expect(eq(u32, server->kind, SERVER_STDIO));
	cr_expect(eq(u32, server->era, ERA_PIN_MODERN));
	cr_expect(eq(u32, server->timeout_ms, 5000));
	cr_expect(eq(u32, server->flags, SERVER_FLAG_NATIVE));
	cr_expect(span_is(snap_text(c.policy, server->file), "tools.d/my-tools.yaml"));
	p = policy_profile_find(c.profile, server->profile);
	cr_assert(p != NULL);
	cr_expect(eq(u32, p->tool_count, 2));
	cr_expect(eq(u32, p->flags, SERVER_FLAG_NATIVE));
	t = SNAP_AT(c.profile, TOOL, p->tool_first);
	cr_expect(span_is(snap_text(c.profile, t->program), "/usr/bin/cat"));
	cr_expect(t->ok_status[0] == 3 && t->ok_status[1] == 1 && t->ok_status[2] == 0);
	cr_expect(eq(u32, t->max_output, 2048));
	cr_expect(eq(u32, t->timeout_ms, 4000));
	cr_expect(eq(u32, t->output, OUTPUT_JSON));
	cr_expect(eq(u32, t->word_count, 7));
	w = SNAP_AT(c.profile, WORD, t->word_first + UINT64_C(1));
	cr_expect(eq(u32, w->part_count, 3));
	w = SNAP_AT(c.profile, WORD, t->word_first + UINT64_C(3));
	cr_expect(eq(u32, w->flags, WORD_FLAG_SWITCH));
	cr_expect(eq(u32, w->group, 2));
	w = SNAP_AT(c.profile, WORD, t->word_first + UINT64_C(6));
	cr_expect(eq(u32, w->flags, WORD_FLAG_SPREAD | WORD_FLAG_AFTER_DASHES));
	cr_expect(eq(u32, slot_named(c.profile, t, "a")->flags, SLOT_FLAG_ARGS | SLOT_FLAG_REQUIRED));
	cr_expect(eq(u32, slot_named(c.profile, t, "b")->flags, SLOT_FLAG_ARGS));
	cr_expect(eq(u32, slot_named(c.profile, t, "c")->flags, SLOT_FLAG_ARGS));
	cr_expect(eq(u32, slot_named(c.profile, t, "d")->flags,
	    SLOT_FLAG_ARGS | SLOT_FLAG_ARRAY | SLOT_FLAG_MAY_CREATE | SLOT_FLAG_REQUIRED));
	cr_expect(span_is(snap_text(c.profile, t->definition), "{\"name\":\"one\",\"inputSchema\":{\"type\":\"object\","
	    "\"properties\":{\"a\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":256,"
	    "\"pattern\":\"^[A-Za-z0-9_.-]*$\"},\"b\":{\"type\":\"number\",\"minimum\":-1.5,\"maximum\":1e3},"
	    "\"c\":{\"type\":\"boolean\"},\"d\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"minLength\":1,"
	    "\"maxLength\":4096},\"minItems\":1,\"maxItems\":16}},\"required\":[\"a\",\"d\"],"
	    "\"additionalProperties\":false},\"annotations\":{\"openWorldHint\":false}}"), "%.*s",
	    SPAN_FMT(snap_text(c.profile, t->definition)));
	over(&c);
}

Test(tools, have_another_profile_when_anything_of_them_changes)
{
	static const char *const texts[] = {
		"tools: [{name: a, command: cat, args: [x, \"{s}\"], slots: {s: {}}}]",
		"tools: [{name: b, command: cat, args: [x, \"{s}\"], slots: {s: {}}}]",
		"tools: [{name: a, command: head, args: [x, \"{s}\"], slots: {s: {}}}]",
		"tools: [{name: a, command: cat, args: [y, \"{s}\"], slots: {s: {}}}]",
		"tools: [{name: a, command: cat, args: [\"x{s}\"], slots: {s: {}}}]",
		"tools: [{name: a, command: cat, args: [x, [\"{s}\"]], slots: {s: {}}}]",
		"tools: [{name: a, command: cat, args: [x], stdin: \"{s}\", slots: {s: {}}}]",
		"tools: [{name: a, command: cat, args: [x, --, \"{s}\"], slots: {s: {}}}]",
		"tools: [{name: a, command: cat, args: [x, \"{s}\"], slots: {s: {dash: true}}}]",
		"tools: [{name: a, command: cat, args: [x, \"{s}\"], slots: {s: {min_length: 2}}}]",
		"tools: [{name: a, command: cat, args: [x, \"{s}\"], slots: {s: {class: text}}}]",
		"tools: [{name: a, command: cat, args: [x, \"{s}\"], slots: {s: {choices: [p]}}}]",
		"tools: [{name: a, command: cat, args: [x, \"{s}\"], slots: {s: {choices: [q]}}}]",
		"tools: [{name: a, command: cat, args: [x, \"{s}\"], slots: {s: {}}, ok_status: [1]}]",
		"tools: [{name: a, command: cat, args: [x, \"{s}\"], slots: {s: {}}, output: json}]",
		"tools: [{name: a, command: cat, args: [x, \"{s}\"], slots: {s: {}}, max_output: 5}]",
		"tools: [{name: a, command: cat, args: [x, \"{s}\"], slots: {s: {}}, timeout_ms: 5}]",
		"tools: [{name: a, command: cat, args: [x, \"{s}\"], slots: {s: {}}}]\ntier: runtime",
		"tools: [{name: a, command: cat, args: [x, \"{s}\"], slots: {s: {}}}]\nworkdir: /tmp",
		"tools: [{name: a, command: cat, args: [x, \"{s}\"], slots: {s: {}}}]\nenv: {A: b}",
	};
	uint64_t	hash[sizeof(texts) / sizeof(texts[0])];
	struct compiled	c;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		compile("t.yaml", texts[i], NULL, &c);
		cr_assert(eq(uint, c.errors, 0), "row %zu: %.*s", i, SPAN_FMT(buf_rest(&c.notes)));
		hash[i] = policy_server_at(c.policy, 0)->profile;
		for (size_t k = 0; k < i; k++)
			cr_expect(hash[k] != hash[i], "rows %zu and %zu", k, i);
		over(&c);
	}
}

#define ONE(args, slots) "tools: [{name: a, command: cat, args: [" args "], slots: {" slots "}}]"

Test(tools, are_refused_with_a_place_and_a_reason)
{
	static const struct { const char *text, *says; } rows[] = {
		{ "[]", "t.yaml:1:1: error: want an object, not an array" },
		{ "a: 1\na: 2", "t.yaml:2:1: error: \"a\" is given twice" },
		{ "tool: []", "t.yaml:1:1: error: tool: unknown key; did you mean \"tools\"?" },
		{ "description: x", "needs \"tools\"" },
		{ "tools: []", "needs \"tools\"" },
		{ "tools: {}", "tools: want an array" },
		{ "tools: [1]", "tools[0]: want an object" },
		{ "tools: [{command: cat}]", "tools[0]: needs a \"name\"" },
		{ "tools: [{name: a}]", "tools[0]: needs a \"command\"" },
		{ "tools: [{name: a b, command: cat}]", "a tool's name" },
		{ "tools: [{name: a, command: cat}, {name: a, command: cat}]", "1:41: error: tools[1].name: \"a\" is the tool at 1:16" },
		{ "tools: [{name: a, command: cat, arg: []}]", "did you mean \"args\"?" },
		{ "tools: [{name: a, command: cat, risk: some}]", "want one of low, medium, high" },
		{ "tools: [{name: a, command: cat, output: xml}]", "want one of text, json, structured" },
		{ "tools: [{name: a, command: cat, ok_status: [256]}]", "0 to 255" },
		{ "tools: [{name: a, command: cat, max_output: 5MiB}]", "max_output" },
		{ "tools: [{name: a, command: cat, timeout_ms: 0}]", "timeout_ms" },
		{ "timeout_ms: 5\ntools: [{name: a, command: cat, timeout_ms: 6}]", "2:45: error: tools[0].timeout_ms: longer" },
		{ "tools: [{name: a, command: cat, annotations: {readonlyHint: true}}]", "did you mean \"readOnlyHint\"?" },
		{ "tools: [{name: a, command: cat, output_schema: {type: object}}]", "needs \"output\": \"structured\"" },
		{ "tools: [{name: a, command: cat, output: structured, output_schema: {}}]", "\"type\": \"object\"" },
		{ "server: a b\ntools: [{name: a, command: cat}]", "1:1: error: server: a server's name" },
		{ "tools: [{name: a, command: cat, args: [1]}]", "tools[0].args[0]: want a string; write \"1\"" },
		{ "tools: [{name: a, command: cat, args: [[x]]}]", "a group without a slot" },
		{ "tools: [{name: a, command: cat, args: [[[x]]]}]", "want a string" },
		{ "tools: [{name: a, command: cat, args: ['{']}]", "without its other half; write {{" },
		{ "tools: [{name: a, command: cat, args: ['a}']}]", "without its other half; write }}" },
		{ "tools: [{name: a, command: cat, args: ['{}']}]", "no slot \"\"" },
		{ "tools: [{name: a, command: cat, args: ['${HOME}']}]", "no slot \"HOME\"" },
		{ ONE("'{lime}'", "line: {}"), "no slot \"lime\"; did you mean \"line\"?" },
		{ ONE("x", "s: {}"), "slots.s: stands neither in" },
		{ ONE("['{s}']", "s: {required: true}"), "in optional groups only" },
		{ ONE("'{s}'", "s: {required: true, default: x}"), "its default has no use" },
		{ ONE("'{s}'", "s: {required: false}"), "outside of a group and has no default" },
		{ ONE("'{s}'", "s: {type: boolean}"), "outside of a group and has no default" },
		{ ONE("'{s}'", "s: {type: word}"), "want one of string, integer" },
		{ ONE("'{s}'", "s: {typ: string}"), "did you mean \"type\"?" },
		{ ONE("'{s}'", "s: {class: any}"), "want one of word, name, line, text" },
		{ ONE("'{s}'", "s: {type: integer, class: word}"), "meaning for string only" },
		{ ONE("'{s}'", "s: {min: 1}"), "meaning for integer and number only" },
		{ ONE("'{s}'", "s: {type: integer, max_length: 1}"), "meaning for string, path and json only" },
		{ ONE("'{s}'", "s: {max_items: 1}"), "meaning for arrays only" },
		{ ONE("'{s}'", "s: {may_create: true}"), "meaning for path only" },
		{ ONE("'{s}'", "s: {type: integer, min: 2, max: 1}"), "\"min\" is over its \"max\"" },
		{ ONE("'{s}'", "s: {type: number, min: 2.5, max: 1.5}"), "\"min\" is over its \"max\"" },
		{ ONE("'{s}'", "s: {type: integer, min: 1.5}"), "whole number" },
		{ ONE("'{s}'", "s: {type: integer, default: 5, max: 4}"), "at most 4" },
		{ ONE("'{s}'", "s: {type: integer, default: x}"), "want a number" },
		{ ONE("'{s}'", "s: {class: word, default: a b}"), "letters" },
		{ ONE("'{s}'", "s: {default: -x}"), "-x would begin an argument with \"-\"" },
		{ ONE("'{s}x'", "s: {type: integer, default: -1}"), "-1 would begin" },
		{ ONE("'{s}'", "s: {type: choice}"), "needs \"choices\"" },
		{ ONE("'{s}'", "s: {choices: [a], default: b}"), "none of the choices" },
		{ ONE("'{s}'", "s: {choices: ['']}"), "1 to" },
		{ ONE("'{s}'", "s: {array: true, default: a}"), "no default" },
		{ ONE("'a{s}'", "s: {array: true}"), "must be the whole word" },
		{ ONE("'{s}'", "s: {max_length: 9000}"), "at most 8192" },
		{ ONE("'{s}'", "s: {min_length: 5, max_length: 4}"), "over its \"max_length\"" },
		{ ONE("'{s}'", "s: {type: path}"), "a path needs the file's \"workdir\"" },
		{ ONE("'{a-b}'", "a-b: {}"), "a slot's name" },
		{ ONE("'{s}'", "s: 1"), "want an object" },
		{ "tools: [{name: a, command: cat, stdin: '{s}', slots: {s: {array: true}}}]", "whole word, not in stdin" },
		{ "workdir: /usr\nread: [/usr]\ntools: [{name: a, command: cat, stdin: '{s}', slots: {s: {type: path}}}]",
		    "is a path" },
	};
	struct compiled	c;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		compile("t.yaml", rows[i].text, NULL, &c);
		cr_expect(gt(uint, c.errors, 0), "row %zu: %s", i, rows[i].text);
		says(&c, rows[i].says);
		over(&c);
	}
}

Test(tools, may_have_a_dash_where_it_is_no_option)
{
	static const char *const	texts[] = { ONE("'{s}'", "s: {default: -x, dash: true}"), ONE("--, '{s}'", "s: {default: -x}"),
		ONE("'--n={s}'", "s: {type: integer, default: -1}"), ONE("'{s}'", "s: {choices: [-x], default: -x}"),
		"tools: [{name: a, command: cat, stdin: '{s}', slots: {s: {default: -x}}}]" };
	struct compiled			 c;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		compile("t.yaml", texts[i], NULL, &c);
		cr_expect(eq(uint, c.errors, 0), "row %zu: %.*s", i, SPAN_FMT(buf_rest(&c.notes)));
		over(&c);
	}
}

Test(tools, collide_with_nobody)
{
	static const char	one[] = "{\"tools\": [{\"name\": \"a\", \"command\": \"cat\"}], // JSON\n}";
	struct compiled		c;

	compile("git.json", one, "{\"mcpServers\": {\n  \"git\": {\"command\": \"cat\"}}}", &c);
	cr_expect(eq(uint, c.errors, 1));
	says(&c, "tools.d/git.json:1:1: error: server \"git\" is in servers.json:2:3 already");
	over(&c);
	compile("git.json", one, "{\"mcpServers\": {\"x\": {\"command\": \"cat\", \"prefix\": \"git\"}}}", &c);
	cr_expect(eq(uint, c.errors, 1));
	says(&c, "has the same prefix as \"x\" (servers.json line 1)");
	over(&c);
	compile("git.json", one, "{\"mcpServers\": {\"x\": {\"command\": \"cat\"}}}", &c);
	cr_expect(eq(uint, c.errors, 0), "%.*s", SPAN_FMT(buf_rest(&c.notes)));
	over(&c);
}

Test(tools, lie_in_a_folder_that_not_everybody_writes_to)
{
	struct compiled	c;
	char		path[128], to[128];

	compile("t.json", "{\"tools\": [{\"name\": \"a\", \"command\": \"cat\"}]}", NULL, &c);
	cr_assert(eq(uint, c.errors, 0));
	compiled_fini(&c);
	snprintf(path, sizeof(path), "%s/tools.d", folder);
	cr_assert(eq(int, chmod(path, 0777), 0));
	compile_folder(folder, true, options, &c);
	says(&c, "tools.d: error: may be written by everybody");
	compiled_fini(&c);
	cr_assert(eq(int, chmod(path, 0755), 0));
	/* Nor to the folder around it, in which they would be exchanged. */
	cr_assert(eq(int, chmod(folder, 0777), 0));
	compile_folder(folder, true, options, &c);
	says(&c, ": error: may be written by everybody: chmod o-w it");
	cr_expect(eq(uint, c.errors, 1));
	compiled_fini(&c);
	cr_assert(eq(int, chmod(folder, 0755), 0));
	snprintf(to, sizeof(to), "%s-moved", folder);
	cr_assert(eq(int, rename(path, to), 0));
	cr_assert(eq(int, symlink(to, path), 0));
	compile_folder(folder, true, options, &c);
	says(&c, "tools.d: error: leads out of the configuration folder");
	compiled_fini(&c);
	scratch_remove(to);
	scratch_remove(folder);
}

Test(tools, that_are_switched_off_or_away_stay_servers)
{
	struct compiled	c;

	compile("t.yml", "enabled: false\ntools: [{name: a, command: /nowhere}]", NULL, &c);
	cr_assert(eq(uint, c.errors, 0), "%.*s", SPAN_FMT(buf_rest(&c.notes)));
	cr_expect(eq(u32, policy_server_at(c.policy, 0)->flags, SERVER_FLAG_NATIVE | SERVER_FLAG_DISABLED));
	over(&c);
	compile("t.yml", "tools: [{name: a, command: /nowhere}]", NULL, &c);
	cr_assert(eq(uint, c.errors, 0), "%.*s", SPAN_FMT(buf_rest(&c.notes)));
	cr_expect(gt(uint, c.warnings, 0));
	cr_expect(eq(u32, policy_server_at(c.policy, 0)->flags, SERVER_FLAG_NATIVE | SERVER_FLAG_DISABLED | SERVER_FLAG_DOWN));
	cr_expect(policy_server_at(c.policy, 0)->profile == 0);
	over(&c);
	compile("t.txt", "no tools", NULL, &c);
	cr_expect(eq(uint, c.errors, 0));
	cr_expect(policy_server_at(c.policy, 0) == NULL);
	over(&c);
}
