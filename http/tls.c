/* SPDX-License-Identifier: Apache-2.0
 *
 * tls.c - a TLS connection, whichever end is ours: OpenSSL on a non-blocking socket
 *
 * Process: worker, scout.  Owns: connections.
 * Trusts:  nobody at the other end.
 */
#include <stdlib.h>
#include <string.h>

#include "http/tls_priv.h"

#define RECORD_IOV	8

struct tls *
tls_of(const SSL *ssl)
{
	return SSL_get_app_data(ssl);
}

int
tls_begin(struct tls *t, SSL_CTX *ctx)
{
	if ((t->ssl = SSL_new(ctx)) != NULL && SSL_set_app_data(t->ssl, t) == 1)
		return 0;
	ERR_clear_error();
	return E_NOMEM;
}

void
tls_free(struct tls **tp)
{
	struct tls	*t = *tp;

	*tp = NULL;
	if (t == NULL)
		return;
	if (t->done && !t->broken)
		(void)SSL_shutdown(t->ssl);
	if (t->server != NULL)
		tls_wire_end(t);
	ERR_clear_error();
	SSL_free(t->ssl);
	peer_cert_unref(&t->cert);
	free(t);
}

/* ---- the handshake ----------------------------------------------------------------------------- */

int
tls_handshake(struct tls *t, bool *writes)
{
	int	r, error, flushed = 0;

	*writes = false;
	ERR_clear_error();
	r = SSL_do_handshake(t->ssl);
	error = r == 1 ? SSL_ERROR_NONE : SSL_get_error(t->ssl, r);
	if (t->server != NULL)
		flushed = tls_wire_flush(t);
	if (flushed == E_AGAIN) {
		*writes = true;
		return E_AGAIN;
	}
	if (r == 1 && flushed == 0) {
		t->done = true;
		return t->took == NULL ? 0 : t->took(t);
	}
	if (flushed == 0 && (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)) {
		*writes = error == SSL_ERROR_WANT_WRITE;
		return E_AGAIN;
	}
	t->broken = true;
	error = t->failed(t, error);
	ERR_clear_error();
	return error;
}

const char *
tls_why(const struct tls *t)
{
	return t->why != NULL ? t->why : "";
}

bool
tls_is_resumed(const struct tls *t)
{
	return SSL_session_reused(t->ssl) == 1;
}

/* ---- bytes ------------------------------------------------------------------------------------- */

static int
result(struct tls *t, int r)
{
	int	error = SSL_get_error(t->ssl, r);

	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
		return E_AGAIN;
	ERR_clear_error();
	if (error == SSL_ERROR_ZERO_RETURN)
		return E_EOF;
	t->broken = true;
	return E_CLOSED;
}

int
tls_read(struct tls *t, void *to, size_t room, size_t *got)
{
	size_t	n;
	int	r;

	*got = 0;
	if (t->end != 0)
		return t->end;
	/* A record at a time is all that OpenSSL gives. */
	while (*got == 0 || room - *got >= HTTP_TLS_RECORD) {
		ERR_clear_error();
		if ((r = SSL_read_ex(t->ssl, (char *)to + *got, room - *got, &n)) == 1) {
			*got += n;
			t->starved = false;
			continue;
		}
		if ((r = result(t, r)) == E_AGAIN)
			t->starved = true;
		else
			t->end = r;
		break;
	}
	/* Now and then reading makes something to say: a key that changes, an alert. */
	if (t->server != NULL && tls_wire_flush(t) == E_CLOSED)
		t->end = E_CLOSED;
	return *got > 0 ? 0 : r;
}

bool
tls_has_ended(const struct tls *t)
{
	return t->end != 0;
}

bool
tls_has_more(const struct tls *t)
{
	return t->end != 0 || (!t->starved && SSL_has_pending(t->ssl) == 1);
}

/* The front of the queue, a record's worth where there is as much: blocks are of another size, and a record is a system
 * call. */
static struct iovec
next_record(const struct http_queue *q, char room[HTTP_TLS_RECORD])
{
	struct iovec	iov[RECORD_IOV], whole = { room, 0 };
	size_t		count = http_queue_iov(q, iov, RECORD_IOV), n;

	if (count <= 1 || iov[0].iov_len >= HTTP_TLS_RECORD)
		return count == 0 ? whole : iov[0];
	for (size_t i = 0; i < count; i++) {
		n = HTTP_TLS_RECORD - whole.iov_len;
		n = iov[i].iov_len < n ? iov[i].iov_len : n;
		memcpy(room + whole.iov_len, iov[i].iov_base, n);
		whole.iov_len += n;
	}
	return whole;
}

int
tls_write(struct tls *t, struct http_queue *q)
{
	char		room[HTTP_TLS_RECORD];
	struct iovec	iov;
	size_t		n;
	int		r = 0, w;

	while (r == 0 && q->bytes > 0) {
		iov = next_record(q, room);
		ERR_clear_error();
		if ((r = SSL_write_ex(t->ssl, iov.iov_base, iov.iov_len, &n)) != 1)
			r = result(t, r) == E_AGAIN ? E_AGAIN : E_CLOSED;
		else {
			r = 0;
			http_queue_drain(q, n);
		}
	}
	if (t->server != NULL && r != E_CLOSED && (w = tls_wire_flush(t)) != 0)
		r = w;
	if (r != 0)
		return r;
	if (q->first != NULL)
		http_queue_fini(q);	/* a block that was reserved and left empty */
	return 0;
}

uint64_t
tls_written(const struct tls *t)
{
	return BIO_number_written(SSL_get_wbio(t->ssl));
}

size_t
tls_unsent(const struct tls *t)
{
	return t->unsent.bytes - t->unsent.at;
}
