/* SPDX-License-Identifier: Apache-2.0
 *
 * root.c - the new root: what a tool sees of the world
 *
 * Process: the spawner's child on the way to a jail.
 * Owns:    the detached mounts, until they are put into the new root.
 * Trusts:  the profile for paths on the host; no link below the new root.
 *
 * A tree is taken from the host under the host's names and put into a tmpfs beneath a descriptor, and
 * only at the end does the old root go: a source's links never meet the new root, nor the reverse.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/fd.h"
#include "sandbox/etc.h"
#include "sandbox/mount.h"
#include "sandbox/root.h"

#define SAFE		((uint64_t)(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV))
#define READ_ONLY	((uint64_t)MOUNT_ATTR_RDONLY)
#define NO_EXEC		((uint64_t)MOUNT_ATTR_NOEXEC)
#define TMP_BYTES	(UINT64_C(64) << 20)
#define ROOT_BYTES	(UINT64_C(1) << 20)
#define FOLDER_MODE	0755

/* What every jail has of the host's /etc; the rest is made up (etc.c). */
static const struct jail_bind baseline[] = {
	{ "/usr", "/usr", JAIL_BIND_EXEC },
	{ "/etc/alternatives", "/etc/alternatives", JAIL_BIND_OPTIONAL },
	{ "/etc/ssl/certs", "/etc/ssl/certs", JAIL_BIND_OPTIONAL },
	{ "/etc/ssl/openssl.cnf", "/etc/ssl/openssl.cnf", JAIL_BIND_OPTIONAL },
	{ "/etc/ld.so.cache", "/etc/ld.so.cache", JAIL_BIND_OPTIONAL },
	{ "/etc/mime.types", "/etc/mime.types", JAIL_BIND_OPTIONAL },
};

static const char *const devices[] = { "null", "zero", "full", "random", "urandom" };

static const struct {
	const char	*name, *to;
} device_links[] = {
	{ "dev/fd", "/proc/self/fd" },
	{ "dev/stdin", "/proc/self/fd/0" },
	{ "dev/stdout", "/proc/self/fd/1" },
	{ "dev/stderr", "/proc/self/fd/2" },
};

/* On a merged /usr these are links; elsewhere folders of their own. */
static const char *const system_links[] = { "/bin", "/sbin", "/lib", "/lib32", "/lib64" };

const char *
root_home(const struct jail_spec *spec)
{
	return spec->home != NULL ? spec->home : JAIL_HOME;
}

size_t
root_system(struct jail_bind *to, size_t room)
{
	static char	dev[sizeof(devices) / sizeof(devices[0])][32];
	size_t		n = 0;

	for (size_t i = 0; i < sizeof(baseline) / sizeof(baseline[0]) && n < room; i++)
		to[n++] = baseline[i];
	for (size_t i = 0; i < sizeof(system_links) / sizeof(system_links[0]) && n < room; i++)
		to[n++] = (struct jail_bind){ system_links[i], system_links[i], JAIL_BIND_EXEC | JAIL_BIND_OPTIONAL };
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]) && n < room; i++) {
		snprintf(dev[i], sizeof(dev[i]), "/dev/%s", devices[i]);
		to[n++] = (struct jail_bind){ dev[i], dev[i], JAIL_BIND_WRITABLE };
	}
	return n;
}

static int
fail(struct root_report *report, enum jail_step step, const char *detail)
{
	int	saved = errno;

	report->step = step;
	snprintf(report->detail, sizeof(report->detail), "%s", detail);
	errno = saved;
	return E_SYS;
}

/* ---- names below the new root ------------------------------------------------------------------ */

/* Opens the folder that is to hold the last part of `path`, making what is missing of it; *last is
 * that part.  Never through a link. */
static int
open_parent(int root, const char *path, const char **last, int *out)
{
	struct open_how	how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
			    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS };
	char		part[NAME_MAX + 1];
	const char	*slash;
	int		at, next;

	if ((at = fcntl(root, F_DUPFD_CLOEXEC, 3)) == -1)
		return E_SYS;
	while (*path == '/')
		path++;
	while ((slash = strchr(path, '/')) != NULL) {
		size_t n = (size_t)(slash - path);

		if (n > NAME_MAX) {
			errno = ENAMETOOLONG;
			goto bad;
		}
		memcpy(part, path, n);
		part[n] = '\0';
		if (mkdirat(at, part, FOLDER_MODE) == -1 && errno != EEXIST && errno != EROFS)
			goto bad;
		if ((next = (int)syscall(SYS_openat2, at, part, &how, sizeof(how))) == -1)
			goto bad;
		fd_close(&at);
		at = next;
		for (path = slash; *path == '/'; path++)
			;
	}
	*last = path;
	*out = at;
	return 0;
 bad:
	fd_close(&at);
	return E_SYS;
}

/* Puts a tree at `path` below the root, making an empty folder or file for it to lie on. */
static int
put_tree(int root, int *tree, const char *path)
{
	const char	*last;
	struct stat	 st;
	int		 at, file, r = E_SYS;

	if (fstat(*tree, &st) == -1 || open_parent(root, path, &last, &at) != 0)
		return E_SYS;
	if (*last == '\0') {
		errno = EINVAL;
		goto out;
	}
	if (S_ISDIR(st.st_mode)) {
		if (mkdirat(at, last, FOLDER_MODE) == -1 && errno != EEXIST && errno != EROFS)
			goto out;
	} else {
		file = openat(at, last, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
		if (file == -1 && errno != EEXIST && errno != EROFS)
			goto out;
		fd_close(&file);
	}
	r = mount_put(tree, at, last);
 out:
	fd_close(&at);
	return r;
}

static int
make_link(int root, const char *path, const char *to)
{
	const char	*last;
	int		 at, r;

	if (open_parent(root, path, &last, &at) != 0)
		return E_SYS;
	r = symlinkat(to, at, last) == -1 && errno != EEXIST ? E_SYS : 0;
	fd_close(&at);
	return r;
}

/* ---- parts of the view ------------------------------------------------------------------------- */

static int
show(int root, const struct jail_bind *b)
{
	uint64_t	attr = SAFE;
	int		tree;

	if (b->source[0] != '/' || b->target[0] != '/') {
		errno = EINVAL;
		return E_SYS;
	}
	if ((b->flags & JAIL_BIND_WRITABLE) == 0)
		attr |= READ_ONLY;
	if ((b->flags & JAIL_BIND_EXEC) == 0)
		attr |= NO_EXEC;
	if (mount_tree(b->source, attr, &tree) != 0)
		return errno == ENOENT && (b->flags & JAIL_BIND_OPTIONAL) != 0 ? 0 : E_SYS;
	if (put_tree(root, &tree, b->target) != 0) {
		fd_close(&tree);
		return E_SYS;
	}
	return 0;
}

static int
show_system(int root, struct root_report *report)
{
	struct jail_bind	whole = { .flags = JAIL_BIND_EXEC | JAIL_BIND_OPTIONAL };
	char			to[PATH_MAX];
	ssize_t			n;

	for (size_t i = 0; i < sizeof(baseline) / sizeof(baseline[0]); i++)
		if (show(root, &baseline[i]) != 0)
			return fail(report, JAIL_STEP_BIND, baseline[i].source);
	for (size_t i = 0; i < sizeof(system_links) / sizeof(system_links[0]); i++) {
		n = readlink(system_links[i], to, sizeof(to) - 1);
		to[n == -1 ? 0 : n] = '\0';
		whole.source = whole.target = system_links[i];
		if (n == -1 ? show(root, &whole) != 0 : make_link(root, system_links[i], to) != 0)
			return fail(report, JAIL_STEP_BIND, system_links[i]);
	}
	return 0;
}

static int
new_tmpfs(uint64_t bytes, const char *mode, unsigned attr, int *fd)
{
	char				size[24], inodes[24];
	const struct mount_option	options[] = {
		{ "size", size }, { "nr_inodes", inodes }, { "mode", mode }, { NULL, NULL },
	};

	snprintf(size, sizeof(size), "%llu", (unsigned long long)bytes);
	/* A file of one page each, and some more for folders. */
	snprintf(inodes, sizeof(inodes), "%llu", (unsigned long long)bytes / 4096 + 64);
	return mount_new("tmpfs", options, attr, fd);
}

static int
put_tmpfs(int root, const struct jail_spec *spec, uint64_t bytes, const char *path, const char *mode)
{
	unsigned	attr = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
	int		tree;

	if (!spec->exec_tmp)
		attr |= MOUNT_ATTR_NOEXEC;
	if (new_tmpfs(bytes != 0 ? bytes : TMP_BYTES, mode, attr, &tree) != 0)
		return E_SYS;
	if (put_tree(root, &tree, path) != 0) {
		fd_close(&tree);
		return E_SYS;
	}
	return 0;
}

static int
put_home(int root, const struct jail_spec *spec, int *state)
{
	if (*state == -1)
		return put_tmpfs(root, spec, spec->home_bytes != 0 ? spec->home_bytes : spec->tmp_bytes,
		    root_home(spec), "0700");
	return put_tree(root, state, root_home(spec));
}

static int
put_devices(int root, struct root_report *report)
{
	char	path[32];
	int	tree;

	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		snprintf(path, sizeof(path), "/dev/%s", devices[i]);
		if (mount_tree(path, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
		    &tree) != 0)
			return fail(report, JAIL_STEP_DEV, path);
		if (put_tree(root, &tree, path) != 0) {
			fd_close(&tree);
			return fail(report, JAIL_STEP_DEV, path);
		}
	}
	for (size_t i = 0; i < sizeof(device_links) / sizeof(device_links[0]); i++)
		if (make_link(root, device_links[i].name, device_links[i].to) != 0)
			return fail(report, JAIL_STEP_DEV, device_links[i].name);
	return 0;
}

/* The one step that may be refused: where /proc is masked (a container), the kernel forbids a new
 * one, and the jail goes without.  The outer one is never shown instead. */
static int
put_proc(int root, struct root_report *report)
{
	static const struct mount_option options[] = {
		{ "hidepid", "invisible" }, { "subset", "pid" }, { NULL, NULL },
	};
	int	tree;

	if (mkdirat(root, "proc", 0555) == -1)
		return fail(report, JAIL_STEP_PROC, "/proc");
	if (mount_new("proc", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
	    &tree) != 0) {
		if (errno != EPERM && errno != EACCES)
			return fail(report, JAIL_STEP_PROC, "/proc");
		report->no_proc = true;
		return 0;
	}
	if (put_tree(root, &tree, "/proc") != 0) {
		fd_close(&tree);
		return fail(report, JAIL_STEP_PROC, "/proc");
	}
	return 0;
}

/* ---- the whole --------------------------------------------------------------------------------- */

/* The new root lies on /proc until it is the root: a folder that is there on every machine, and has
 * nothing that may be shown.  It must lie somewhere: before kernel 6.15 nothing can be mounted in a file
 * system that is itself not mounted. */
static int
place_root(int *root)
{
	int	tree;

	if (new_tmpfs(ROOT_BYTES, "0755", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, &tree) != 0)
		return E_SYS;
	if ((*root = fcntl(tree, F_DUPFD_CLOEXEC, 3)) == -1 || mount_put(&tree, AT_FDCWD, "/proc") != 0) {
		fd_close(&tree);
		return E_SYS;
	}
	return 0;
}

static int
change_root(int root, struct root_report *report)
{
	if (fchdir(root) == -1 || syscall(SYS_pivot_root, ".", ".") == -1 ||
	    umount2(".", MNT_DETACH) == -1 || chdir("/") == -1)
		return fail(report, JAIL_STEP_PIVOT, "");
	if (mount_set(root, SAFE | READ_ONLY | NO_EXEC) != 0)
		return fail(report, JAIL_STEP_SEAL, "");
	return 0;
}

static int
fill_root(int root, const struct jail_spec *spec, int *state, struct root_report *report)
{
	const char	*file;
	int		 r;

	if ((r = show_system(root, report)) != 0)
		return r;
	if (etc_make(root, spec, &file) != 0)
		return fail(report, JAIL_STEP_FILES, file);
	if (put_tmpfs(root, spec, spec->tmp_bytes, "/tmp", "1777") != 0)
		return fail(report, JAIL_STEP_TMP, "/tmp");
	if (put_home(root, spec, state) != 0)
		return fail(report, JAIL_STEP_STATE, root_home(spec));
	if ((r = put_devices(root, report)) != 0 || (r = put_proc(root, report)) != 0)
		return r;
	for (size_t i = 0; i < spec->bind_count; i++)
		if (show(root, &spec->binds[i]) != 0)
			return fail(report, JAIL_STEP_BIND, spec->binds[i].source);
	return 0;
}

int
root_build(const struct jail_spec *spec, struct root_report *report)
{
	uint64_t	attr = SAFE | (spec->exec_tmp ? 0 : NO_EXEC);
	int		root = -1, state = -1, r;

	umask(0022);
	if (mount_part() != 0)
		return fail(report, JAIL_STEP_PRIVATE, "/");
	if (spec->state_fd != -1 && mount_tree(".", attr, &state) != 0)
		return fail(report, JAIL_STEP_STATE, root_home(spec));
	if (place_root(&root) != 0) {
		r = fail(report, JAIL_STEP_ROOT, "/");
		goto out;
	}
	if ((r = fill_root(root, spec, &state, report)) != 0)
		goto out;
	r = change_root(root, report);
 out:
	fd_close(&root);
	fd_close(&state);
	return r;
}
