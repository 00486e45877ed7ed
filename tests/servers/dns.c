/* SPDX-License-Identifier: Apache-2.0
 *
 * dns.c - a name server that answers what a file says: dns-server FILE
 *
 * Prints its port (of UDP and TCP) on the first line of stdout and serves until its parent dies.  FILE is read for each
 * question, and a line of it is
 *   NAME TTL ADDRESS...	IPv4 addresses; more than 20 come over TCP alone
 *   NAME TTL many N		N of them, from 127.0.0.1 on
 *   NAME TTL fail		SERVFAIL
 *   NAME TTL silent		no answer at all
 *   NAME TTL slow ADDRESS...	after 700 ms
 *   NAME TTL alias OTHER	a CNAME, and nothing of what OTHER is
 * Names that it does not have are not known.  FILE.log gets a line of each question for IPv4: its name.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define IN_UDP	20
#define MOST	600

struct entry {
	unsigned	ttl, count;
	bool		known, fail, silent, slow;
	uint32_t	addresses[MOST];
	char		alias[256];
};

static const char	*path;

static void
look_up(const char *name, struct entry *e)
{
	FILE	*f = fopen(path, "r");
	char	 line[1024], *word, *save;

	memset(e, 0, sizeof(*e));
	while (f != NULL && !e->known && fgets(line, sizeof(line), f) != NULL) {
		if ((word = strtok_r(line, " \n", &save)) == NULL || strcasecmp(word, name) != 0)
			continue;
		e->known = true;
		word = strtok_r(NULL, " \n", &save);
		e->ttl = word == NULL ? 0 : (unsigned)strtoul(word, NULL, 10);
		while ((word = strtok_r(NULL, " \n", &save)) != NULL) {
			if (strcmp(word, "fail") == 0)
				e->fail = true;
			else if (strcmp(word, "silent") == 0)
				e->silent = true;
			else if (strcmp(word, "slow") == 0)
				e->slow = true;
			else if (strcmp(word, "alias") == 0 && (word = strtok_r(NULL, " \n", &save)) != NULL)
				snprintf(e->alias, sizeof(e->alias), "%s", word);
			else if (strcmp(word, "many") == 0) {
				word = strtok_r(NULL, " \n", &save);
				for (uint32_t n = word == NULL ? 0 : (uint32_t)strtoul(word, NULL, 10); e->count < n && e->count < MOST;
				    e->count++)
					e->addresses[e->count] = htonl(0x7f000001 + e->count);
			} else if (e->count < MOST) {
				inet_pton(AF_INET, word, &e->addresses[e->count++]);
			}
		}
	}
	if (f != NULL)
		fclose(f);
}

static void
note(const char *name)
{
	char	to[512];
	int	fd;

	snprintf(to, sizeof(to), "%s.log", path);
	if ((fd = open(to, O_WRONLY | O_CREAT | O_APPEND, 0600)) == -1)
		return;
	dprintf(fd, "%s\n", name);
	close(fd);
}

static size_t
put_alias(uint8_t *to, size_t out, const struct entry *e)
{
	const uint8_t	head[] = { 0xc0, 12, 0, 5, 0, 1, (uint8_t)(e->ttl >> 24), (uint8_t)(e->ttl >> 16),
	    (uint8_t)(e->ttl >> 8), (uint8_t)e->ttl, 0, (uint8_t)(strlen(e->alias) + 2) };

	memcpy(to + out, head, sizeof(head));
	out += sizeof(head);
	for (const char *p = e->alias; *p != '\0'; p += strcspn(p, "."), p += *p == '.') {
		to[out++] = (uint8_t)strcspn(p, ".");
		memcpy(to + out, p, strcspn(p, "."));
		out += strcspn(p, ".");
	}
	to[out++] = 0;
	return out;
}

/* 0: no answer. */
static size_t
answer(const uint8_t *q, size_t n, uint8_t *to, bool tcp)
{
	static struct entry	e;
	char			name[256] = "";
	size_t			at = 12, used = 0, out;
	unsigned		type, count;

	while (at < n && q[at] != 0 && used + q[at] + 1 < sizeof(name) && at + q[at] < n) {
		memcpy(name + used, q + at + 1, q[at]);
		used += q[at];
		name[used++] = '.';
		at += 1u + q[at];
	}
	if (used == 0 || at + 5 > n)
		return 0;
	name[used - 1] = '\0';
	type = (unsigned)(q[at + 1] << 8 | q[at + 2]);
	at += 5;
	look_up(name, &e);
	if (type == 1)
		note(name);
	if (e.silent)
		return 0;
	if (e.slow)
		usleep(700000);
	memcpy(to, q, at);
	count = type == 1 && !e.fail ? e.count : 0;
	to[2] = (uint8_t)(0x81 | (!tcp && count > IN_UDP ? 2 : 0));
	to[3] = (uint8_t)(0x80 | (e.fail ? 2 : !e.known ? 3 : 0));
	if (!tcp && count > IN_UDP)
		count = 0;
	memset(to + 4, 0, 8);
	to[5] = 1;
	to[6] = (uint8_t)(count >> 8);
	to[7] = (uint8_t)count;
	out = at;
	for (unsigned i = 0; i < count; i++) {
		const uint8_t	head[] = { 0xc0, 12, 0, 1, 0, 1, (uint8_t)(e.ttl >> 24), (uint8_t)(e.ttl >> 16),
			    (uint8_t)(e.ttl >> 8), (uint8_t)e.ttl, 0, 4 };

		memcpy(to + out, head, sizeof(head));
		memcpy(to + out + sizeof(head), &e.addresses[i], 4);
		out += sizeof(head) + 4;
	}
	if (e.alias[0] != '\0' && !e.fail) {
		out = put_alias(to, out, &e);
		to[7] = 1;
	}
	return out;
}

static void
serve_tcp(int fd)
{
	static uint8_t	in[2048], out[2 + 16384];
	ssize_t		n = read(fd, in, sizeof(in));
	size_t		bytes;

	if (n > 2 && (bytes = answer(in + 2, (size_t)n - 2, out + 2, true)) > 0) {
		out[0] = (uint8_t)(bytes >> 8);
		out[1] = (uint8_t)bytes;
		if (write(fd, out, bytes + 2) == -1)
			_exit(1);
	}
	close(fd);
}

/* One port of both kinds: one that is free for UDP need not be so for TCP. */
static unsigned
bind_both(struct pollfd fds[2])
{
	struct sockaddr_in	a;
	socklen_t		n = sizeof(a);

	for (int i = 0; i < 100; i++) {
		a = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
		fds[0] = (struct pollfd){ socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), POLLIN, 0 };
		fds[1] = (struct pollfd){ socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), POLLIN, 0 };
		if (bind(fds[0].fd, (struct sockaddr *)&a, n) == 0 && getsockname(fds[0].fd, (struct sockaddr *)&a, &n) == 0 &&
		    bind(fds[1].fd, (struct sockaddr *)&a, n) == 0 && listen(fds[1].fd, 16) == 0)
			return ntohs(a.sin_port);
		close(fds[0].fd);
		close(fds[1].fd);
	}
	return 0;
}

int
main(int argc, char **argv)
{
	struct sockaddr_in	from;
	socklen_t		n;
	unsigned		port;
	static uint8_t		in[2048], out[16384];
	struct pollfd		fds[2];
	size_t			bytes;
	ssize_t			got;

	if (argc != 2)
		return 64;
	path = argv[1];
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	if ((port = bind_both(fds)) == 0)
		return 1;
	printf("%u\n", port);
	fflush(stdout);
	while (poll(fds, 2, -1) > 0) {
		if (fds[1].revents != 0)
			serve_tcp(accept(fds[1].fd, NULL, NULL));
		n = sizeof(from);
		if (fds[0].revents == 0 ||
		    (got = recvfrom(fds[0].fd, in, sizeof(in), 0, (struct sockaddr *)&from, &n)) <= 0)
			continue;
		/* What is slow for one is not for others. */
		if (fork() == 0) {
			if ((bytes = answer(in, (size_t)got, out, false)) > 0)
				(void)sendto(fds[0].fd, out, bytes, 0, (struct sockaddr *)&from, n);
			_exit(0);
		}
	}
	return 0;
}
