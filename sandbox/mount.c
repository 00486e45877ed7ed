/* SPDX-License-Identifier: Apache-2.0
 *
 * mount.c - mounts as descriptors: made whole, with their flags, before they appear anywhere
 *
 * Process: the spawner's child on the way to a jail.  Owns: nothing beyond a call.
 * Trusts:  the kernel.
 */
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/fd.h"
#include "sandbox/mount.h"

int
mount_part(void)
{
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ? E_SYS : 0;
}

int
mount_tree(const char *path, uint64_t attr, int *out)
{
	struct mount_attr	set = { .attr_set = attr };
	int			fd;

	*out = -1;
	fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (fd == -1)
		return E_SYS;
	if (mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &set, sizeof(set)) == -1) {
		fd_close(&fd);
		return E_SYS;
	}
	*out = fd;
	return 0;
}

int
mount_new(const char *type, const struct mount_option *options, unsigned attr, int *out)
{
	int	fs, r = E_SYS;

	*out = -1;
	if ((fs = fsopen(type, FSOPEN_CLOEXEC)) == -1)
		return E_SYS;
	for (; options->name != NULL; options++) {
		unsigned how = options->value == NULL ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING;

		if (fsconfig(fs, how, options->name, options->value, 0) == -1)
			goto out;
	}
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == -1)
		goto out;
	if ((*out = fsmount(fs, FSMOUNT_CLOEXEC, attr)) != -1)
		r = 0;
 out:
	fd_close(&fs);
	return r;
}

int
mount_put(int *tree, int at, const char *name)
{
	struct open_how	how = { .flags = O_PATH | O_CLOEXEC,
			    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS };
	int		target, r = 0;

	if (at == AT_FDCWD)
		how.resolve = 0;
	if ((target = (int)syscall(SYS_openat2, at, name, &how, sizeof(how))) == -1)
		return E_SYS;
	if (move_mount(*tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) == -1)
		r = E_SYS;
	fd_close(&target);
	fd_close(tree);
	return r;
}

int
mount_set(int fd, uint64_t attr)
{
	struct mount_attr	set = { .attr_set = attr };

	return mount_setattr(fd, "", AT_EMPTY_PATH, &set, sizeof(set)) == -1 ? E_SYS : 0;
}
