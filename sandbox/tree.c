/* SPDX-License-Identifier: Apache-2.0
 *
 * tree.c - folders that a hostile tool wrote, or is writing: measured and removed without following it
 *
 * Process: a short-lived child of the spawner.  Owns: nothing beyond a call.
 * Trusts:  nothing below the folder.  A tool may put a link where a folder was a moment ago: openat2
 *          then refuses, and what cannot be opened is counted as the one entry it is.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/fd.h"
#include "sandbox/tree.h"

#define DEPTH_MAX	64		/* descriptors of one walk */
#define BLOCK		512		/* of st_blocks */
#define CLOCK_EVERY	256		/* entries between two looks at the clock */
#define ROUNDS_MAX	1000000		/* of removing: against someone who adds as fast */

int
tree_open(int at, const char *name, int *fd)
{
	struct open_how	how = { .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
			    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			    RESOLVE_NO_XDEV };

	*fd = (int)syscall(SYS_openat2, at, name, &how, sizeof(how));
	return *fd == -1 ? E_SYS : 0;
}

static bool
is_dots(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

static int64_t
deadline(const struct tree_bounds *b)
{
	return b->time_ms == 0 ? INT64_MAX : (int64_t)clock_mono_ms() + b->time_ms;
}

/* ---- measuring ---------------------------------------------------------------------------------- */

struct walk {
	const struct tree_bounds *b;
	struct tree_usage	 *usage;
	int64_t			  until;
	DIR			 *open[DEPTH_MAX];
	int			  depth;
};

static int
walk_enter(struct walk *w, int *fd)
{
	DIR	*d;

	if (w->depth == DEPTH_MAX)
		return E_TOOBIG;
	if ((d = fdopendir(*fd)) == NULL)
		return E_SYS;
	*fd = -1;
	w->open[w->depth++] = d;
	return 0;
}

static int
walk_entry(struct walk *w, int at, const char *name)
{
	struct stat	st;
	int		fd, r = 0;

	w->usage->entries++;
	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return 0;			/* gone meanwhile */
	w->usage->bytes += (uint64_t)st.st_blocks * BLOCK;
	if ((w->b->bytes != 0 && w->usage->bytes > w->b->bytes) ||
	    (w->b->entries != 0 && w->usage->entries > w->b->entries)) {
		w->usage->over = true;
		return 0;
	}
	if (w->usage->entries % CLOCK_EVERY == 0 && (int64_t)clock_mono_ms() > w->until)
		return E_TIMEOUT;
	if (!S_ISDIR(st.st_mode))
		return 0;
	if (tree_open(at, name, &fd) != 0)
		/* Gone, or a link by now; but what its owner closed may hold anything. */
		return errno == EACCES ? E_DENIED : 0;
	r = walk_enter(w, &fd);
	fd_close(&fd);
	return r;
}

int
tree_measure(int folder, const struct tree_bounds *b, struct tree_usage *out)
{
	struct walk	 w = { .b = b, .usage = out, .until = deadline(b) };
	struct dirent	*e;
	int		 fd, r;

	*out = (struct tree_usage){ 0 };
	if ((r = tree_open(folder, ".", &fd)) != 0)
		return r;
	r = walk_enter(&w, &fd);
	fd_close(&fd);
	while (r == 0 && w.depth > 0 && !out->over) {
		if ((e = readdir(w.open[w.depth - 1])) == NULL)
			closedir(w.open[--w.depth]);
		else if (!is_dots(e->d_name))
			r = walk_entry(&w, dirfd(w.open[w.depth - 1]), e->d_name);
	}
	while (w.depth > 0)
		closedir(w.open[--w.depth]);
	return r;
}

/* ---- removing ----------------------------------------------------------------------------------- */

/* A folder whose owner took his own rights away.  By name, as there is no descriptor of it yet: should
 * a link stand there by now, the mode of another file of the same user changes, and no right of
 * anybody else's. */
static int
open_closed(int at, const char *name, int *fd)
{
	if (tree_open(at, name, fd) == 0)
		return 0;
	if (errno != EACCES || fchmodat(at, name, 0700, 0) == -1)
		return E_SYS;
	return tree_open(at, name, fd);
}

/* Under a name nobody has.  A folder changes its parent only for who may write in it. */
static void
move_up(int top, int folder, const char *name, unsigned *number)
{
	char	new[32];
	bool	opened = false;

	for (;;) {
		snprintf(new, sizeof(new), ".gone-%u", ++*number);
		if (renameat2(folder, name, top, new, RENAME_NOREPLACE) == 0)
			return;
		if (errno == EACCES && !opened && fchmodat(folder, name, 0700, 0) == 0)
			opened = true;
		else if (errno != EEXIST)
			return;		/* gone meanwhile, or for the next round */
	}
}

/* Empties one folder.  What is a folder in it is moved up to `top` under a new name, so that no depth
 * costs a descriptor; *moved says that there is more to do in top. */
static int
empty(int top, int folder, unsigned *number, int64_t until, bool *moved)
{
	DIR		*d;
	struct dirent	*e;
	int		 own, r = 0;

	/* Opened anew, to read it from its beginning. */
	if (fchmod(folder, 0700) == -1 || tree_open(folder, ".", &own) != 0)
		return E_SYS;
	if ((d = fdopendir(own)) == NULL) {
		fd_close(&own);
		return E_SYS;
	}
	while (r == 0 && (e = readdir(d)) != NULL) {
		if (is_dots(e->d_name))
			continue;
		if ((int64_t)clock_mono_ms() > until)
			r = E_TIMEOUT;
		else if (unlinkat(folder, e->d_name, 0) == 0 || unlinkat(folder, e->d_name, AT_REMOVEDIR) == 0 ||
		    errno == ENOENT)
			continue;
		else if (folder == top) {
			*moved = true;		/* a folder with something in it: its turn comes */
		} else {
			move_up(top, folder, e->d_name, number);
			*moved = true;
		}
	}
	closedir(d);
	return r;
}

/* One folder of `top` that is not empty, emptied and removed. */
static int
empty_one(int top, const char *name, unsigned *number, int64_t until)
{
	bool	moved = false;
	int	fd, r;

	if (open_closed(top, name, &fd) != 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : E_SYS;
	r = empty(top, fd, number, until, &moved);
	fd_close(&fd);
	if (r == 0 && unlinkat(top, name, AT_REMOVEDIR) == -1 && errno != ENOENT && errno != ENOTEMPTY)
		r = E_SYS;
	return r;
}

static int
empty_top(int top, int64_t until)
{
	DIR		*d;
	struct dirent	*e;
	unsigned	 number = 0;
	bool		 more = true;
	int		 own, r = 0;

	for (int round = 0; r == 0 && more; round++) {
		if (round == ROUNDS_MAX || (int64_t)clock_mono_ms() > until)
			return E_TIMEOUT;
		more = false;
		if ((r = empty(top, top, &number, until, &more)) != 0 || !more)
			break;
		if (tree_open(top, ".", &own) != 0 || (d = fdopendir(own)) == NULL)
			return E_SYS;
		while (r == 0 && (e = readdir(d)) != NULL)
			if (!is_dots(e->d_name))
				r = empty_one(top, e->d_name, &number, until);
		closedir(d);
	}
	return r;
}

int
tree_remove(int at, const char *name, const struct tree_bounds *b)
{
	int64_t	until = deadline(b);
	int	top, r;

	if (unlinkat(at, name, 0) == 0 || errno == ENOENT || unlinkat(at, name, AT_REMOVEDIR) == 0)
		return 0;
	if (open_closed(at, name, &top) != 0)
		return E_SYS;
	r = empty_top(top, until);
	fd_close(&top);
	if (r == 0 && unlinkat(at, name, AT_REMOVEDIR) == -1 && errno != ENOENT)
		r = E_SYS;
	return r;
}
