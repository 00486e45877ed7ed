/* SPDX-License-Identifier: Apache-2.0
 *
 * nameserver.c - a name server that answers what it is told
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness/nameserver.h"
#include "tests/harness/program.h"

void
nameserver_start(struct nameserver *s)
{
	const char	*argv[] = { "dns-server", s->file, NULL };

	snprintf(s->folder, sizeof(s->folder), "/tmp/mcpgw-names.XXXXXX");
	cr_assert(mkdtemp(s->folder) != NULL);
	snprintf(s->file, sizeof(s->file), "%s/names", s->folder);
	s->port = program_start(argv, &s->pid);
}

static void
beside(const struct nameserver *s, const char *what, char to[128])
{
	snprintf(to, 128, "%s.%s", s->file, what);
}

void
nameserver_stop(struct nameserver *s)
{
	char	path[128];

	program_stop(&s->pid);
	beside(s, "log", path);
	unlink(path);
	unlink(s->file);
	rmdir(s->folder);
}

void
nameserver_say(struct nameserver *s, const char *lines)
{
	char	path[128];
	FILE	*f;

	beside(s, "new", path);
	f = fopen(path, "w");
	cr_assert(f != NULL && fputs(lines, f) >= 0 && fclose(f) == 0 && rename(path, s->file) == 0);
}

size_t
nameserver_asked(const struct nameserver *s, const char *name)
{
	char	path[128], line[300];
	size_t	n = 0;
	FILE	*f;

	beside(s, "log", path);
	f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		n += strcmp(line, name) == 0;
	}
	if (f != NULL)
		fclose(f);
	return n;
}
