/* SPDX-License-Identifier: Apache-2.0
 *
 * tls_front.c - TLS before a server that has none: tls-front PORT PEM LOG [WORD...]
 *
 * PEM holds key and certificates; connections go on to this port of 127.0.0.1.  Prints its own port on the first line
 * of stdout and serves until its parent dies, one process per connection.  LOG gets a line for each: "new VERSION
 * NAME" or "resumed VERSION NAME" (the name asked for, or -), or "failed".  Words:
 *   tls12      no version beyond it        tls11     the same; the gateway's least is 1.2
 *   slow       says nothing to a hello     close     closes after the hello
 *   cut        ends by a reset or a bare end, never as TLS ends
 *   garbage    answers a hello with something else
 *   once       the first connection is served, later ones are as with close
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/servers/loopback.h"

static char	**words;
static int	  word_count, log_fd;

static bool
told(const char *word)
{
	for (int i = 0; i < word_count; i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

static void
note(const char *what, const char *version, const char *name)
{
	char	line[400];
	int	n = snprintf(line, sizeof(line), "%s %s %s\n", what, version, name == NULL ? "-" : name);

	if (write(log_fd, line, (size_t)n) != n)
		exit(1);
}

static void
at_once(int fd)
{
	int	on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static int
go_on(unsigned port)
{
	struct sockaddr_in	a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) },
	    .sin_port = htons((uint16_t)port) };
	int			fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == -1)
		exit(1);
	at_once(fd);
	return fd;
}

static bool
write_all(int fd, const char *p, size_t n)
{
	ssize_t	r;

	for (; n > 0; p += r, n -= (size_t)r)
		if ((r = write(fd, p, n)) <= 0)
			return false;
	return true;
}

static void
relay(SSL *ssl, int client, int server)
{
	struct pollfd	fds[2] = { { client, POLLIN, 0 }, { server, POLLIN, 0 } };
	char		bytes[32 * 1024];
	ssize_t		n;
	int		r;

	for (;;) {
		if (SSL_pending(ssl) == 0 && poll(fds, 2, -1) <= 0)
			return;
		if (SSL_pending(ssl) > 0 || fds[0].revents != 0) {
			if ((r = SSL_read(ssl, bytes, sizeof(bytes))) <= 0) {
				if (SSL_get_error(ssl, r) == SSL_ERROR_WANT_READ)
					continue;
				return;
			}
			if (!write_all(server, bytes, (size_t)r))
				return;
			continue;
		}
		if (fds[1].revents != 0) {
			if ((n = read(server, bytes, sizeof(bytes))) <= 0) {
				if (!told("cut"))
					SSL_shutdown(ssl);
				return;
			}
			if (SSL_write(ssl, bytes, (int)n) <= 0)
				return;
		}
	}
}

static void
serve(SSL_CTX *ctx, int fd, unsigned port, unsigned number)
{
	char	hello[1024];
	SSL	*ssl;

	if (told("slow") || told("close") || told("garbage") || (told("once") && number > 1)) {
		if (read(fd, hello, sizeof(hello)) > 0 && told("slow"))
			pause();
		if (told("garbage") && write(fd, "HTTP/1.1 400 Bad Request\r\n\r\n", 28) != 28)
			exit(1);
		note("failed", "-", NULL);
		exit(0);
	}
	at_once(fd);
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) != 1) {
		note("failed", "-", SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
		exit(0);
	}
	note(SSL_session_reused(ssl) ? "resumed" : "new", SSL_get_version(ssl),
	    SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
	relay(ssl, fd, go_on(port));
	exit(0);
}

int
main(int argc, char **argv)
{
	static const unsigned char	id[] = "front";
	SSL_CTX				*ctx;
	int				 fd, c;

	if (argc < 4)
		return 64;
	words = argv + 4;
	word_count = argc - 4;
	signal(SIGCHLD, SIG_IGN);
	if ((log_fd = open(argv[3], O_WRONLY | O_CREAT | O_APPEND, 0600)) == -1)
		return 1;
	ctx = SSL_CTX_new(TLS_server_method());
	if (told("tls11")) {
		SSL_CTX_set_security_level(ctx, 0);
		SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
		SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION);
	} else if (told("tls12")) {
		SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	}
	SSL_CTX_set_session_id_context(ctx, id, sizeof(id));
	if (SSL_CTX_use_certificate_chain_file(ctx, argv[2]) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, argv[2], SSL_FILETYPE_PEM) != 1) {
		ERR_print_errors_fp(stderr);
		return 1;
	}
	fd = loopback_begin(NULL);
	for (unsigned number = 1; (c = accept(fd, NULL, NULL)) != -1; number++) {
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			serve(ctx, c, (unsigned)atoi(argv[1]), number);
		}
		close(c);
	}
	return 0;
}
