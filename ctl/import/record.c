/* SPDX-License-Identifier: Apache-2.0
 *
 * record.c - what was imported, as it was then
 *
 * Process: mcpgwctl.  Owns: nothing beyond a call.
 * Trusts:  nothing of the texts: all are written as JSON strings.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/folders.h"
#include "ctl/import/record.h"
#include "ctl/out.h"
#include "ctl/replace.h"
#include "lib/crypt.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/num.h"

#define RECORD_BYTES	(1024 * 1024)
#define PROGRAM_MAX	(1024ll * 1024 * 1024)
#define HEX		(sizeof(struct crypt_digest) * 2 + 1)

/* Of the program's file; "": it cannot be read. */
static void
hash_file(const char *path, char hex[HEX])
{
	struct crypt_digest	 d;
	struct stat		 st;
	void			*at = MAP_FAILED;
	int			 fd = open(path, O_RDONLY | O_CLOEXEC);

	hex[0] = '\0';
	if (fd != -1 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 && st.st_size <= PROGRAM_MAX)
		at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	fd_close(&fd);
	if (at == MAP_FAILED)
		return;
	if (crypt_sha256(span_make(at, (size_t)st.st_size), &d) == 0)
		num_hex(d.bytes, sizeof(d.bytes), hex);
	munmap(at, (size_t)st.st_size);
}

static int
put_member(struct buf *b, const char *name, const char *value)
{
	int	r;

	if (value == NULL || value[0] == '\0')
		return 0;
	if ((r = buf_put_str(b, b->used == 1 ? "\n\t" : ",\n\t")) != 0 ||
	    (r = json_put_string(b, span_of(name))) != 0 || (r = buf_put_str(b, ": ")) != 0)
		return r;
	return json_put_string(b, span_of(value));
}

static int
make(const struct import_server *s, struct buf *b)
{
	char	hex[HEX] = "", when[OUT_TIME];
	int	r;

	if (s->got.tree_hash == NULL && s->command != NULL)
		hash_file(s->command, hex);
	if ((r = buf_put_str(b, "{")) != 0 || (r = put_member(b, "file", s->file)) != 0 ||
	    (r = put_member(b, "imported", out_utc_ms(out_now_ms(), when))) != 0 ||
	    (r = put_member(b, "command", s->command)) != 0 || (r = put_member(b, "sha256", hex)) != 0 ||
	    (r = put_member(b, "url", s->url)) != 0 || (r = put_member(b, "kind", s->want.kind)) != 0 ||
	    (r = put_member(b, "spec", s->want.spec)) != 0 || (r = put_member(b, "bin", s->want.bin)) != 0 ||
	    (r = put_member(b, "version", s->got.version)) != 0 || (r = put_member(b, "folder", s->got.dir)) != 0 ||
	    (r = put_member(b, "tree_sha256", s->got.tree_hash)) != 0 ||
	    (r = buf_put_str(b, ",\n\t\"tools\": [")) != 0)
		return r;
	for (size_t i = 0; i < s->tools.n; i++)
		if ((r = buf_put_str(b, i == 0 ? "" : ", ")) != 0 ||
		    (r = json_put_string(b, span_of(s->tools.at[i]))) != 0)
			return r;
	return buf_put_str(b, "]\n}\n");
}

static void
write_one(struct import *im, const struct import_server *s, const char *folder)
{
	const char	*path = import_fmt(im, "%s/%s.json", folder, s->name);
	struct buf	 b;
	char		*was = NULL;
	size_t		 bytes;

	buf_init(&b, RECORD_BYTES);
	if (make(s, &b) == 0 && replace_read(path, &was, &bytes) == 0)
		(void)!replace_file(path, span_make(was, bytes), buf_rest(&b), NULL, NULL);
	free(was);
	buf_fini(&b);
}

void
records_write(struct import *im)
{
	const char	*folder = import_fmt(im, "%s/imports", folders_state(im->ctl));

	folders_make_state(im->ctl);
	if (mkdir(folder, 0700) == -1 && errno != EEXIST) {
		out_error("%s: %s", folder, strerror(errno));
		return;
	}
	for (size_t i = 0; i < im->count; i++)
		if (im->servers[i].fate == IMPORT_NEW || im->servers[i].fate == IMPORT_CHANGED)
			write_one(im, &im->servers[i], folder);
}
