/* SPDX-License-Identifier: Apache-2.0
 *
 * whoseport.c - which process listens at a TCP port, as /proc has it
 *
 * Process: mcpgwctl.  Owns: nothing.  Trusts: /proc.
 */
#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/doctor/whoseport.h"
#include "ctl/out.h"

#define LISTENS	0x0a	/* TCP_LISTEN */

/* The inode of a socket that listens there; 0: none. */
static uint64_t
inode_of(const char *table, uint16_t port)
{
	char		line[512];
	unsigned	at, state;
	uint64_t	inode, found = 0;
	FILE		*f = fopen(table, "re");

	while (f != NULL && found == 0 && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*s %*s %" SCNu64, &at,
		    &state, &inode) == 3 && at == port && state == LISTENS)
			found = inode;
	if (f != NULL)
		fclose(f);
	return found;
}

static bool
has_inode(const char *pid, uint64_t inode)
{
	char		 path[64], link[600], target[64], want[64];
	struct dirent	*e;
	bool		 found = false;
	ssize_t		 n;
	DIR		*dir;

	snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
	snprintf(want, sizeof(want), "socket:[%" PRIu64 "]", inode);
	if ((dir = opendir(path)) == NULL)
		return false;
	while (!found && (e = readdir(dir)) != NULL) {
		snprintf(link, sizeof(link), "%s/%s", path, e->d_name);
		if ((n = readlink(link, target, sizeof(target) - 1)) <= 0)
			continue;
		target[n] = '\0';
		found = strcmp(target, want) == 0;
	}
	closedir(dir);
	return found;
}

static void
describe(const char *pid, char *to, size_t room)
{
	char	 path[64], name[64] = "?";
	FILE	*f;

	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	if ((f = fopen(path, "re")) != NULL) {
		if (fgets(name, sizeof(name), f) != NULL)
			name[strcspn(name, "\n")] = '\0';
		fclose(f);
	}
	out_clean(span_of(name), name, sizeof(name));
	snprintf(to, room, "pid %.20s (%s)", pid, name);
}

bool
whoseport_find(uint16_t port, char *to, size_t room)
{
	struct dirent	*e;
	uint64_t	 inode;
	bool		 found = false;
	DIR		*dir;

	if ((inode = inode_of("/proc/net/tcp", port)) == 0 && (inode = inode_of("/proc/net/tcp6", port)) == 0)
		return false;
	if ((dir = opendir("/proc")) == NULL)
		return false;
	while (!found && (e = readdir(dir)) != NULL)
		if (isdigit((unsigned char)e->d_name[0]) && has_inode(e->d_name, inode)) {
			describe(e->d_name, to, room);
			found = true;
		}
	closedir(dir);
	return found;
}
