/* SPDX-License-Identifier: Apache-2.0
 *
 * dns.c - the name server of a jail
 *
 * Process: mcpgw-egress.  Owns: connections for questions.
 * Trusts:  nobody.  An answer is never longer than its question and 16 bytes; nothing is asked elsewhere.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/bug.h"
#include "lib/fd.h"
#include "sandbox/egress/dns.h"
#include "sandbox/egress/question.h"
#include "sandbox/egress/spawners.h"

#define DNSCONN_MAGIC	0xe9550003u
#define MESSAGE_MAX	1232
#define PER_TURN	32
#define TTL_S		5
#define IDLE_MS		10000

struct dnsconn {
	uint32_t		 magic;
	struct jail		*jail;
	struct dnsconn		*next, **back;
	int			 fd;
	struct loop_io		 io;
	struct loop_timer	 idle;
	size_t			 used;
	char			 in[2 + MESSAGE_MAX];
};

/* What an address is called: programs ask it for their logs, and nobody would list it. */
static bool
is_reverse(const char *name)
{
	struct span	s = span_of(name), arpa = SPAN_LIT(".arpa");

	return s.n >= arpa.n && span_eq(span_part(s, s.n - arpa.n, arpa.n), arpa);
}

size_t
dns_answer(struct jail *j, struct span m, uint8_t *to)
{
	struct question		q;
	struct reach_host	host;
	struct addr		a;
	int			r = question_parse(m, &q);

	if (r == E_CLOSED)
		return 0;
	if (r != 0)
		return question_answer(m, NULL, r == E_VERSION ? RCODE_NOTIMP : RCODE_FORMERR, NULL, 0, to);
	if (j->policy == NULL)
		return question_answer(m, &q, RCODE_SERVFAIL, NULL, 0, to);
	if (reach_host_parse(span_make(q.name, q.name_bytes), &host, NULL) != 0 || host.is_address)
		return question_answer(m, &q, RCODE_NXDOMAIN, NULL, 0, to);
	if (!jail_knows(j, &host)) {
		if (!is_reverse(host.name))
			jail_refused_name(j, span_of(host.name));
		return question_answer(m, &q, RCODE_NXDOMAIN, NULL, 0, to);
	}
	if (q.type != QUESTION_TYPE_A)
		return question_answer(m, &q, RCODE_OK, NULL, 0, to);
	if (names_give(&j->names, host.name, &a) != 0)
		return question_answer(m, &q, RCODE_SERVFAIL, NULL, 0, to);
	return question_answer(m, &q, RCODE_OK, &a, TTL_S, to);
}

/* --- datagrams ------------------------------------------------------------------------------------ */

void
dns_prepare(int fd)
{
	static const int	on = 1;

	/* The one that is not the socket's own family says no, which does not matter. */
	(void)setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
}

/* The control message of the answer: from the address that was asked, over whatever way there is. */
static size_t
answer_from(struct msghdr *in, struct msghdr *out)
{
	struct cmsghdr		*to = CMSG_FIRSTHDR(out);
	struct in_pktinfo	 four;
	struct in6_pktinfo	 six;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(in); c != NULL; c = CMSG_NXTHDR(in, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			memcpy(&four, CMSG_DATA(c), sizeof(four));
			four = (struct in_pktinfo){ .ipi_spec_dst = four.ipi_addr };
			*to = (struct cmsghdr){ .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO,
			    .cmsg_len = CMSG_LEN(sizeof(four)) };
			memcpy(CMSG_DATA(to), &four, sizeof(four));
			return CMSG_SPACE(sizeof(four));
		}
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&six, CMSG_DATA(c), sizeof(six));
			six.ipi6_ifindex = 0;
			*to = (struct cmsghdr){ .cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_PKTINFO,
			    .cmsg_len = CMSG_LEN(sizeof(six)) };
			memcpy(CMSG_DATA(to), &six, sizeof(six));
			return CMSG_SPACE(sizeof(six));
		}
	}
	return 0;
}

void
dns_on_datagram(struct loop_io *io, unsigned what, void *arg)
{
	struct jsock		*s = arg;
	struct sockaddr_storage	 from;
	char			 message[MESSAGE_MAX];
	uint8_t			 answer[QUESTION_ANSWER_MAX];
	union { char room[256]; struct cmsghdr align; } in_control, out_control;
	ssize_t			 n;

	(void)io;
	(void)what;
	for (int i = 0; i < PER_TURN; i++) {
		struct iovec	in_iov = { message, sizeof(message) }, out_iov = { answer, 0 };
		struct msghdr	in = { .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &in_iov,
		    .msg_iovlen = 1, .msg_control = &in_control, .msg_controllen = sizeof(in_control) };
		struct msghdr	out = { .msg_name = &from, .msg_iov = &out_iov, .msg_iovlen = 1,
		    .msg_control = &out_control, .msg_controllen = sizeof(out_control) };

		if ((n = recvmsg(s->fd, &in, MSG_DONTWAIT)) == -1)
			return;
		if ((in.msg_flags & MSG_TRUNC) != 0 ||
		    (out_iov.iov_len = dns_answer(s->jail, span_make(message, (size_t)n), answer)) == 0)
			continue;
		out.msg_namelen = in.msg_namelen;
		if ((out.msg_controllen = answer_from(&in, &out)) == 0)
			out.msg_control = NULL;
		/* A tool that does not read asks again. */
		(void)sendmsg(s->fd, &out, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}

/* --- connections ---------------------------------------------------------------------------------- */

void
dnsconn_free(struct dnsconn *c)
{
	*c->back = c->next;
	if (c->next != NULL)
		c->next->back = c->back;
	c->jail->conn_count--;
	c->jail->e->dnsconn_count--;
	spawner_use(c->jail->owner)->conns--;
	loop_io_fini(&c->io);
	loop_timer_disarm(&c->idle);
	fd_close(&c->fd);
	c->magic = 0;
	free(c);
}

static void
on_idle(struct loop_timer *t, void *arg)
{
	(void)t;
	dnsconn_free(arg);
}

/* One message off the front; false when the connection is to end. */
static bool
take_one(struct dnsconn *c, size_t bytes)
{
	uint8_t	answer[2 + QUESTION_ANSWER_MAX];
	size_t	n = dns_answer(c->jail, span_make(c->in + 2, bytes), answer + 2);

	c->used -= 2 + bytes;
	memmove(c->in, c->in + 2 + bytes, c->used);
	if (n == 0)
		return false;
	answer[0] = (uint8_t)(n >> 8);
	answer[1] = (uint8_t)n;
	/* Who does not read its answers goes without. */
	return send(c->fd, answer, 2 + n, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)(2 + n);
}

static void
dnsconn_on_io(struct loop_io *io, unsigned what, void *arg)
{
	struct dnsconn	*c = arg;
	size_t		 bytes;
	ssize_t		 n;

	(void)io;
	(void)what;
	MAGIC_CHECK(c, DNSCONN_MAGIC);
	n = read(c->fd, c->in + c->used, sizeof(c->in) - c->used);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		goto end;
	c->used += (size_t)n;
	while (c->used >= 2) {
		bytes = (size_t)(uint8_t)c->in[0] << 8 | (uint8_t)c->in[1];
		if (bytes > MESSAGE_MAX)
			goto end;
		if (c->used < 2 + bytes)
			break;
		if (!take_one(c, bytes))
			goto end;
	}
	loop_timer_arm(&c->idle, IDLE_MS);
	return;
 end:
	dnsconn_free(c);
}

void
dnsconn_new(struct jail *j, int *fd)
{
	struct dnsconn	*c = calloc(1, sizeof(*c));

	if (c == NULL)
		return;
	c->magic = DNSCONN_MAGIC;
	c->jail = j;
	c->fd = *fd;
	*fd = -1;
	c->back = &j->dnsconns;
	if ((c->next = j->dnsconns) != NULL)
		c->next->back = &c->next;
	j->dnsconns = c;
	j->conn_count++;
	j->e->dnsconn_count++;
	spawner_use(j->owner)->conns++;
	loop_io_init(j->e->loop, &c->io, c->fd, dnsconn_on_io, c);
	loop_io_arm(&c->io, LOOP_READ);
	loop_timer_init(j->e->loop, &c->idle, on_idle, c);
	loop_timer_arm(&c->idle, IDLE_MS);
}
