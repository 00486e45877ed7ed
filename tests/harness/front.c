/* SPDX-License-Identifier: Apache-2.0
 *
 * front.c - TLS before a fixture server
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness/front.h"
#include "tests/harness/program.h"

#define WORDS_MAX	8

void
front_start(struct front *f, unsigned port, const char *pem, const char *words)
{
	const char	*argv[WORDS_MAX + 5] = { "tls-front" };
	char		 number[16], *copy = strdup(words), *save = NULL;
	int		 n = 4;

	snprintf(number, sizeof(number), "%u", port);
	snprintf(f->log, sizeof(f->log), "%s.log", pem);
	unlink(f->log);
	argv[1] = number;
	argv[2] = pem;
	argv[3] = f->log;
	for (char *w = strtok_r(copy, " ", &save); w != NULL && n < WORDS_MAX + 4; w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	f->port = program_start(argv, &f->pid);
	free(copy);
}

void
front_stop(struct front *f)
{
	program_stop(&f->pid);
}

size_t
front_saw(const struct front *f, const char *text)
{
	static char	log[1 << 20];
	FILE		*file = fopen(f->log, "r");
	size_t		 n = file == NULL ? 0 : fread(log, 1, sizeof(log) - 1, file), times = 0;

	if (file != NULL)
		fclose(file);
	log[n] = '\0';
	for (const char *p = log; (p = strstr(p, text)) != NULL; p += strlen(text))
		times++;
	return times;
}
