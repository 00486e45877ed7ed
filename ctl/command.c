/* SPDX-License-Identifier: Apache-2.0
 *
 * command.c - tables/ctlcmds.def as an array, and what to say to a word that is not in it
 *
 * Process: mcpgwctl.  Owns: nothing.  Trusts: the operator.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/command.h"
#include "ctl/opts.h"
#include "lib/log.h"

#define NAMES_MAX	128
#define WORD_MAX	32	/* a noun, with its NUL */

const struct command commands[] = {
#define CTLCMD(name, words, number, privilege, arguments, doc) { words, arguments, doc, cmd_##name },
#include "tables/ctlcmds.def"
#undef CTLCMD
	{ NULL, NULL, NULL, NULL }
};

static const struct {
	const char	*typed, *from, *ours;
} aliases[] = {
#define CTLALIAS(typed, from, ours) { typed, from, ours },
#include "tables/ctlaliases.def"
#undef CTLALIAS
};

#define ALIAS_COUNT (sizeof(aliases) / sizeof(aliases[0]))

/* How many of argv are these words; 0: another command. */
static int
words_of(const char *words, int argc, char **argv)
{
	size_t	n;
	int	used = 0;

	for (;;) {
		n = strcspn(words, " ");
		if (used == argc || strlen(argv[used]) != n || memcmp(argv[used], words, n) != 0)
			return 0;
		used++;
		if (words[n] == '\0')
			return used;
		words += n + 1;
	}
}

/* A command's words are one to three; *used is how many of argv they took. */
static const struct command *
find_own(int argc, char **argv, int *used)
{
	for (const struct command *c = commands; c->words != NULL; c++)
		if ((*used = words_of(c->words, argc, argv)) > 0)
			return c;
	*used = 1;
	return NULL;
}

const struct command *
command_find(int argc, char **argv, int *used)
{
	const struct command	*c = find_own(argc, argv, used);
	char			*typed[2];

	for (size_t i = 0; c == NULL && i < ALIAS_COUNT; i++) {
		const bool	any_noun = strncmp(aliases[i].typed, "* ", 2) == 0;

		if (argc <= any_noun || strcmp(argv[any_noun], aliases[i].typed + (any_noun ? 2 : 0)) != 0)
			continue;
		typed[0] = any_noun ? argv[0] : (char *)(uintptr_t)aliases[i].ours;
		typed[1] = (char *)(uintptr_t)aliases[i].ours;
		c = find_own(any_noun ? 2 : 1, typed, used);
		if (c != NULL && any_noun && *used == 1)
			c = NULL;	/* a command whose argument that word is */
	}
	return c;
}

void
command_aliases(void (*fn)(const char *typed, const char *from, const char *ours))
{
	for (size_t i = 0; i < ALIAS_COUNT; i++)
		if (i == 0 || strcmp(aliases[i].typed, aliases[i - 1].typed) != 0)
			fn(aliases[i].typed, aliases[i].from, aliases[i].ours);
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

/* The noun that is nearest to a word that is none; to has room for the longest. */
static const char *
nearest_noun(const char *word, char to[WORD_MAX])
{
	char		 nouns[NAMES_MAX][WORD_MAX];
	const char	*names[NAMES_MAX + 1], *near;
	size_t		 n = 0;

	for (const struct command *c = commands; c->words != NULL && n < NAMES_MAX; c++)
		if (strchr(c->words, ' ') != NULL) {
			snprintf(nouns[n], WORD_MAX, "%.*s", (int)strcspn(c->words, " "), c->words);
			names[n] = nouns[n];
			n++;
		}
	names[n] = NULL;
	if ((near = opts_nearest(word, names)) == NULL)
		return NULL;
	snprintf(to, WORD_MAX, "%s", near);
	return to;
}

_Noreturn void
command_unknown(int argc, char **argv)
{
	const char	*names[NAMES_MAX], *near, *verb = argc > 1 ? argv[1] : "";
	char		 typed[128], noun[WORD_MAX];
	size_t		 n = 0, bytes;
	bool		 has_verb = is_noun(argv[0], &bytes);
	int		 used;

	if (has_verb && argc == 1)
		fatal(EX_USAGE, "%s: what with it? See mcpgwctl help %s", argv[0], argv[0]);
	for (const struct command *c = commands; c->words != NULL && n < NAMES_MAX - 1; c++)
		names[n++] = c->words;
	names[n] = NULL;
	snprintf(typed, sizeof(typed), has_verb ? "%s %s" : "%s", argv[0], has_verb ? verb : "");
	if ((near = opts_nearest(typed, names)) != NULL)
		fatal(EX_USAGE, "unknown verb \"%s\"; did you mean %s?", typed, near);
	if (has_verb)
		fatal(EX_USAGE, "unknown verb \"%s\"; see mcpgwctl help %s", typed, argv[0]);
	if (nearest_noun(argv[0], noun) != NULL) {
		char	*pair[2] = { noun, (char *)(uintptr_t)verb };

		snprintf(typed, sizeof(typed), "%s %s", noun, verb);
		if (command_find(2, pair, &used) != NULL)
			fatal(EX_USAGE, "unknown verb \"%s\"; did you mean %s?", argv[0], typed);
		fatal(EX_USAGE, "unknown verb \"%s\"; did you mean %s? See mcpgwctl help %s", argv[0], noun, noun);
	}
	fatal(EX_USAGE, "unknown verb \"%s\"; see mcpgwctl help", typed);
}
