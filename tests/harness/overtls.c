/* SPDX-License-Identifier: Apache-2.0
 *
 * overtls.c - TLS for the tests' own client
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/harness/client.h"
#include "tests/harness/overtls.h"

#define PATIENCE_MS	30000

struct overtls	overtls;

static SSL *
ssl_new(int fd)
{
	SSL_CTX	*ctx = SSL_CTX_new(TLS_client_method());
	SSL	*ssl;

	cr_assert(ctx != NULL);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	if (overtls.ca != NULL)
		cr_assert(SSL_CTX_load_verify_locations(ctx, overtls.ca, NULL) == 1, "%s", overtls.ca);
	if (overtls.version != 0) {
		SSL_CTX_set_min_proto_version(ctx, overtls.version);
		SSL_CTX_set_max_proto_version(ctx, overtls.version);
		SSL_CTX_set_security_level(ctx, 0);
	}
	if (overtls.ciphers != NULL)
		cr_assert(SSL_CTX_set_cipher_list(ctx, overtls.ciphers) == 1, "%s", overtls.ciphers);
	if (overtls.pem != NULL)
		cr_assert(SSL_CTX_use_certificate_chain_file(ctx, overtls.pem) == 1 &&
		    SSL_CTX_use_PrivateKey_file(ctx, overtls.pem, SSL_FILETYPE_PEM) == 1, "%s", overtls.pem);
	ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	cr_assert(ssl != NULL && SSL_set_fd(ssl, fd) == 1);
	if (overtls.name != NULL)
		SSL_set_tlsext_host_name(ssl, overtls.name);
	SSL_set_connect_state(ssl);
	return ssl;
}

/* Waits for what OpenSSL wants; false: it wants nothing, or it does not come. */
static bool
wait_for(SSL *ssl, int r, int timeout_ms)
{
	int		error = SSL_get_error(ssl, r);
	struct pollfd	p = { .fd = SSL_get_fd(ssl), .events = error == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN };

	return (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) && poll(&p, 1, timeout_ms) == 1;
}

static bool
shake(SSL *ssl)
{
	int	r;

	ERR_clear_error();
	fcntl(SSL_get_fd(ssl), F_SETFL, O_NONBLOCK);
	while ((r = SSL_do_handshake(ssl)) != 1)
		if (!wait_for(ssl, r, PATIENCE_MS))
			return false;
	return true;
}

static void *
on_open(int fd)
{
	SSL	*ssl = ssl_new(fd);

	if (!shake(ssl)) {
		SSL_free(ssl);
		ssl = NULL;
	}
	return ssl;
}

static bool
on_send(void *over, const char *bytes, size_t n)
{
	size_t	sent;
	int	r;

	while (n > 0) {
		ERR_clear_error();
		if ((r = SSL_write_ex(over, bytes, n, &sent)) == 1) {
			bytes += sent;
			n -= sent;
		} else if (!wait_for(over, r, PATIENCE_MS)) {
			return false;
		}
	}
	return true;
}

static ssize_t
on_recv(void *over, char *to, size_t room, int timeout_ms)
{
	size_t	got;
	int	r;

	for (;;) {
		ERR_clear_error();
		if ((r = SSL_read_ex(over, to, room, &got)) == 1)
			return (ssize_t)got;
		if (SSL_get_error(over, r) == SSL_ERROR_ZERO_RETURN)
			return 0;
		if (!wait_for(over, r, timeout_ms))
			return -1;
	}
}

static void
on_close(void *over)
{
	SSL_shutdown(over);
	SSL_free(over);
}

static const struct client_over	ours = { on_open, on_send, on_recv, on_close };

void
overtls_begin(const char *ca)
{
	overtls = (struct overtls){ .ca = ca };
	client_over = &ours;
}

SSL *
overtls_connect(const char *address, SSL_SESSION *session, char *why, size_t why_bytes)
{
	struct sockaddr_in	in = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int			fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	SSL			*ssl;

	in.sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1));
	cr_assert(connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0);
	ssl = ssl_new(fd);
	if (session != NULL)
		SSL_set_session(ssl, session);
	if (shake(ssl))
		return ssl;
	if (why != NULL)
		ERR_error_string_n(ERR_peek_last_error(), why, why_bytes);
	overtls_close(&ssl);
	return NULL;
}

void
overtls_close(SSL **ssl)
{
	int	fd = *ssl == NULL ? -1 : SSL_get_fd(*ssl);

	if (*ssl != NULL) {
		(void)SSL_shutdown(*ssl);
		SSL_free(*ssl);
		close(fd);
	}
	*ssl = NULL;
}
