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

#define INDENT	"    "
#define WIDTH	76

/* Words of a text, folded at WIDTH. */
static void
print_folded(const char *text)
{
	size_t	column = 0;

	while (*text != '\0') {
		size_t n = strcspn(text, " ");

		if (column > 0 && column + 1 + n > WIDTH) {
			printf("\n");
			column = 0;
		}
		column += (size_t)printf("%s%.*s", column == 0 ? INDENT : " ", (int)n, text);
		text += n;
		text += strspn(text, " ");
	}
	printf("\n");
}

static void
print_one(const struct command *c)
{
	printf("  %s%s%s\n", c->words, c->arguments[0] == '\0' ? "" : " ", c->arguments);
	print_folded(c->doc);
}

/* `help key` is about all of its verbs. */
static bool
is_about(const struct command *c, int argc, char **argv)
{
	size_t	n = strlen(argv[0]);

	if (strncmp(c->words, argv[0], n) != 0 || (c->words[n] != '\0' && c->words[n] != ' '))
		return false;
	return argc == 1 || (c->words[n] == ' ' && strcmp(c->words + n + 1, argv[1]) == 0);
}

int
cmd_help(struct ctl *ctl, int argc, char **argv)
{
	static const struct opt	none[] = { { NULL, NULL, NULL } };
	bool			found = false;

	(void)ctl;
	argc = opts_take(none, argc, argv, 0, 2);
	if (argc == 0) {
		printf("usage: mcpgwctl [--system | --user] [-c CONFDIR] [--json] COMMAND\n\n");
		for (const struct command *c = commands; c->words != NULL; c++)
			print_one(c);
		return out_end(0);
	}
	for (const struct command *c = commands; c->words != NULL; c++)
		if (is_about(c, argc, argv)) {
			print_one(c);
			found = true;
		}
	if (!found && !(argc == 1 && topic_print(argv[0])))
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
