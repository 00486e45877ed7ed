/* SPDX-License-Identifier: Apache-2.0
 *
 * conn_priv.h - shared by conn.c (one connection), wire.c (its exchanges) and conn_set.c (all of them)
 */
#ifndef WORKER_CONN_PRIV_H
#define WORKER_CONN_PRIV_H

#include "http/body.h"
#include "http/queue.h"
#include "http/write.h"
#include "http/conn.h"
#include "http/conn_from.h"

#define CONN_MAGIC	0xc0770001u

enum conn_state {
	CONN_SHAKE,		/* TLS: the handshake is not done */
	CONN_FRESH,		/* nothing was sent over it yet */
	CONN_IDLE,		/* between two requests: no buffer */
	CONN_HEAD,		/* a part of a head is there */
	CONN_BODY,		/* the request's body is awaited */
	CONN_BUSY,		/* the answer is awaited, or flows */
	CONN_WRITE,		/* the client takes nothing */
	CONN_REST,		/* refused several times: not read for a moment */
	CONN_LINGER,		/* answered; what still comes is dropped until the client closes */
	CONN_STATE_LIMIT
};

/* A borrowed block: bytes read, and the parser's notes on them. */
struct conn_in {
	size_t		 at, used;
	uint64_t	 begun_ns;	/* first byte of this head */
	struct http_head head;
	char		 bytes[HTTP_HEAD_BYTES_MAX];
};
_Static_assert(sizeof(struct conn_in) <= HTTP_BLOCK_BYTES, "a read buffer is one block");

struct conn_peer {		/* unix sockets only */
	uid_t	uid;
	gid_t	gid;
	pid_t	pid;
	size_t	group_count;
	gid_t	groups[];
};

struct conn {
	uint32_t		 magic;
	int			 fd;
	struct conn_set		*set;
	struct conn		*older, *newer;		/* in the list of its state */
	struct conn		*flush_next, *kick_next;
	uint64_t		 since_ms;		/* in this state */
	struct loop_io		 io;
	struct conn_in		*in;
	struct http_queue	 out;
	struct http_body	 body;
	struct exchange		*x;
	struct conn_peer	*peer;
	struct tls		*tls;			/* over the socket; NULL: bytes as they are */
	struct conn_from	*from;			/* its address; NULL: one that is not counted */
	uint64_t		 answer_left;		/* of an announced length */
	size_t			 counted;		/* of out, in the set's sum */
	size_t			 took;			/* the client, since since_ms, in CONN_WRITE */
	uint32_t		 dropped;		/* while lingering */
	uint16_t		 port;
	uint16_t		 family;
	uint8_t			 address[16];
	uint8_t			 state;			/* enum conn_state */
	uint8_t			 listener;
	uint8_t			 framing;		/* enum http_framing of the answer */
	uint8_t			 why;			/* enum flow_end: why it is dead */
	uint8_t			 refused;		/* so many in a row */
	bool			 to_flush, to_kick;
	bool			 dead;			/* nothing more is read, written or called */
	bool			 close;			/* after this answer */
	bool			 answer_done;
	bool			 body_whole;
	bool			 no_content;		/* the answer's body is not sent: HEAD */
	bool			 continue_due;		/* the client waits for 100 Continue */
	bool			 feeding;		/* inside feed() */
	bool			 beginning;		/* inside on_request: feeding comes next */
	bool			 eof;			/* the client sends nothing more */
	bool			 shake_writes;		/* the handshake waits until it may write */
};
_Static_assert(sizeof(struct conn) <= 896, "an idle connection is under 1 KiB");

struct conn_list {
	struct conn	*oldest, *newest;
	size_t		 count;
};

struct conn_set {
	struct loop		*loop;
	struct conn_params	 params;
	struct conn_tls		 tls;
	unsigned		 shakes;		/* in this turn */
	exchange_fn		*on_request;
	void			*arg;
	struct block_pool	 pool;
	struct conn_count	 count;
	struct conn_list	 lists[CONN_STATE_LIMIT];
	struct conn_froms	 froms;
	size_t			 queued;		/* unsent, of all */
	struct conn		*flush, *kick;
	struct loop_timer	 sweep, kicker, calm;
	size_t			 open_most, blocks_most;	/* since memory was last given back */
	uint64_t		 sweep_ms;		/* when the sweep is due; 0: not armed */
	bool			 drain, retire;
	uint64_t		 date_s;
	char			 date[HTTP_DATE_BYTES];
	char			 scratch[64 * 1024];	/* bodies and what is dropped pass through here */
};

/* conn_set.c: moving a connection between lists is changing its state. */
void	conn_move(struct conn *c, enum conn_state state);
/* A new one, into the list of its state. */
void	conn_list_append(struct conn *c);
/* Writes what is queued, at the turn's end; frees a dead one. */
void	conn_flush_later(struct conn *c);
/* conn_kick() in a handler of the next turn: what a flush may not do itself. */
void	conn_kick_later(struct conn *c);
/* Nothing more will be done for it; its exchange is told with conn_kick(). */
void	conn_die(struct conn *c, enum flow_end why);
/* After one more was taken. */
void	conn_count_most(struct conn_set *s);
struct span conn_date(struct conn_set *s);
/* Frees at once; the exchange must have been told. */
void	conn_free(struct conn *c);

/* conn.c */
/* Of c->io. */
void	conn_on_io(struct loop_io *io, unsigned what, void *conn);
/* Reads what the socket has, or what lies over it has left, as the state wants it. */
void	conn_read(struct conn *c);
/* What still comes is dropped, until the client closes. */
void	conn_linger(struct conn *c);
void	conn_kick(struct conn *c);
void	conn_flush(struct conn *c);
void	conn_timed_out(struct conn *c);
void	conn_watch(struct conn *c);
/* Queues an answer of our own to what is no request, and closes. */
void	conn_refuse(struct conn *c, int err);

/* Bytes, as recv(2): 0 at the end, -1 with errno EAGAIN when there are none now. */
ssize_t	conn_recv(struct conn *c, void *to, size_t room);

/* conn_shed.c */
/* Says to one that is not to be taken over why, as far as that goes at once. */
void	conn_turn_away(struct conn_set *s, const struct conn *c, int fd);
/* At a turn's end: what is held is held within bounds. */
void	conn_set_relieve(struct conn_set *s);

/* shake.c: the handshake may go on. */
void	conn_shake(struct conn *c);

/* wire.c: HTTP/1.1 as a wire of exchanges. */
extern const struct exchange_wire conn_wire;
/* Gives the body what is in the buffer, as far as its credit goes. */
void	conn_feed(struct conn *c);
/* The same from the shared scratch memory, reading the socket. */
void	conn_read_body(struct conn *c);

#endif
