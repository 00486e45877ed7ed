/* SPDX-License-Identifier: Apache-2.0
 *
 * news_priv.h - between what is wished for (news.c), the two ways to hear it (news_get.c, news_post.c), and what
 * was said (news_said.c)
 */
#ifndef UPSTREAM_NEWS_PRIV_H
#define UPSTREAM_NEWS_PRIV_H

#include "upstream/news.h"
#include "upstream/origin.h"
#include "upstream/pause.h"
#include "upstream/peer.h"

#define NEWS_MAGIC	0x3e350001u

struct news_get;
struct news_post;

struct news_sub {
	struct news_sub		*next;
	bool			 wanted;	/* false: it goes when the server was told so */
	bool			 told;		/* the server was told that it is wanted */
	bool			 changed;	/* somebody is to be told */
	uint32_t		 bytes;
	char			 uri[];
};

enum news_state {
	NEWS_OFF,		/* waits to be tried again */
	NEWS_PREPARING,		/* the server is being asked who it is */
	NEWS_GET, NEWS_POST,
	NEWS_MUTE,		/* it has no such thing */
	NEWS_OVER,		/* news_end_all() */
};

struct news {
	uint32_t		 magic;
	struct news		*next, *prev;	/* of the worker */
	struct news		*after;		/* in its bucket, until it is over */
	struct upstream		*u;
	uint64_t		 profile, tenant, instance, capabilities;
	uint32_t		 wishes;
	enum news_state		 state;
	bool			 settled;
	bool			 opened;	/* it was listened to before */
	unsigned		 lost;		/* sessions one after the other whose stream was 404 */
	struct arena		 arena;		/* of target */
	struct upstream_target	 target;
	struct upstream_target	 stream;	/* the same, with connections of their own */
	struct origin		*origin;
	struct peer		*peer;
	struct peer_wait	 wait;
	struct pause		 pause;
	struct loop_timer	 again;		/* to be tried then */
	struct loop_timer	 patience;	/* those that wait have waited long enough then */
	struct loop_timer	 linger;	/* nobody wishes it */
	struct loop_timer	 tell;
	uint64_t		 quiet_ms;	/* until then nothing is told */
	unsigned		 changed;	/* 1 << enum link_event_kind */
	struct news_wait	*waits;
	struct news_sub		*subs;
	size_t			 sub_count, sub_bytes;
	uint64_t		 noise_ms;	/* since when messages are counted, and how many came */
	unsigned		 noise;
	bool			 noisy;		/* it says too much: the rest goes unheard */
	struct news_get		*get;
	struct news_post	*post;
};

/* news.c: where it is, or would be, in its bucket. */
struct news	**news_find(struct upstream *u, uint64_t profile, uint64_t instance);
/* Those that wait are told. */
void		news_settle(struct news *n);
void		news_unsettle(struct news *n);
/* It is over, and is tried again: after a while, or in a moment. */
void		news_failed(struct news *n, uint64_t retry_ms);
void		news_restart(struct news *n);
/* The server has no such thing, it says. */
void		news_refused(struct news *n);

/* news_said.c: it is listened to, from now on or again; lossless: nothing can have been missed since the last time. */
void		news_opened(struct news *n, bool lossless);
/* A message of its stream came; false: it is not to be looked at. */
bool		news_hears(struct news *n);
void		news_said(struct news *n, const struct rpc_answer *m);
void		news_sub_remove(struct news *n, struct news_sub **at);
void		news_on_tell(struct loop_timer *t, void *arg);

/* news_get.c: a legacy server, whose peer is ready.  0 or E_*: it cannot begin. */
must_check int	news_get_open(struct news *n);
/* The subscriptions are others. */
void		news_get_renew(struct news *n);
/* Closes all, and ends the session.  No-op when there is none. */
void		news_get_close(struct news *n);

/* news_post.c: a modern server, likewise. */
must_check int	news_post_open(struct news *n);
void		news_post_renew(struct news *n);
void		news_post_close(struct news *n);

#endif
