/* SPDX-License-Identifier: Apache-2.0
 *
 * options.c - the command line of mcpgw(8)
 *
 * Process: master.  Owns: nothing.  Trusts: the operator.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/log.h"
#include "master/options.h"

static _Noreturn void
usage(void)
{
	fatal(EX_USAGE, "usage: mcpgw [-fpt] [-c confdir] [-o name=value]...");
}

void
options_parse(struct options *o, int argc, char **argv)
{
	int	c;

	*o = (struct options){ 0 };
	opterr = 0;
	while ((c = getopt(argc, argv, "fptHc:o:")) != -1) {
		switch (c) {
		case 'f':
			o->foreground = true;
			break;
		case 'p':
			o->foreground = o->private = true;
			break;
		case 'H':
			o->heir = true;		/* by another master alone */
			break;
		case 't':
			o->check = true;
			break;
		case 'c':
			o->config_dir = optarg;
			break;
		case 'o':
			if (strchr(optarg, '=') == NULL)
				fatal(EX_USAGE, "-o %s: write it as name=value", optarg);
			if (o->setting_count == OPTIONS_O_MAX)
				fatal(EX_USAGE, "more than %d settings with -o", OPTIONS_O_MAX);
			o->settings[o->setting_count++] = optarg;
			break;
		default:
			usage();
		}
	}
	if (optind != argc)
		usage();
}

void
options_for_compiler(const struct options *o, const char *config_dir, char **out)
{
	size_t	n = 0;

	out[n++] = (char *)(uintptr_t)"-c";
	out[n++] = (char *)(uintptr_t)config_dir;
	for (size_t i = 0; i < o->setting_count; i++) {
		out[n++] = (char *)(uintptr_t)"-o";
		out[n++] = o->settings[i];
	}
	out[n] = NULL;
}
