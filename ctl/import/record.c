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

#include "ctl/files/edit.h"
#include "ctl/files/replace.h"
#include "ctl/folders.h"
#include "ctl/import/member.h"
#include "ctl/import/record.h"
#include "ctl/out.h"
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
	if ((r = buf_put_str(b, "]")) != 0 || !server_runs(s) || s->entry_sha256 == NULL)
		return r == 0 ? buf_put_str(b, "\n}\n") : r;
	if ((r = buf_put_fmt(b, ",\n\t\"entries\": [\"%s\"],\n\t\"written\": ", s->entry_sha256)) != 0 ||
	    (r = member_put(s, b)) != 0)
		return r;
	return buf_put_str(b, "\n}\n");
}

/* Another file has the same server in other words: they stand for it too.  E_NOTFOUND: there is no record that could
 * say so. */
static int
add_entry(const struct import_server *s, struct span was, struct buf *b)
{
	static const char *const	names[] = { "entries", NULL };
	const struct conf_node		*n;
	struct conf_error		 error;
	struct conf			*c = NULL;
	struct buf			 item;
	int				 r;

	if (conf_new(was, &c, &error) != 0)
		return E_NOTFOUND;
	buf_init(&item, RECORD_BYTES);
	if (conf_find(conf_top(c), "written") == NULL || (n = conf_find(conf_top(c), "entries")) == NULL) {
		r = E_NOTFOUND;
	} else {
		for (n = n->first; n != NULL && !span_is(n->text, s->entry_sha256);)
			n = n->next;
		if (n != NULL)
			r = buf_put(b, was);
		else if ((r = json_put_string(&item, span_of(s->entry_sha256))) == 0)
			r = edit_put(was, c, names, true, buf_rest(&item), b);
	}
	buf_fini(&item);
	conf_free(&c);
	return r;
}

static void
write_one(struct import *im, const struct import_server *s, const char *folder)
{
	const char	*path = import_fmt(im, "%s/%s.json", folder, s->name);
	struct span	 was;
	struct buf	 b;
	char		*text = NULL;
	size_t		 bytes = 0;
	int		 r = E_NOTFOUND;

	buf_init(&b, RECORD_BYTES);
	if (replace_read(path, &text, &bytes) == 0) {
		was = span_make(text, bytes);
		if (s->fate == IMPORT_SAME && s->entry_sha256 != NULL)
			r = add_entry(s, was, &b);
		if (r == E_NOTFOUND)
			r = make(s, &b);
		if (r == 0 && !span_eq(was, buf_rest(&b)))
			(void)!replace_file(path, was, buf_rest(&b), NULL, NULL);
	}
	free(text);
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
		if (im->servers[i].fate == IMPORT_NEW || im->servers[i].fate == IMPORT_CHANGED ||
		    im->servers[i].fate == IMPORT_SAME)
			write_one(im, &im->servers[i], folder);
}
