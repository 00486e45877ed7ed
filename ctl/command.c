/* SPDX-License-Identifier: Apache-2.0
 *
 * command.c - tables/ctlcmds.def as an array, and what to say to a word that is not in it
 *
 * Process: mcpgwctl.  Owns: nothing.  Trusts: the operator.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/command.h"
#include "ctl/opts.h"
#include "lib/log.h"

const struct command commands[] = {
#define CTLCMD(name, words, number, privilege, arguments, doc) { words, arguments, doc, cmd_##name },
#include "tables/ctlcmds.def"
#undef CTLCMD
	{ NULL, NULL, NULL, NULL }
};

/* A command's words are one or two; *used is how many of argv they took. */
const struct command *
command_find(int argc, char **argv, int *used)
{
	char	two[64];

	for (const struct command *c = commands; c->words != NULL; c++) {
		if (argc > 1 && strchr(c->words, ' ') != NULL) {
			snprintf(two, sizeof(two), "%s %s", argv[0], argv[1]);
			*used = 2;
			if (strcmp(two, c->words) == 0)
				return c;
		}
		*used = 1;
		if (argc > 0 && strcmp(argv[0], c->words) == 0)
			return c;
	}
	return NULL;
}

static bool
is_noun(const char *word, size_t *bytes)
{
	*bytes = strlen(word);
	for (const struct command *c = commands; c->words != NULL; c++)
		if (strncmp(c->words, word, *bytes) == 0 && c->words[*bytes] == ' ')
			return true;
	return false;
}

_Noreturn void
command_unknown(int argc, char **argv)
{
	const char	*names[64], *near;
	char		 typed[128];
	size_t		 n = 0, noun;
	bool		 has_verb = is_noun(argv[0], &noun);

	if (has_verb && argc == 1)
		fatal(EX_USAGE, "%s: what with it? See mcpgwctl help %s", argv[0], argv[0]);
	for (const struct command *c = commands; c->words != NULL && n < 63; c++)
		names[n++] = c->words;
	names[n] = NULL;
	snprintf(typed, sizeof(typed), has_verb ? "%s %s" : "%s", argv[0], has_verb ? argv[1] : "");
	if ((near = opts_nearest(typed, names)) != NULL)
		fatal(EX_USAGE, "unknown command \"%s\"; did you mean %s?", typed, near);
	fatal(EX_USAGE, "unknown command \"%s\"; see mcpgwctl help", typed);
}
