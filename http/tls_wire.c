/* SPDX-License-Identifier: Apache-2.0
 *
 * tls_wire.c - the socket below a client's TLS: records are gathered, and written by one system call
 *
 * Process: worker.  Owns: a place for records on their way, which is empty between two calls of tls.c; of a connection
 *          what the kernel did not take of them.
 * Trusts:  nobody at the other end; the owner's time limits see to one that takes nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "http/tls_priv.h"

#define GATHER_BYTES	(4 * (HTTP_TLS_RECORD + 512))

static char	gathered[GATHER_BYTES];
static size_t	gathered_bytes;

/* As much as the kernel takes; false: the other side is gone. */
static bool
put(int fd, const char *p, size_t n, size_t *taken)
{
	ssize_t	sent;

	for (*taken = 0; *taken < n; *taken += (size_t)sent)
		if ((sent = send(fd, p + *taken, n - *taken, MSG_NOSIGNAL)) == -1) {
			if (errno != EINTR)
				return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS;
			sent = 0;
		}
	return true;
}

int
tls_wire_flush(struct tls *t)
{
	struct tls_unsent	*u = &t->unsent;
	size_t			 taken, n = gathered_bytes;

	gathered_bytes = 0;
	if (u->bytes > u->at) {
		if (!put(t->fd, u->p + u->at, u->bytes - u->at, &taken))
			return E_CLOSED;
		if ((u->at += taken) < u->bytes)
			return E_AGAIN;		/* and nothing was gathered meanwhile */
		free(u->p);
		*u = (struct tls_unsent){ 0 };
	}
	if (n == 0)
		return 0;
	if (!put(t->fd, gathered, n, &taken))
		return E_CLOSED;
	if (taken == n)
		return 0;
	if ((u->p = malloc(n - taken)) == NULL)
		return E_CLOSED;		/* bytes that are lost end the connection */
	memcpy(u->p, gathered + taken, n - taken);
	u->bytes = n - taken;
	return E_AGAIN;
}

static int
on_write(BIO *b, const char *p, size_t n, size_t *written)
{
	struct tls	*t = BIO_get_data(b);

	BIO_clear_retry_flags(b);
	*written = 0;
	if (t->unsent.bytes > 0 || n > GATHER_BYTES - gathered_bytes) {
		switch (tls_wire_flush(t)) {
		case 0:
			break;
		case E_AGAIN:
			BIO_set_retry_write(b);
			return 0;
		default:
			return 0;
		}
	}
	if (n > GATHER_BYTES)
		n = GATHER_BYTES;
	memcpy(gathered + gathered_bytes, p, n);
	gathered_bytes += n;
	*written = n;
	return 1;
}

static int
on_read(BIO *b, char *to, size_t room, size_t *got)
{
	struct tls	*t = BIO_get_data(b);
	ssize_t		 n = recv(t->fd, to, room, 0);

	BIO_clear_retry_flags(b);
	*got = n > 0 ? (size_t)n : 0;
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		BIO_set_retry_read(b);
	return n > 0;
}

static long
on_ctrl(BIO *b, int what, long number, void *p)
{
	(void)b;
	(void)number;
	(void)p;
	return what == BIO_CTRL_FLUSH;
}

static BIO_METHOD *
wire_method(void)
{
	static BIO_METHOD	*method;

	if (method == NULL && (method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket")) != NULL &&
	    (BIO_meth_set_write_ex(method, on_write) != 1 || BIO_meth_set_read_ex(method, on_read) != 1 ||
	    BIO_meth_set_ctrl(method, on_ctrl) != 1)) {
		BIO_meth_free(method);
		method = NULL;
	}
	return method;
}

int
tls_wire_begin(struct tls *t, int fd)
{
	BIO_METHOD	*method = wire_method();
	BIO		*b = method == NULL ? NULL : BIO_new(method);

	if (b == NULL) {
		ERR_clear_error();
		return E_NOMEM;
	}
	t->fd = fd;
	BIO_set_data(b, t);
	BIO_set_init(b, 1);
	SSL_set_bio(t->ssl, b, b);
	return 0;
}

void
tls_wire_end(struct tls *t)
{
	(void)!tls_wire_flush(t);
	free(t->unsent.p);
	t->unsent = (struct tls_unsent){ 0 };
}
