/* SPDX-License-Identifier: Apache-2.0
 *
 * lying_compile.c - stands between the master and mcpgw-compile, and passes on what that makes, or not quite that
 *
 * It is started in the place of the compiler, which is beside it as NAME.real.  What it does is the line of the file `lie`
 * there: nothing when there is none; else a word of lies[] and a number: of the kind of snapshot that it is about (enum
 * snap_kind), or of the message to the master.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/codec.h"
#include "ipc/frame.h"
#include "ipc/heritage.h"
#include "lib/sum.h"
#include "policy/snap.h"

#define ROOM	(64 << 20)

struct snapshot {
	char	*bytes;
	size_t	 n;
};

/* --- what becomes of a snapshot ------------------------------------------------------------------- */

static void
sum_again(struct snapshot *s)
{
	struct snap_head	head;

	memcpy(&head, s->bytes, sizeof(head));
	head.sum = 0;
	head.sum = sum64_more(sum64(span_make(&head, sizeof(head))), span_make(s->bytes + sizeof(head), s->n - sizeof(head)));
	memcpy(s->bytes, &head, sizeof(head));
}

static void
be_half(struct snapshot *s)
{
	s->n /= 2;
}

static void
be_short(struct snapshot *s)
{
	s->n--;
}

static void
be_long(struct snapshot *s)
{
	memset(s->bytes + s->n, 0, 4096);
	s->n += 4096;
}

static void
be_empty(struct snapshot *s)
{
	s->n = 0;
}

static void
be_zero(struct snapshot *s)
{
	memset(s->bytes, 0, s->n);
}

static void
flip_first(struct snapshot *s)
{
	s->bytes[0] ^= 1;
}

static void
flip_middle(struct snapshot *s)
{
	s->bytes[s->n / 2] ^= 16;
}

static void
flip_last(struct snapshot *s)
{
	s->bytes[s->n - 1] ^= 1;
}

static void
be_of_next_format(struct snapshot *s)
{
	((struct snap_head *)(void *)s->bytes)->format++;
	sum_again(s);
}

static void
be_of_another_kind(struct snapshot *s)
{
	struct snap_head *h = (struct snap_head *)(void *)s->bytes;

	h->kind = h->kind == SNAP_KEYS ? SNAP_POLICY : SNAP_KEYS;
	sum_again(s);
}

static void
be_of_before(struct snapshot *s)
{
	((struct snap_head *)(void *)s->bytes)->generation--;
	sum_again(s);
}

static void
be_anothers(struct snapshot *s)
{
	snprintf(((struct snap_head *)(void *)s->bytes)->consumer, 64, "somebody");
	sum_again(s);
}

/* Sections behind the end, with a sum that is right. */
static void
point_outside(struct snapshot *s)
{
	struct snap_section_head	h;

	memcpy(&h, s->bytes + sizeof(struct snap_head), sizeof(h));
	h.offset = (s->n + 7) / 8 * 8;
	h.count = UINT64_MAX / 2;
	memcpy(s->bytes + sizeof(struct snap_head), &h, sizeof(h));
	sum_again(s);
}

#define ALL_SEALS	(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static const struct {
	const char	*word;
	void		(*fn)(struct snapshot *s);	/* NULL: its bytes are right */
	int		 seals;
} lies[] = {
	{ "half",	be_half,		ALL_SEALS },
	{ "short",	be_short,		ALL_SEALS },
	{ "long",	be_long,		ALL_SEALS },
	{ "empty",	be_empty,		ALL_SEALS },
	{ "zero",	be_zero,		ALL_SEALS },
	{ "first",	flip_first,		ALL_SEALS },
	{ "middle",	flip_middle,		ALL_SEALS },
	{ "last",	flip_last,		ALL_SEALS },
	{ "format",	be_of_next_format,	ALL_SEALS },
	{ "kind",	be_of_another_kind,	ALL_SEALS },
	{ "generation",	be_of_before,		ALL_SEALS },
	{ "consumer",	be_anothers,		ALL_SEALS },
	{ "outside",	point_outside,		ALL_SEALS },
	{ "unsealed",	NULL,			0 },
	{ "writable",	NULL,			F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW },
	{ "shrinkable",	NULL,			F_SEAL_SEAL | F_SEAL_GROW | F_SEAL_WRITE },
};

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "lying-compile: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* No memfd at all. */
static int
something_else(const char *word)
{
	int	fds[2];

	if (strcmp(word, "pipe") == 0) {
		if (pipe(fds) == -1)
			die("pipe");
		close(fds[1]);
		return fds[0];
	}
	if (strcmp(word, "endless") == 0)
		return open("/dev/zero", O_RDWR | O_CLOEXEC);
	return -1;
}

static int
lie_about(const char *word, int fd)
{
	struct snapshot	s = { .bytes = malloc(ROOM) };
	ssize_t		n;
	int		made;

	if ((made = something_else(word)) != -1)
		goto out;
	if (s.bytes == NULL || (n = pread(fd, s.bytes, ROOM - 4096, 0)) <= 0)
		die("snapshot");
	s.n = (size_t)n;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		if (strcmp(word, lies[i].word) != 0)
			continue;
		if (lies[i].fn != NULL)
			lies[i].fn(&s);
		made = memfd_create("lie", MFD_ALLOW_SEALING | MFD_CLOEXEC);
		if (made == -1 || write(made, s.bytes, s.n) != (ssize_t)s.n ||
		    (lies[i].seals != 0 && fcntl(made, F_ADD_SEALS, lies[i].seals) == -1))
			die(word);
	}
	if (made == -1)
		die(word);
 out:
	free(s.bytes);
	return made;
}

/* --- what is passed on ------------------------------------------------------------------------------ */

static char	word[32];
static unsigned	number;
static unsigned	told;		/* messages to the master */

static void
pass(int to, const struct frame *f)
{
	int	r;

	while ((r = frame_send(to, f->head.type, f->head.ref, f->body, f->fds, f->head.fds)) == E_AGAIN)
		(void)poll(&(struct pollfd){ .fd = to, .events = POLLOUT }, 1, 1000);
	if (r != 0)
		exit(1);
}

/* True: it was dealt with. */
static bool
tell_otherwise(struct frame *f)
{
	union msg_any	msg;
	int		fd;

	if (strcmp(word, "dies") == 0 && told == number)
		raise(SIGKILL);
	if (strcmp(word, "hangs") == 0 && told == number)
		for (;;)
			pause();
	if (strcmp(word, "noise") == 0 && told == number && send(HERITAGE_CONTROL, word, sizeof(word), MSG_NOSIGNAL) == -1)
		die("send");
	if (f->head.type != MSG_TYPE_COMPILE_MADE || msg_decode(f->head.type, f->body, &msg) != 0 ||
	    msg.COMPILE_MADE.kind != number)
		return false;
	if (strcmp(word, "drops") == 0)
		return true;
	if (strcmp(word, "twice") == 0) {
		pass(HERITAGE_CONTROL, f);
		return false;
	}
	if (strcmp(word, "dies") == 0 || strcmp(word, "hangs") == 0 || strcmp(word, "noise") == 0)
		return false;
	fd = lie_about(word, f->fds[0]);
	close(f->fds[0]);
	f->fds[0] = fd;
	return false;
}

static _Noreturn void
relay(int real, pid_t pid)
{
	struct pollfd	p[2] = { { .fd = HERITAGE_CONTROL, .events = POLLIN }, { .fd = real, .events = POLLIN } };
	static char	room[FRAME_MAX];
	struct frame	f;
	int		r, status;

	for (;;) {
		if (poll(p, 2, -1) == -1)
			continue;
		for (int i = 0; i < 2; i++) {
			if (p[i].revents == 0)
				continue;
			if ((r = frame_recv(p[i].fd, room, &f)) == E_AGAIN)
				continue;
			if (r != 0) {
				if (i == 0)
					exit(1);
				exit(waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 1);
			}
			if (i == 0) {
				pass(real, &f);
			} else {
				if (!tell_otherwise(&f))
					pass(HERITAGE_CONTROL, &f);
				told++;
			}
			frame_close_fds(&f);
		}
	}
}

/* And not somebody's who checks files, or looks up where the gateway is. */
static bool
is_the_masters(void)
{
	char	path[64], name[32] = "";
	FILE	*f;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)getppid());
	if ((f = fopen(path, "re")) == NULL || fgets(name, sizeof(name), f) == NULL)
		die(path);
	fclose(f);
	return strcmp(name, "mcpgw\n") == 0;
}

int
main(int argc, char **argv)
{
	char	exe[PATH_MAX], path[PATH_MAX + 16];
	FILE	*lie;
	ssize_t	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	int	pair[2];
	pid_t	pid;

	(void)argc;
	if (n <= 0)
		die("/proc/self/exe");
	exe[n] = '\0';
	if (!is_the_masters()) {
		snprintf(path, sizeof(path), "%s.real", exe);
		execv(path, argv);
		die(path);
	}
	snprintf(path, sizeof(path), "%.*s/lie", (int)(strrchr(exe, '/') - exe), exe);
	if ((lie = fopen(path, "re")) != NULL) {
		if (fscanf(lie, "%31s %u", word, &number) < 1)
			word[0] = '\0';
		fclose(lie);
	}
	snprintf(path, sizeof(path), "%s.real", exe);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1 || (pid = fork()) == -1)
		die("start");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (dup2(pair[1], HERITAGE_CONTROL) == -1)
			die("dup2");
		execv(path, argv);
		die(path);
	}
	close(pair[1]);
	relay(pair[0], pid);
}
