/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_help.c - help and version
 *
 * Process: mcpgwctl.  Owns: nothing.  Trusts: tables/ctlcmds.def.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/command.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "ctl/topic.h"
#include "policy/params.h"

#define INDENT	4
#define WIDTH	76

/* Words of a text, folded at WIDTH; what is in brackets stays together. */
static void
print_folded(const char *text, int indent)
{
	size_t	column = 0;

	while (*text != '\0') {
		size_t n = 0, depth = 0;

		for (; text[n] != '\0' && (depth > 0 || text[n] != ' '); n++)
			depth += (text[n] == '[') - (depth > 0 && text[n] == ']');
		if (column > 0 && column + 1 + n > WIDTH) {
			printf("\n");
			column = 0;
			indent = INDENT;
		}
		column += (size_t)printf("%*s%.*s", column == 0 ? indent : 1, "", (int)n, text);
		text += n;
		text += strspn(text, " ");
	}
	printf("\n");
}

static void
print_one(const struct command *c)
{
	char	usage[512];

	snprintf(usage, sizeof(usage), "%s %s", c->words, c->arguments);
	print_folded(usage, INDENT / 2);
	print_folded(c->doc, INDENT);
}

/* `help key` is about all of its verbs, and `help server breaker` about all that begin so. */
static bool
is_about(const struct command *c, int argc, char **argv)
{
	const char	*words = c->words;

	for (int i = 0; i < argc; i++) {
		size_t n = strlen(argv[i]);

		if (strncmp(words, argv[i], n) != 0 || (words[n] != '\0' && words[n] != ' ') ||
		    (words[n] == '\0' && i + 1 < argc))
			return false;
		words += n + (words[n] == ' ');
	}
	return true;
}

static const struct {
	const char	*title, *words;
} groups[] = {
#define CTLGROUP(title, words) { title, words },
#include "tables/ctlgroups.def"
#undef CTLGROUP
};

#define GROUP_COUNT (sizeof(groups) / sizeof(groups[0]))

/* Which group a command is in, by its first word. */
static size_t
group_of(const struct command *c)
{
	char	word[48];

	snprintf(word, sizeof(word), " %.*s ", (int)strcspn(c->words, " "), c->words);
	for (size_t i = 0; i < GROUP_COUNT; i++)
		if (strstr(groups[i].words, word) != NULL)
			return i;
	return GROUP_COUNT - 1;
}

static void
print_json(const struct command *c)
{
	out_json_begin();
	out_json_text("command", span_of(c->words));
	out_json_text("arguments", span_of(c->arguments));
	out_json_text("group", span_of(groups[group_of(c)].title));
	out_json_text("doc", span_of(c->doc));
	out_json_end();
}

static void
print_alias(const char *typed, const char *from, const char *ours)
{
	const bool	any_noun = strncmp(typed, "* ", 2) == 0;

	printf("  %-9s as %s: %s%s\n", typed + (any_noun ? 2 : 0), from, ours, any_noun ? ", behind any noun" : "");
}

static void
print_all(const struct ctl *ctl)
{
	if (!ctl->json)
		printf("usage: mcpgwctl [--system | --user] [-c CONFDIR] [--json] COMMAND\n");
	for (size_t i = 0; i < GROUP_COUNT; i++) {
		bool	first = true;

		for (const struct command *c = commands; c->words != NULL; c++) {
			if (group_of(c) != i)
				continue;
			if (ctl->json) {
				print_json(c);
				continue;
			}
			if (first)
				printf("\n%s:\n", groups[i].title);
			first = false;
			print_one(c);
		}
	}
	if (ctl->json)
		return;
	printf("\nWords of other tools that are taken as well:\n");
	command_aliases(print_alias);
}

/* `help server ls` is about `server list`. */
static const struct command *
find_alias(int argc, char **argv)
{
	const struct command	*c;
	int			 used;

	c = command_find(argc, argv, &used);
	return c != NULL && used == argc ? c : NULL;
}

/* `help call_timeout` is about a parameter. */
static bool
print_param(const struct ctl *ctl, const char *name)
{
	const int		 id = param_find(span_of(name));
	const struct param_row	*row = id < 0 ? NULL : param_row((unsigned)id);
	const char		*normal;

	if (row == NULL)
		return false;
	normal = ctl->where.system || row->personal == NULL ? row->normal : row->personal;
	if (ctl->json) {
		out_json_begin();
		out_json_text("parameter", span_of(row->name));
		out_json_text("default", span_of(normal));
		out_json_text("doc", span_of(row->doc));
		out_json_end();
		return true;
	}
	printf("  %s =%s%s\n", row->name, normal[0] == '\0' ? "" : " ", normal);
	print_folded(row->doc, INDENT);
	printf("    A parameter of mcpgw.conf(5). To change it: mcpgwctl conf -e %s=VALUE\n", row->name);
	return true;
}

int
cmd_help(struct ctl *ctl, int argc, char **argv)
{
	static const struct opt	none[] = { { NULL, NULL, NULL } };
	const struct command	*other;
	bool			found = false;

	argc = opts_take(none, argc, argv, 0, COMMAND_WORDS_MAX);
	if (argc == 0) {
		print_all(ctl);
		return out_end(0);
	}
	for (const struct command *c = commands; c->words != NULL; c++)
		if (is_about(c, argc, argv)) {
			if (ctl->json)
				print_json(c);
			else
				print_one(c);
			found = true;
		}
	if (!found && (other = find_alias(argc, argv)) != NULL) {
		if (ctl->json)
			print_json(other);
		else
			print_one(other);
		found = true;
	}
	if (!found && !(argc == 1 && (topic_print(argv[0]) || print_param(ctl, argv[0]))))
		command_unknown(argc, argv);
	return out_end(0);
}

int
cmd_version(struct ctl *ctl, int argc, char **argv)
{
	static const struct opt	none[] = { { NULL, NULL, NULL } };

	(void)opts_take(none, argc, argv, 0, 0);
	if (ctl->json) {
		out_json_begin();
		out_json_text("version", span_of(MCPGW_VERSION));
		out_json_end();
	} else {
		printf("mcpgw %s\n", MCPGW_VERSION);
	}
	return out_end(0);
}
