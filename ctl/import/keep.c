/* SPDX-License-Identifier: Apache-2.0
 *
 * keep.c - pkgs/: packages as they were fetched, each with a record of what it is
 *
 * Process: mcpgwctl.
 * Owns:    the folder, while its lock is held.
 * Trusts:  its own records, which nobody who runs tools can write; nothing in .new, which installers wrote to.
 *
 * A package is there when its record is: that is what is renamed last, and removed first.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "ctl/import/keep.h"
#include "ctl/out.h"
#include "lib/conf.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/where.h"
#include "sandbox/tree.h"

#define RECORD_MAX	(16u << 20)
#define HASH_SHOWN	12
#define FOLDER_TEXT	512
#define REMOVE_MS	60000
#define DEPTH_MAX	64

/* ---- the folder ----------------------------------------------------------------------------------- */

int
keep_open(const char *path, struct keep *k)
{
	struct stat	st;

	*k = (struct keep){ .fd = -1, .lock = -1 };
	if (snprintf(k->path, sizeof(k->path), "%s", path) >= (int)sizeof(k->path) || path[0] != '/') {
		out_error("%s: too long, or not absolute", path);
		return EX_CONFIG;
	}
	where_make_above(path, geteuid() == 0 ? 0755 : 0700);
	(void)mkdir(path, 0755);
	if ((k->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1 || fstat(k->fd, &st) == -1)
		goto failed;
	/* Whoever can write here says what runs in jails. */
	if (st.st_uid != geteuid() || (st.st_mode & 0022) != 0) {
		out_error("%s: belongs to uid %u with mode %04o; it must be yours and writable by nobody else", path,
		    (unsigned)st.st_uid, (unsigned)(st.st_mode & 07777));
		keep_close(k);
		return EX_CONFIG;
	}
	if ((geteuid() == 0 && fchmod(k->fd, 0755) == -1) ||
	    (k->lock = openat(k->fd, ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) == -1)
		goto failed;
	if (flock(k->lock, LOCK_EX | LOCK_NB) == -1) {
		out_error("another mcpgwctl fetches packages; waiting for it");
		while (flock(k->lock, LOCK_EX) == -1)
			if (errno != EINTR)
				goto failed;
	}
	return 0;
 failed:
	out_error("%s: %s", path, strerror(errno));
	keep_close(k);
	return EX_CANTCREAT;
}

void
keep_close(struct keep *k)
{
	fd_close(&k->fd);
	fd_close(&k->lock);
}

/* What is closed against its owner is opened, so that it can be removed. */
static void
unseal(int at, const char *name, unsigned depth)
{
	struct dirent	*e;
	DIR		*d;
	int		 fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd == -1 || depth > DEPTH_MAX || fchmod(fd, 0700) == -1 || (d = fdopendir(fd)) == NULL) {
		fd_close(&fd);
		return;
	}
	while ((e = readdir(d)) != NULL)
		if ((e->d_type == DT_DIR || e->d_type == DT_UNKNOWN) && strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0)
			unseal(fd, e->d_name, depth + 1);
	closedir(d);
}

static int
remove_all(struct keep *k, const char *name)
{
	const struct tree_bounds	bounds = { .time_ms = REMOVE_MS };

	if (geteuid() != 0)
		unseal(k->fd, name, 0);
	return tree_remove(k->fd, name, &bounds);
}

int
keep_make(struct keep *k, const char *name, mode_t mode, uid_t uid, gid_t gid)
{
	if (remove_all(k, name) != 0 || mkdirat(k->fd, name, mode) == -1 || fchmodat(k->fd, name, mode, 0) == -1 ||
	    (geteuid() == 0 && fchownat(k->fd, name, uid, gid, AT_SYMLINK_NOFOLLOW) == -1))
		return E_SYS;
	return 0;
}

void
keep_remove(struct keep *k, const char *name)
{
	if (remove_all(k, name) != 0)
		out_error("%s/%s: not removed: %s", k->path, name, strerror(errno));
}

/* ---- records -------------------------------------------------------------------------------------- */

static void
must(int r)
{
	if (r != 0)
		fatal(EX_OSERR, "a package's record: %s", err_text(r));
}

static char *
dup_span(struct span s)
{
	char	*copy = strndup(s.p == NULL ? "" : s.p, s.n);

	if (copy == NULL)
		fatal(EX_OSERR, "no memory");
	return copy;
}

static void
put_member(struct buf *b, const char *name, const char *value)
{
	must(buf_put_fmt(b, "\t\"%s\": ", name));
	must(json_put_string(b, span_of(value)));
	must(buf_put_str(b, ",\n"));
}

static void
put_record(struct buf *b, const struct kept *w)
{
	struct timespec	now;

	clock_gettime(CLOCK_REALTIME, &now);
	must(buf_put_str(b, "{\n"));
	put_member(b, "kind", w->kind);
	put_member(b, "asked", w->spec);
	if (w->from != NULL)
		put_member(b, "from", w->from);
	put_member(b, "name", w->name);
	put_member(b, "version", w->version);
	put_member(b, "tree", w->tree);
	put_member(b, strcmp(w->kind, "npm") == 0 ? "node" : "python", w->node);
	must(buf_put_fmt(b, "\t\"scripts_run\": %s,\n\t\"fetched_ms\": %llu,\n\t\"bytes\": %llu,\n\t\"packages\": ",
	    w->scripts ? "true" : "false",
	    (unsigned long long)now.tv_sec * 1000 + (unsigned long long)now.tv_nsec / 1000000,
	    (unsigned long long)w->bytes));
	must(parts_put(w->parts, b));
	must(buf_put_str(b, "\n}\n"));
}

static int
write_record(struct keep *k, const char *folder, struct span text)
{
	char	name[FOLDER_TEXT + 8];
	int	fd, r;

	(void)unlinkat(k->fd, ".record", 0);
	if ((fd = openat(k->fd, ".record", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)) == -1)
		return E_SYS;
	r = fchmod(fd, 0644) == -1 || fd_write_all(fd, text) != 0 || fsync(fd) == -1 ? E_SYS : 0;
	fd_close(&fd);
	snprintf(name, sizeof(name), "%s.json", folder);
	if (r == 0 && renameat(k->fd, ".record", k->fd, name) == -1)
		r = E_SYS;
	return r;
}

static bool
has_record(struct keep *k, const char *folder)
{
	char	name[FOLDER_TEXT + 8];

	snprintf(name, sizeof(name), "%s.json", folder);
	return faccessat(k->fd, name, F_OK, 0) == 0 && faccessat(k->fd, folder, F_OK, 0) == 0;
}

static void
folder_name(const struct kept *w, char to[FOLDER_TEXT])
{
	snprintf(to, FOLDER_TEXT, "%.214s@%.128s-%.*s", w->name, w->version, HASH_SHOWN, w->tree);
	for (char *p = to; *p != '\0'; p++)
		if (*p == '/' || (unsigned char)*p <= ' ')
			*p = '+';
	if (to[0] == '.')
		to[0] = '+';
}

int
keep_put(struct keep *k, const char *name, const struct kept *w, struct package_got *got, char why[KEEP_WHY])
{
	char		from[FOLDER_TEXT + 16], folder[FOLDER_TEXT];
	struct buf	text;
	int		r = 0;

	folder_name(w, folder);
	snprintf(from, sizeof(from), KEEP_NEW "/%s", name);
	buf_init(&text, RECORD_MAX);
	put_record(&text, w);
	got->already = has_record(k, folder);
	if (got->already) {
		(void)remove_all(k, from);
	} else {
		/* One without a record was not finished. */
		(void)remove_all(k, folder);
		if ((geteuid() == 0 && fchownat(k->fd, from, 0, 0, AT_SYMLINK_NOFOLLOW) == -1) ||
		    renameat(k->fd, from, k->fd, folder) == -1 || fchmodat(k->fd, folder, 0555, 0) == -1)
			r = E_SYS;
	}
	/* Also of one that is there: it is what these words mean now.  One version means the same for ever, and its
	 * record may have words that mean more. */
	if (r == 0 && !(got->already && w->exact))
		r = write_record(k, folder, buf_rest(&text));
	if (r != 0)
		snprintf(why, KEEP_WHY, "%.200s/%.200s: %s", k->path, folder, strerror(errno));
	buf_fini(&text);
	if (asprintf(&got->dir, "%s/%s", k->path, folder) == -1)
		fatal(EX_OSERR, "no memory");
	return r;
}

/* ---- what is there -------------------------------------------------------------------------------- */

static struct span
text_of(const struct conf *c, const char *key)
{
	const struct conf_node	*n = conf_find(conf_top(c), key);

	return n == NULL || n->type != JSON_STRING ? SPAN_LIT("") : n->text;
}

static uint64_t
number_of(const struct conf *c, const char *key)
{
	const struct conf_node	*n = conf_find(conf_top(c), key);
	uint64_t		 v = 0;

	if (n == NULL || json_u64((struct json_value){ n->type, n->text }, &v) != 0)
		return 0;
	return v;
}

static bool
flag_of(const struct conf *c, const char *key)
{
	const struct conf_node	*n = conf_find(conf_top(c), key);

	return n != NULL && n->type == JSON_TRUE;
}

static int
open_record(struct keep *k, const char *name, struct conf **c)
{
	struct conf_error	error;
	char			*text = NULL;
	size_t			bytes = 0;
	int			fd = openat(k->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), r;

	*c = NULL;
	r = fd == -1 ? E_NOTFOUND : fd_read_all(fd, RECORD_MAX, &text, &bytes);
	if (r == 0)
		r = conf_new(span_make(text, bytes), c, &error);
	free(text);
	fd_close(&fd);
	return r;
}

static void
take_parts(const struct conf *c, struct package_got *got)
{
	const struct conf_node	*list = conf_find(conf_top(c), "packages"), *n, *flag, *name;
	const bool		 run = flag_of(c, "scripts_run");

	if (list == NULL || list->type != JSON_ARRAY)
		return;
	got->modules = list->count;
	if ((got->with_scripts = calloc(list->count + 1, sizeof(*got->with_scripts))) == NULL)
		fatal(EX_OSERR, "no memory");
	for (n = list->first; n != NULL && !run; n = n->next)
		if ((flag = conf_find(n, "scripts")) != NULL && flag->type == JSON_TRUE &&
		    (name = conf_find(n, "name")) != NULL)
			got->with_scripts[got->with_scripts_n++] = dup_span(name->text);
}

static void
take_record(struct keep *k, const char *folder, const struct conf *c, struct package_got *got)
{
	got->name = dup_span(text_of(c, "name"));
	got->version = dup_span(text_of(c, "version"));
	got->tree_hash = dup_span(text_of(c, "tree"));
	got->bytes = number_of(c, "bytes");
	if (asprintf(&got->dir, "%s/%s", k->path, folder) == -1)
		fatal(EX_OSERR, "no memory");
	take_parts(c, got);
}

static bool
is_asked(const struct conf *c, const struct package_want *want, const char *name, const char *exact)
{
	const struct conf_node	*from = conf_find(conf_top(c), "from");
	const bool		 same = span_is(text_of(c, "asked"), want->spec) || (exact[0] != '\0' &&
				    span_is(text_of(c, "name"), name) && span_is(text_of(c, "version"), exact));

	return same && span_is(text_of(c, "kind"), want->kind) && flag_of(c, "scripts_run") == want->scripts &&
	    (from == NULL) == (want->from == NULL) && (from == NULL || span_is(from->text, want->from));
}

int
keep_find(struct keep *k, const struct package_want *want, const char *wanted, const char *exact,
    struct package_got *got)
{
	struct conf	*c = NULL, *best = NULL;
	struct dirent	*e;
	char		 folder[FOLDER_TEXT] = "";
	DIR		*d;
	int		 fd = openat(k->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1 || (d = fdopendir(fd)) == NULL) {
		fd_close(&fd);
		return E_SYS;
	}
	while ((e = readdir(d)) != NULL) {
		size_t n = strlen(e->d_name);

		if (e->d_name[0] == '.' || n < 6 || n >= sizeof(folder) || strcmp(e->d_name + n - 5, ".json") != 0 ||
		    open_record(k, e->d_name, &c) != 0)
			continue;
		if (is_asked(c, want, wanted, exact) &&
		    (best == NULL || number_of(c, "fetched_ms") > number_of(best, "fetched_ms"))) {
			char name[FOLDER_TEXT];

			snprintf(name, sizeof(name), "%.*s", (int)(n - 5), e->d_name);
			if (has_record(k, name)) {
				struct conf *other = best;

				memcpy(folder, name, sizeof(folder));
				best = c;
				c = other;
			}
		}
		conf_free(&c);
	}
	closedir(d);
	if (best == NULL)
		return E_NOTFOUND;
	take_record(k, folder, best, got);
	got->already = true;
	conf_free(&best);
	return 0;
}

int
keep_read(struct keep *k, const char *folder, struct package_got *got, char why[KEEP_WHY])
{
	char		name[FOLDER_TEXT + 8];
	struct conf	*c = NULL;
	int		r;

	snprintf(name, sizeof(name), "%.500s.json", folder);
	if ((r = open_record(k, name, &c)) != 0) {
		snprintf(why, KEEP_WHY, "%.400s: has no record", folder);
		return r;
	}
	take_record(k, folder, c, got);
	got->already = true;
	conf_free(&c);
	return 0;
}

int
keep_asked(struct keep *k, const char *folder, struct package_asked *out)
{
	char		name[FOLDER_TEXT + 8];
	struct conf	*c = NULL;
	int		r;

	*out = (struct package_asked){ NULL };
	snprintf(name, sizeof(name), "%.500s.json", folder);
	if ((r = open_record(k, name, &c)) != 0)
		return r;
	out->kind = dup_span(text_of(c, "kind"));
	out->spec = dup_span(text_of(c, "asked"));
	if (text_of(c, "from").n > 0)
		out->from = dup_span(text_of(c, "from"));
	out->scripts = flag_of(c, "scripts_run");
	conf_free(&c);
	return 0;
}

void
keep_asked_free(struct package_asked *a)
{
	free(a->kind);
	free(a->spec);
	free(a->from);
	*a = (struct package_asked){ NULL };
}

void
keep_drop(struct keep *k, const char *folder)
{
	char	name[FOLDER_TEXT + 8];

	snprintf(name, sizeof(name), "%.500s.json", folder);
	(void)unlinkat(k->fd, name, 0);
	keep_remove(k, folder);
}

/* A folder's name is in the text, as part of a path or with its slash escaped: what looks like it stays. */
static bool
is_named(const char *folder, struct span text)
{
	return memmem(text.p, text.n, folder, strlen(folder)) != NULL;
}

void
keep_tidy(struct keep *k, const char *name, const char *stays, struct span text)
{
	int		 fd = openat(k->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR		*d = fd == -1 ? NULL : fdopendir(fd);
	struct dirent	*e;
	struct conf	*c;
	char		 folder[FOLDER_TEXT];

	while (d != NULL && (e = readdir(d)) != NULL) {
		size_t n = strlen(e->d_name);

		if (e->d_name[0] == '.' || n < 6 || n >= sizeof(folder) || strcmp(e->d_name + n - 5, ".json") != 0 ||
		    open_record(k, e->d_name, &c) != 0)
			continue;
		snprintf(folder, sizeof(folder), "%.*s", (int)(n - 5), e->d_name);
		if (span_is(text_of(c, "name"), name) && strcmp(folder, stays) != 0 && !is_named(folder, text))
			keep_drop(k, folder);
		conf_free(&c);
	}
	if (d != NULL)
		closedir(d);
	else
		fd_close(&fd);
}
