/* SPDX-License-Identifier: Apache-2.0
 *
 * options.h - the command line of mcpgw(8)
 */
#ifndef MASTER_OPTIONS_H
#define MASTER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define OPTIONS_O_MAX	64
#define SPAWN_ARGS_MAX	(2 * OPTIONS_O_MAX + 8)

struct options {
	bool		 foreground, check;
	bool		 heir;			/* descriptor 3 is the channel to the master before */
	bool		 private;		/* and foreground: private.h */
	const char	*config_dir;		/* NULL: the default */
	char		*settings[OPTIONS_O_MAX];	/* name=value, as written */
	size_t		 setting_count;
};

/* Exits with EX_USAGE, having said why. */
void	options_parse(struct options *o, int argc, char **argv);
/* Arguments for mcpgw-compile behind its slot: -c DIR and every -o; out has SPAWN_ARGS_MAX + 1 places;
 * borrowed from o and config_dir. */
void	options_for_compiler(const struct options *o, const char *config_dir, char **out);

#endif
