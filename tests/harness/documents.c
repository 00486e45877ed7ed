/* SPDX-License-Identifier: Apache-2.0
 *
 * documents.c - an HTTP server of a few documents, behind TLS or not
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness/documents.h"
#include "tests/harness/program.h"

static const char *
beside(const struct documents *d, const char *name)
{
	static char	path[512];

	snprintf(path, sizeof(path), "%s/%s", d->folder, name);
	return path;
}

void
documents_start(struct documents *d, const struct testca *ca, const char *names)
{
	const char	*argv[] = { "documents-server", d->folder, NULL };
	struct testcert	 c;

	memset(d, 0, sizeof(*d));
	snprintf(d->folder, sizeof(d->folder), "/tmp/mcpgw-documents.XXXXXX");
	cr_assert(mkdtemp(d->folder) != NULL);
	d->port = program_start(argv, &d->pid);
	if (ca == NULL)
		return;
	testca_issue(ca, names, 0, 1, &c);
	testcert_write(&c, NULL, beside(d, "pem"));
	front_start(&d->front, d->port, beside(d, "pem"), "");
	testcert_free(&c);
}

void
documents_stop(struct documents *d)
{
	DIR		*dir;
	struct dirent	*e;

	if (d->front.pid > 0)
		front_stop(&d->front);
	program_stop(&d->pid);
	if ((dir = opendir(d->folder)) != NULL) {
		while ((e = readdir(dir)) != NULL)
			if (e->d_name[0] != '.')
				unlink(beside(d, e->d_name));
		closedir(dir);
	}
	rmdir(d->folder);
}

void
documents_say(struct documents *d, const char *target, const char *words, const char *text)
{
	char	 name[256], new[512];
	FILE	*f;

	snprintf(name, sizeof(name), "%s", target + 1);
	for (char *p = name; *p != '\0'; p++)
		*p = *p == '/' ? ',' : *p;
	if (words == NULL) {
		unlink(beside(d, name));
		return;
	}
	snprintf(new, sizeof(new), "%s/.new", d->folder);
	f = fopen(new, "w");
	cr_assert(f != NULL && fprintf(f, "%s\n%s", words, text) > 0 && fclose(f) == 0 &&
	    rename(new, beside(d, name)) == 0);
}

size_t
documents_saw(const struct documents *d, const char *text)
{
	static char	log[1 << 20];
	FILE		*f = fopen(beside(d, "log"), "r");
	size_t		 n = f == NULL ? 0 : fread(log, 1, sizeof(log) - 1, f), times = 0;

	if (f != NULL)
		fclose(f);
	log[n] = '\0';
	for (const char *p = log; (p = strstr(p, text)) != NULL; p += strlen(text))
		times++;
	return times;
}

void
documents_forget(struct documents *d)
{
	unlink(beside(d, "log"));
}
