/* SPDX-License-Identifier: Apache-2.0
 *
 * opts.c - the options of one command
 *
 * Process: mcpgwctl.  Owns: nothing.  Trusts: the operator.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/opts.h"
#include "lib/log.h"
#include "lib/near.h"

static struct {
	const char	*words, *arguments;
} of = { "the command", "..." };

void
opts_of(const char *words, const char *arguments)
{
	of.words = words;
	of.arguments = arguments;
}

const char *
opts_nearest(const char *word, const char *const *list)
{
	const char	*best = NULL;
	size_t		 least = (strlen(word) + 2) / 3 + 1;	/* as near_find() has it: more is another word */

	for (; *list != NULL; list++) {
		const size_t d = near_distance(span_of(word), span_of(*list));

		if (d < least) {
			least = d;
			best = *list;
		}
	}
	return best;
}

static _Noreturn void
unknown(const struct opt *rows, const char *word)
{
	const char	*names[32];
	const char	*near;
	size_t		 n = 0;

	/* Dashes are no letters that could be right. */
	for (; rows->name != NULL && n < 31; rows++)
		if (strncmp(rows->name, "--", 2) == 0)
			names[n++] = rows->name + 2;
	names[n] = NULL;
	if (strncmp(word, "--", 2) == 0 && (near = opts_nearest(word + 2, names)) != NULL)
		fatal(EX_USAGE, "unknown option \"%s\"; did you mean --%s?", word, near);
	fatal(EX_USAGE, "unknown option \"%s\"; see mcpgwctl help %s", word, of.words);
}

/* The row of an argument; *inline_value is what stands behind '='. */
static const struct opt *
row_of(const struct opt *rows, const char *arg, const char **inline_value)
{
	size_t	n = strcspn(arg, "=");

	*inline_value = arg[n] == '=' ? arg + n + 1 : NULL;
	for (; rows->name != NULL; rows++)
		if (strlen(rows->name) == n && strncmp(rows->name, arg, n) == 0)
			return rows;
	return NULL;
}

int
opts_take(const struct opt *rows, int argc, char **argv, int min, int max)
{
	const struct opt	*row;
	const char		*value;
	int			 words = 0;
	bool			 only_words = false;

	for (int i = 0; i < argc; i++) {
		if (only_words || argv[i][0] != '-' || argv[i][1] == '\0') {
			argv[words++] = argv[i];
			continue;
		}
		if (strcmp(argv[i], "--") == 0) {
			only_words = true;
			continue;
		}
		if ((row = row_of(rows, argv[i], &value)) == NULL)
			unknown(rows, argv[i]);
		if (row->flag != NULL) {
			if (value != NULL)
				fatal(EX_USAGE, "%s takes no value", row->name);
			*row->flag = true;
			continue;
		}
		if (value == NULL && ++i == argc)
			fatal(EX_USAGE, "%s needs a value", row->name);
		*row->value = value == NULL ? argv[i] : value;
	}
	if (words < min)
		fatal(EX_USAGE, "%s: something is missing; it wants: mcpgwctl %s %s", of.words, of.words, of.arguments);
	if (words > max)
		fatal(EX_USAGE, "%s: \"%s\" is too much; it wants: mcpgwctl %s%s%s", of.words, argv[max], of.words,
		    of.arguments[0] == '\0' ? "" : " ", of.arguments);
	return words;
}

static void
add_word(const char *name, const char *word, char *to, size_t room)
{
	const size_t	used = strlen(to), n = strlen(word);

	for (const char *c = word; *c != '\0'; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			fatal(EX_USAGE, "%s \"%s\": one name, without blanks; for more of them: the option again",
			    name, word);
	if (n == 0)
		fatal(EX_USAGE, "%s needs a name", name);
	if (used + n + 2 > room)
		fatal(EX_USAGE, "%s: too many names", name);
	snprintf(to + used, room - used, "%s%s", used > 0 ? " " : "", word);
}

int
opts_take_words(const char *name, int argc, char **argv, char *to, size_t room)
{
	const size_t	n = strlen(name);
	int		left = 0;

	to[0] = '\0';
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			while (i < argc)
				argv[left++] = argv[i++];
		} else if (strncmp(argv[i], name, n) == 0 && argv[i][n] == '=') {
			add_word(name, argv[i] + n + 1, to, room);
		} else if (strcmp(argv[i], name) != 0) {
			argv[left++] = argv[i];
		} else if (++i == argc) {
			fatal(EX_USAGE, "%s needs a value", name);
		} else {
			add_word(name, argv[i], to, room);
		}
	}
	return left;
}
