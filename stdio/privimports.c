/* SPDX-License-Identifier: Apache-2.0
 *
 * privimports.c - what the user has imported, for a private gateway
 *
 * Process: mcpgw-stdio.  Owns: nothing beyond a call.
 * Trusts:  records that are ours and closed to others (ctl/import/record.c), as far as they are JSON; the compiler
 *          checks what is in them.
 *
 * The client's file stays as it is: where it says `npx PACKAGE`, the gateway starts what import fetched for that very
 * entry, in the jail that was shown then.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "stdio/privimports.h"

#define RECORD_MAX	(1024u * 1024)
#define RECORDS_MAX	1024
#define TEXT_MAX	(16u * 1024 * 1024)
#define DIGEST_QUOTED	(64 + 2)

static int
open_ours(int in, const char *name, int flags)
{
	struct stat	 st;
	int		 fd = openat(in, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags);

	if (fd != -1 && (fstat(fd, &st) == -1 || st.st_uid != geteuid() || (st.st_mode & 022) != 0 ||
	    !(flags == 0 ? S_ISREG(st.st_mode) : S_ISDIR(st.st_mode))))
		fd_close(&fd);
	return fd;
}

/* Each of its entries, with what was written for it. */
static int
put_entries(struct json_value record, struct buf *to)
{
	struct json_value	written = json_get(record, "written"), entries = json_get(record, "entries"), entry;
	struct json_iter	it;
	struct span		key;
	int			r = 0;

	if (written.type != JSON_OBJECT || entries.type != JSON_ARRAY)
		return 0;
	json_iter_init(&it, entries);
	while (r == 0 && json_iter_next(&it, &key, &entry)) {
		/* The same entry under two names was written once. */
		if (entry.type != JSON_STRING || entry.raw.n != DIGEST_QUOTED ||
		    (to->used > 0 && memmem(to->data, to->used, entry.raw.p, entry.raw.n) != NULL))
			continue;
		if ((r = buf_put_str(to, to->used > 0 ? ",\n" : "{\"imports\": {\n")) == 0 &&
		    (r = buf_put(to, entry.raw)) == 0 && (r = buf_put_str(to, ": ")) == 0)
			r = buf_put(to, written.raw);
	}
	return r;
}

static int
put_record(int folder, const char *name, struct buf *to)
{
	struct json_value	record;
	char			*text = NULL;
	size_t			 bytes = 0;
	int			 fd = open_ours(folder, name, 0), r = 0;

	if (fd != -1 && fd_read_all(fd, RECORD_MAX, &text, &bytes) == 0 &&
	    json_parse(span_make(text, bytes), false, &record, NULL) == 0 && record.type == JSON_OBJECT)
		r = put_entries(record, to);
	free(text);
	fd_close(&fd);
	return r;
}

static int
put_all(const char *state_dir, struct buf *to)
{
	char		 path[PATH_MAX];
	struct dirent	*e;
	DIR		*d;
	int		 folder, n = 0, r = 0;

	if (snprintf(path, sizeof(path), "%s/imports", state_dir) >= (int)sizeof(path) ||
	    (folder = open_ours(AT_FDCWD, path, O_DIRECTORY)) == -1)
		return 0;
	if ((d = fdopendir(folder)) == NULL) {
		fd_close(&folder);
		return E_SYS;
	}
	while (r == 0 && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			r = n++ == RECORDS_MAX ? E_TOOBIG : put_record(dirfd(d), e->d_name, to);
	closedir(d);
	return r;
}

int
privimports_write(const char *dir, const char *state_dir, bool *any)
{
	char		path[PATH_MAX];
	struct buf	b;
	int		fd = -1, r;

	buf_init(&b, TEXT_MAX);
	r = put_all(state_dir, &b);
	*any = r == 0 && b.used > 0;
	if (!*any || (r = buf_put_str(&b, "\n}}\n")) != 0)
		goto out;
	snprintf(path, sizeof(path), "%.4000s/imports.json", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	r = fd == -1 ? E_SYS : fd_write_all(fd, buf_rest(&b));
 out:
	fd_close(&fd);
	buf_fini(&b);
	return r;
}
