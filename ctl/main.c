/* SPDX-License-Identifier: Apache-2.0
 *
 * main.c - mcpgwctl: looks the command up in tables/ctlcmds.def and runs it
 *
 * Process: mcpgwctl, as whoever calls it.
 * Owns:    nothing.
 * Trusts:  the caller for the caller's own rights; the master decides what they are.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

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
		fatal(EX_USAGE, "unknown verb \"%s\"; did you mean %s?", typed, near);
	fatal(EX_USAGE, "unknown verb \"%s\"; see mcpgwctl help", typed);
}

/* Options that stand before the command, and --json and -o anywhere. */
static void
take_common(struct ctl *ctl, int *argc, char **argv, bool *system)
{
	int	kept = 0;
	bool	before = true;

	for (int i = 0; i < *argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			while (i < *argc)
				argv[kept++] = argv[i++];
			break;
		}
		if (strcmp(argv[i], "--json") == 0) {
			ctl->json = true;
		} else if (strcmp(argv[i], "--system") == 0) {
			*system = true;
		} else if (strcmp(argv[i], "--user") == 0) {
			*system = false;
		} else if (before && strcmp(argv[i], "-c") == 0) {
			if (++i == *argc)
				fatal(EX_USAGE, "-c needs a folder");
			ctl->config_given = argv[i];
		} else if (strcmp(argv[i], "-o") == 0) {
			if (++i == *argc || strchr(argv[i], '=') == NULL)
				fatal(EX_USAGE, "-o needs name=value");
			if (ctl->setting_count == CTL_SETTINGS_MAX)
				fatal(EX_USAGE, "too many -o");
			ctl->settings[ctl->setting_count++] = argv[i];
		} else if (before && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
			static char help[] = "help";

			argv[kept++] = help;
			before = false;
		} else {
			if (before && argv[i][0] == '-' && strcmp(argv[i], "--version") != 0)
				fatal(EX_USAGE, "unknown option \"%s\"; see mcpgwctl help", argv[i]);
			argv[kept++] = argv[i];
			before = false;
		}
	}
	*argc = kept;
}

int
main(int argc, char **argv)
{
	static struct ctl	 ctl;
	const struct command	*c;
	static char		 version[] = "version";
	bool			 system = geteuid() == 0;
	int			 used;

	log_init("mcpgwctl", STDERR_FILENO, LOG_FORM_PLAIN);
	signal(SIGPIPE, SIG_IGN);
	argc--;
	argv++;
	take_common(&ctl, &argc, argv, &system);
	if (argc > 0 && strcmp(argv[0], "--version") == 0)
		argv[0] = version;
	if (where_init(&ctl.where, system) != 0)
		fatal(EX_CONFIG, "no home folder: set HOME or XDG_CONFIG_HOME");
	if (argc == 0) {
		(void)cmd_help(&ctl, 0, argv);
		return EX_USAGE;
	}
	if ((c = command_find(argc, argv, &used)) == NULL)
		command_unknown(argc, argv);
	return c->run(&ctl, argc - used, argv + used);
}
