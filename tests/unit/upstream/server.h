/* SPDX-License-Identifier: Apache-2.0
 *
 * server.h - a lying server, and calls to it
 */
#ifndef TESTS_UNIT_UPSTREAM_SERVER_H
#define TESTS_UNIT_UPSTREAM_SERVER_H

#include <sys/types.h>

#include "tests/harness/front.h"
#include "upstream/call.h"

struct server {
	pid_t			 pid;
	struct loop		*loop;
	struct block_pool	 blocks;
	struct upstream		*up;
	struct upstream_target	 target;
	struct exchange_field	 secret;
	char			 host[32];
	unsigned		 port;		/* without TLS */
	struct front		 front;
	struct snap		*policy;	/* with TLS: whom to trust */
	char			 folder[64];
};

struct outcome {
	struct upstream_call	*call;
	bool			 done, keep;	/* keep: the call is not freed when it is done */
	int			 error;
	bool			 sent, modern, is_error;
	char			 why[256];
	char			 text[512];	/* the answer's, cut */
	size_t			 text_bytes;
	char			 id[64];
	unsigned		 notes, requests;
	bool			 free_in_note;
	/* What is called, and for whom; tool NULL: as server_call() says. */
	const char		*tool;
	unsigned		 a;		/* its argument, and what is answered to its questions */
	uint64_t		 capabilities;
	const char		*token;		/* for progress, or NULL */
	bool			 hold;		/* questions are not answered: server_reply() does */
	char			 body[512];
	char			 question[64], asked[128];	/* raw id and text of the last question */
	char			 said[256];	/* notifications, one after the other */
};

/* words: as lying_http.c says, or "http+sse" and those of lying_sse.c, divided by blanks; NULL: nobody listens.  With
 * "https" before them, or the environment's MCPGW_TEST_TLS, it is behind TLS. */
void	server_start(struct server *s, const char *words, const struct region *sessions);
void	server_stop(struct server *s);
/* Another upstream (another worker) for the same server; stops the first. */
void	server_renew(struct server *s, const struct region *sessions);
/* tools/call of "t\xc3\xbcr" with our marks; the deadline is in ms. */
int	server_call(struct server *s, uint64_t instance, uint32_t ms, bool repeatable, struct outcome *o);
/* Answers the last question. */
void	server_reply(struct outcome *o);
/* Turns the loop until it is done. */
void	server_wait(struct server *s, struct outcome *o);
/* Both, and expects that it could begin. */
void	server_ask(struct server *s, struct outcome *o);
void	server_turn(struct server *s, unsigned ms);
/* How often this stands in the server's log. */
unsigned server_saw(struct server *s, const char *text);

#endif
