/* SPDX-License-Identifier: Apache-2.0
 *
 * holder.c - who has a TCP port that we were to listen on
 *
 * Process: master, before READY.  Owns: nothing.
 * Trusts:  /proc for a line of help; nothing is decided by it.
 */
#include <ctype.h>
#include <dirent.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "master/listen.h"

#define TCP_LISTEN	0x0a		/* state in /proc/net/tcp */

/* The inode of the listening socket with this port and whose it is, or 0. */
static unsigned long
listening_inode(const char *table, unsigned port, unsigned *uid)
{
	FILE		*f;
	char		 line[512];
	unsigned long	 inode, found = 0;
	unsigned	 local, state, owner;

	if ((f = fopen(table, "re")) == NULL)
		return 0;
	while (found == 0 && fgets(line, sizeof(line), f) != NULL)
		/* The kernel's own text; a number out of range is no match.  NOLINTNEXTLINE(cert-err34-c) */
		if (sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*x:%*x %*x:%*x %*x %u "
		    "%*u %lu", &local, &state, &owner, &inode) == 4 && local == port && state == TCP_LISTEN) {
			found = inode;
			*uid = owner;
		}
	fclose(f);
	return found;
}

/* Does this process hold a socket of this inode? */
static bool
process_holds(const char *pid, unsigned long inode)
{
	char		 path[320], link[64], want[64];
	DIR		*d;
	struct dirent	*e;
	ssize_t		 n;
	bool		 holds = false;

	snprintf(want, sizeof(want), "socket:[%lu]", inode);
	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	if ((d = opendir(path)) == NULL)
		return false;
	while (!holds && (e = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "/proc/%s/fd/%s", pid, e->d_name);
		if ((n = readlink(path, link, sizeof(link) - 1)) > 0) {
			link[n] = '\0';
			holds = strcmp(link, want) == 0;
		}
	}
	closedir(d);
	return holds;
}

static void
process_name(const char *pid, char *name, size_t room)
{
	char	 path[300];
	FILE	*f;

	name[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	if ((f = fopen(path, "re")) == NULL)
		return;
	if (fgets(name, (int)room, f) != NULL)
		name[strcspn(name, "\n")] = '\0';
	fclose(f);
}

void
holder_find(const struct sockaddr *sa, char *who, size_t who_bytes)
{
	unsigned	 port = ntohs(sa->sa_family == AF_INET6 ?
	    ((const struct sockaddr_in6 *)(const void *)sa)->sin6_port :
	    ((const struct sockaddr_in *)(const void *)sa)->sin_port);
	unsigned	 uid = 0;
	unsigned long	 inode;
	char		 name[32];
	struct passwd	*user;
	DIR		*proc;
	struct dirent	*e;

	who[0] = '\0';
	if ((inode = listening_inode("/proc/net/tcp", port, &uid)) == 0 &&
	    (inode = listening_inode("/proc/net/tcp6", port, &uid)) == 0)
		return;
	if ((proc = opendir("/proc")) == NULL)
		return;
	while (who[0] == '\0' && (e = readdir(proc)) != NULL) {
		if (!isdigit((unsigned char)e->d_name[0]) || !process_holds(e->d_name, inode))
			continue;
		process_name(e->d_name, name, sizeof(name));
		snprintf(who, who_bytes, "pid %s (%s)", e->d_name, name);
	}
	closedir(proc);
	if (who[0] != '\0')
		return;
	/* What others have open only they may see, and root with a capability that we do without. */
	if ((user = getpwuid(uid)) != NULL)
		snprintf(who, who_bytes, "a process of user %.40s", user->pw_name);
	else
		snprintf(who, who_bytes, "a process of uid %u", uid);
}
