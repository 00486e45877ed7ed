/* SPDX-License-Identifier: Apache-2.0
 *
 * main.c - mcpgw-compile: text configuration and the store's dump to sealed snapshots
 *
 * Process: mcpgw-compile, short-lived; the master's child, or with -t the checker of `mcpgw -t` and
 *          `mcpgwctl check`.
 * Owns:    the job.
 * Trusts:  its command line and, for ${VAR}, its environment: both are the operator's.
 *
 * mcpgw-compile SLOT -c CONFDIR [-o name=value]...      (started by the master)
 * mcpgw-compile -t -c CONFDIR [-p] [-u UID] [-k GENERATION] [-o name=value]...
 */
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ipc/codec.h"
#include "ipc/heritage.h"
#include "lib/log.h"
#include "lib/num.h"
#include "lib/where.h"
#include "policy/compiler/child.h"
#include "policy/compiler/secrets.h"

#define OPTIONS_MAX	256

struct command_line {
	bool		 check;
	uint64_t	 in_force;	/* the generation that a gateway keeps meanwhile; 0: none is known */
	const char	*options[OPTIONS_MAX];
	size_t		 option_count;
};

static void
print_note(enum note_level level, const char *line, void *arg)
{
	(void)level;
	(void)arg;
	fprintf(stderr, "%s\n", line);
}

static const char *
plural(uint32_t n)
{
	return n == 1 ? "" : "s";
}

/* Root sees more than the compiler of root's gateway will. */
static uid_t
compiler_uid(void)
{
	const struct passwd	*pw = getpwnam(role_user(ROLE_COMPILE));

	if (pw == NULL)
		pw = getpwnam("nobody");
	return pw == NULL ? 0 : pw->pw_uid;
}

static void
print_errors(const struct job *j, uint64_t in_force)
{
	printf("%u error%s", j->errors, plural(j->errors));
	if (j->warnings > 0)
		printf(", %u warning%s", j->warnings, plural(j->warnings));
	printf(".");
	if (in_force != 0)
		printf(" The gateway keeps generation %llu.", (unsigned long long)in_force);
	printf("\n");
}

static int
check_run(struct job *j, uint64_t in_force)
{
	if (geteuid() == 0 && !j->personal)
		j->looks_as = compiler_uid();
	j->say = print_note;
	j->secret_open = secret_open_directly;
	j->cert_open = cert_open_directly;
	j->cred_open = cred_open_directly;
	j->secret_arg = j;
	job_run(j);
	fflush(stderr);
	if (j->errors > 0)
		print_errors(j, in_force);
	else
		printf("0 errors, %u warning%s: %llu server%s, %llu agent%s, %llu rule%s.\n", j->warnings,
		    plural(j->warnings), (unsigned long long)build_count(j->policy, SECTION_SERVER),
		    plural((uint32_t)build_count(j->policy, SECTION_SERVER)),
		    (unsigned long long)build_count(j->policy, SECTION_AGENT),
		    plural((uint32_t)build_count(j->policy, SECTION_AGENT)),
		    (unsigned long long)build_count(j->policy, SECTION_RULE),
		    plural((uint32_t)build_count(j->policy, SECTION_RULE)));
	return j->errors == 0 ? EX_OK : EX_CONFIG;
}

static void
command_line_read(struct job *j, struct command_line *cl, int argc, char **argv)
{
	uint64_t	uid;
	int		c;

	while ((c = getopt(argc, argv, "c:k:o:ptu:")) != -1) {
		switch (c) {
		case 'c':
			j->config_dir = optarg;
			break;
		case 'k':
			if (num_u64(span_of(optarg), &cl->in_force) != 0)
				fatal(EX_USAGE, "-k %s: want a number", optarg);
			break;
		case 'o':
			if (cl->option_count == OPTIONS_MAX)
				fatal(EX_USAGE, "more than %d -o", OPTIONS_MAX);
			cl->options[cl->option_count++] = optarg;
			break;
		case 'p':
			j->personal = true;
			break;
		case 't':
			cl->check = true;
			break;
		case 'u':
			if (num_u64(span_of(optarg), &uid) != 0 || uid >= UINT32_MAX)
				fatal(EX_USAGE, "-u %s: want a number", optarg);
			j->owner = (uid_t)uid;
			break;
		default:
			fatal(EX_USAGE, "usage: mcpgw-compile -t -c CONFDIR [-p] [-u UID] [-k GENERATION] "
			    "[-o name=value]...");
		}
	}
	j->options = cl->options;
	j->option_count = cl->option_count;
	if (j->config_dir == NULL)
		fatal(EX_USAGE, "-c CONFDIR is missing");
}

static void
config_dir_open(struct job *j)
{
	char	real[PATH_MAX];

	if (realpath(j->config_dir, real) == NULL ||
	    (j->config_fd = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		fatal(EX_NOINPUT, "%s: %m", j->config_dir);
	j->config_dir = job_fmt(j, "%s", strcmp(real, "/") == 0 ? "" : real);
}

int
main(int argc, char **argv)
{
	struct command_line	cl = { 0 };
	struct where		where;
	struct job		j = { .config_fd = -1, .owner = geteuid() };
	int			code;

	log_init("mcpgw-compile", STDERR_FILENO, LOG_FORM_PLAIN);
	job_init(&j);
	command_line_read(&j, &cl, argc, argv);
	if (!cl.check)
		log_init_child("mcpgw-compile", HERITAGE_LOG);
	/* gives the XDG variables their defaults, which the defaults of parameters name */
	if (where_init(&where, false) != 0 && j.personal)
		fatal(EX_CONFIG, "neither HOME nor a home in the user list");
	config_dir_open(&j);
	code = cl.check ? check_run(&j, cl.in_force) : child_run(&j);
	job_fini(&j);
	return code;
}
