/* SPDX-License-Identifier: Apache-2.0
 *
 * main.c - mcpgwctl: options common to all commands, then the command
 *
 * Process: mcpgwctl, as whoever calls it.
 * Owns:    nothing.
 * Trusts:  the caller for the caller's own rights; the master decides what they are.
 */
#include <signal.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/command.h"
#include "ctl/opts.h"
#include "lib/log.h"

/* Options that stand before the command, and --json and -o anywhere; but behind `explain`, --user is a caller's. */
static void
take_common(struct ctl *ctl, int *argc, char **argv, bool *system, bool *help)
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
		} else if (!before && strcmp(argv[i], "--help") == 0) {
			*help = true;
		} else if (strcmp(argv[i], "--system") == 0) {
			*system = true;
		} else if (strcmp(argv[i], "--user") == 0 && (before || strcmp(argv[0], "explain") != 0)) {
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
			static char word[] = "help";

			argv[kept++] = word;
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
	bool			 system = geteuid() == 0, help = false;
	int			 used;

	log_init("mcpgwctl", STDERR_FILENO, LOG_FORM_PLAIN);
	signal(SIGPIPE, SIG_IGN);
	argc--;
	argv++;
	take_common(&ctl, &argc, argv, &system, &help);
	if (argc > 0 && strcmp(argv[0], "--version") == 0)
		argv[0] = version;
	if (where_init(&ctl.where, system) != 0)
		fatal(EX_CONFIG, "no home folder: set HOME or XDG_CONFIG_HOME");
	if (argc == 0) {
		(void)cmd_help(&ctl, 0, argv);
		return EX_USAGE;
	}
	c = command_find(argc, argv, &used);
	if (help) {
		opts_of("help", "[COMMAND]");
		return cmd_help(&ctl, c == NULL && argc > 1 ? 2 : c == NULL ? 1 : used, argv);
	}
	if (c == NULL)
		command_unknown(argc, argv);
	opts_of(c->words, c->arguments);
	return c->run(&ctl, argc - used, argv + used);
}
