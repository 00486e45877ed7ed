/* SPDX-License-Identifier: Apache-2.0
 *
 * treehash.c - a folder that an installer filled: looked at, closed against changes, and summed up in one digest
 *
 * Process: mcpgwctl, of root or of a user.
 * Owns:    descriptors while it walks; the list that is summed up.
 * Trusts:  nothing in the folder.  Whoever filled it is gone; still each step is by descriptor and follows no link.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/import/treehash.h"
#include "lib/buf.h"
#include "lib/fd.h"

#define DEPTH_MAX	64
#define FILES_MAX	400000
#define BYTES_MAX	(UINT64_C(4) << 30)
#define LIST_MAX	(256u << 20)

struct walk {
	struct treehash	*out;
	struct buf	 list;
	bool		 seal;
	const char	*outside;
	char		 path[PATH_MAX];	/* of what is looked at, from the folder on */
	size_t		 path_bytes;
};

static int __attribute__((format(printf, 3, 4)))
refuse(struct walk *w, int error, const char *fmt, ...)
{
	va_list	 ap;
	int	 n = snprintf(w->out->why, sizeof(w->out->why), "%.200s: ", w->path_bytes == 0 ? "." : w->path);

	va_start(ap, fmt);
	vsnprintf(w->out->why + n, sizeof(w->out->why) - (size_t)n, fmt, ap);
	va_end(ap);
	return error;
}

static void
to_hex(const struct crypt_digest *d, char to[TREEHASH_TEXT])
{
	for (size_t i = 0; i < CRYPT_SHA256_BYTES; i++)
		snprintf(to + 2 * i, 3, "%02x", d->bytes[i]);
}

/* One line of the list; paths hold no NUL. */
static int
put(struct walk *w, const char *kind, const char *what)
{
	static const char	nul[1] = "";

	if (buf_put_fmt(&w->list, "%s %s", kind, w->path) != 0 || buf_put(&w->list, span_make(nul, 1)) != 0 ||
	    buf_put_fmt(&w->list, "%s\n", what) != 0)
		return refuse(w, E_TOOBIG, "too many files");
	return 0;
}

/* ---- files ---------------------------------------------------------------------------------------- */

static int
sum_file(struct walk *w, int fd, uint64_t bytes, char hex[TREEHASH_TEXT])
{
	struct crypt_digest	d;
	void			*at = MAP_FAILED;
	int			 r;

	if (bytes > 0 && (at = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED)
		return refuse(w, E_SYS, "%s", strerror(errno));
	r = crypt_sha256(span_make(at == MAP_FAILED ? "" : at, bytes), &d);
	if (at != MAP_FAILED)
		munmap(at, bytes);
	if (r != 0)
		return refuse(w, r, "%s", err_text(r));
	to_hex(&d, hex);
	return 0;
}

static int
close_file(struct walk *w, int fd, mode_t mode)
{
	if (!w->seal)
		return 0;
	if ((geteuid() == 0 && fchown(fd, 0, 0) == -1) || fchmod(fd, mode) == -1)
		return refuse(w, E_SYS, "%s", strerror(errno));
	return 0;
}

static int
take_file(struct walk *w, int at, const char *name)
{
	char		hex[TREEHASH_TEXT];
	struct stat	st;
	int		fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), r;
	bool		runs;

	if (fd == -1 || fstat(fd, &st) == -1) {
		r = refuse(w, E_SYS, "%s", strerror(errno));
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		r = refuse(w, E_FORMAT, "neither file, folder nor link");
		goto out;
	}
	w->out->bytes += (uint64_t)st.st_size;
	if (w->out->bytes > BYTES_MAX) {
		r = refuse(w, E_TOOBIG, "the package is larger than %llu GiB", (unsigned long long)(BYTES_MAX >> 30));
		goto out;
	}
	runs = (st.st_mode & 0111) != 0;
	if ((r = sum_file(w, fd, (uint64_t)st.st_size, hex)) == 0 && (r = put(w, runs ? "x" : "f", hex)) == 0)
		r = close_file(w, fd, runs ? 0555 : 0444);
 out:
	fd_close(&fd);
	return r;
}

/* ---- links ---------------------------------------------------------------------------------------- */

static bool
is_below(const char *path, const char *folder)
{
	size_t	n = strlen(folder);

	return n > 0 && strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == '\0') &&
	    strstr(path, "/../") == NULL;
}

/* Followed from where it lies, it never goes above the folder. */
static bool
stays_within(const char *from, const char *target)
{
	int	depth = 0;

	for (const char *p = from; (p = strchr(p, '/')) != NULL; p++)
		depth++;
	while (*target != '\0') {
		size_t n = strcspn(target, "/");

		if (n == 2 && target[0] == '.' && target[1] == '.')
			depth--;
		else if (n > 0 && !(n == 1 && target[0] == '.'))
			depth++;
		if (depth < 0)
			return false;
		target += n + (target[n] == '/');
	}
	return true;
}

static int
take_link(struct walk *w, int at, const char *name)
{
	char	target[PATH_MAX];
	ssize_t	n = readlinkat(at, name, target, sizeof(target) - 1);

	if (n == -1)
		return refuse(w, E_SYS, "%s", strerror(errno));
	target[n] = '\0';
	if (target[0] == '/' ? !is_below(target, "/usr") && (w->outside == NULL || !is_below(target, w->outside)) :
	    !stays_within(w->path, target))
		return refuse(w, E_FORMAT, "a link that leads out of the package: %.200s", target);
	if (w->seal && geteuid() == 0 && fchownat(at, name, 0, 0, AT_SYMLINK_NOFOLLOW) == -1)
		return refuse(w, E_SYS, "%s", strerror(errno));
	return put(w, "l", target);
}

/* ---- folders -------------------------------------------------------------------------------------- */

static int	take_folder(struct walk *w, int fd, unsigned depth);

static int
take(struct walk *w, int at, const char *name, unsigned depth)
{
	struct stat	st;
	size_t		before = w->path_bytes;
	int		fd = -1, r;

	if (before + strlen(name) + 2 > sizeof(w->path) || memchr(name, '\n', strlen(name)) != NULL)
		return refuse(w, E_FORMAT, "a name that is too long, or holds a line feed");
	w->path_bytes += (size_t)snprintf(w->path + before, sizeof(w->path) - before, "%s%s", before == 0 ? "" : "/",
	    name);
	if (++w->out->files > FILES_MAX)
		r = refuse(w, E_TOOBIG, "more than %d files", FILES_MAX);
	else if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		r = refuse(w, E_SYS, "%s", strerror(errno));
	else if (S_ISLNK(st.st_mode))
		r = take_link(w, at, name);
	else if (!S_ISDIR(st.st_mode))
		r = take_file(w, at, name);
	else if ((fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) == -1)
		r = refuse(w, E_SYS, "%s", strerror(errno));
	else if ((r = put(w, "d", "")) == 0 && (r = take_folder(w, fd, depth + 1)) == 0)
		r = close_file(w, fd, 0555);
	fd_close(&fd);
	w->path_bytes = before;
	w->path[before] = '\0';
	return r;
}

static int
no_dots(const struct dirent *e)
{
	return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

/* By bytes: the same on every machine. */
static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
take_folder(struct walk *w, int fd, unsigned depth)
{
	struct dirent	**names = NULL;
	int		  n, r = 0;

	if (depth > DEPTH_MAX)
		return refuse(w, E_TOOBIG, "folders more than %d deep", DEPTH_MAX);
	if ((n = scandirat(fd, ".", &names, no_dots, by_name)) == -1)
		return refuse(w, E_SYS, "%s", strerror(errno));
	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = take(w, fd, names[i]->d_name, depth);
		free(names[i]);
	}
	free(names);
	return r;
}

int
treehash_make(int fd, bool seal, const char *outside, struct treehash *out)
{
	struct walk		w = { .out = out, .seal = seal, .outside = outside };
	struct crypt_digest	d;
	int			r;

	*out = (struct treehash){ 0 };
	buf_init(&w.list, LIST_MAX);
	if ((r = take_folder(&w, fd, 0)) == 0) {
		if ((r = crypt_sha256(buf_rest(&w.list), &d)) == 0)
			to_hex(&d, out->hex);
		else
			(void)refuse(&w, r, "%s", err_text(r));
	}
	buf_fini(&w.list);
	return r;
}
