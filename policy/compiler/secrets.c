/* SPDX-License-Identifier: Apache-2.0
 *
 * secrets.c - SECRET records: values that may be in no other snapshot
 *
 * Process: mcpgw-compile.  Owns: nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/secretfile.h"
#include "policy/compiler/secrets.h"
#include "policy/compiler/tenants.h"

void
secret_put(const struct job *j, struct build *b, struct span server, struct span name, struct span value)
{
	struct rec_secret	r;

	r.tenant = put_text(b, span_of(j->tenant));
	r.server = put_text(b, server);
	r.name = put_text(b, name);
	r.value = put_text(b, value);
	put_record(b, SECTION_SECRET, &r);
}

struct sorted {
	struct span		tenant, server;
	struct rec_secret	rec;
	uint64_t		at;
};

static int
sorted_cmp(const void *a, const void *b)
{
	const struct sorted	*x = a, *y = b;
	int			 r = span_cmp(x->tenant, y->tenant);

	if (r != 0 || (r = span_cmp(x->server, y->server)) != 0)
		return r;
	return x->at < y->at ? -1 : 1;	/* as written */
}

static struct span
text_at(struct build *b, struct stext t)
{
	return t.bytes == 0 ? SPAN_NONE : span_make(build_at(b, SECTION_TEXT, t.at), t.bytes);
}

int
secrets_sort(struct build *b)
{
	const uint64_t		 count = build_count(b, SECTION_SECRET);
	struct rec_secret	*r;
	struct sorted		*all;

	if (count < 2)
		return 0;
	if ((all = calloc(count, sizeof(*all))) == NULL)
		return E_NOMEM;
	for (uint64_t i = 0; i < count; i++) {
		r = build_at(b, SECTION_SECRET, i);
		all[i] = (struct sorted){ text_at(b, r->tenant), text_at(b, r->server), *r, i };
	}
	qsort(all, count, sizeof(*all), sorted_cmp);
	for (uint64_t i = 0; i < count; i++)
		*(struct rec_secret *)build_at(b, SECTION_SECRET, i) = all[i].rec;
	free(all);
	return 0;
}

int
secret_open_directly(const char *name, const char **why, void *arg)
{
	struct job		*j = arg;
	struct stat		 st;
	int			 dir, fd;

	dir = openat(j->config_fd, tenant_path(j, "secrets"), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	fd = dir == -1 ? -1 : openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		*why = errno == ENOENT ? "no such secret" : strerror(errno);
	fd_close(&dir);
	if (fd != -1 && (fstat(fd, &st) == -1 || (st.st_mode & 077) != 0)) {
		*why = "readable by group or others: chmod 600 it";
		fd_close(&fd);
	}
	return fd;
}

int
cred_open_directly(const char *name, const char **why, void *arg)
{
	const struct job	*j = arg;
	int			 fd;

	return credfile_open(span_of(j->tenant), span_of(name), &fd, why) == 0 ? fd : -1;
}

int
cert_open_directly(const char *name, const char **why, void *arg)
{
	const struct job	*j = arg;
	int			 fd;

	return certfile_open(j->config_dir[0] == '\0' ? "/" : j->config_dir, span_of(name), &fd, why) == 0 ? fd : -1;
}
