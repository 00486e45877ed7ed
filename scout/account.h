/* SPDX-License-Identifier: Apache-2.0
 *
 * account.h - one account, between account.c, accounts.c and login.c
 */
#ifndef SCOUT_ACCOUNT_H
#define SCOUT_ACCOUNT_H

#include "auth/users.h"
#include "scout/accounts.h"

#define ACCOUNT_WHY_MAX	(OAUTH_WHY_MAX + 256)
#define ACCOUNT_COMMAND_MAX	448

struct account {
	struct accounts		*of;
	struct account		*next;
	uint64_t		 key;		/* policy_token_key(), or that and one user's: users_token_key() */
	uint64_t		 server_key;	/* policy_token_key() */
	char			*tenant, *server;
	/* Of one user (auth/users.h); id empty: the gateway's own, or what users' accounts are opened by. */
	char			 id[USERS_ID_CHARS + 1];
	char			*who;		/* NULL: the gateway's */
	char			*subject;	/* what the gateway knows the user by, for an exchange; NULL: nothing */
	uint64_t		 wanted_ms;	/* last, by the loop's clock */
	enum oauth_kind		 kind;
	bool			 per_user;	/* "per": "user" */
	bool			 seen;		/* by the policy that is being read */
	/* What workers are told */
	enum token_state	 state;
	uint64_t		 serial, ends_ms;
	char			 why[ACCOUNT_WHY_MAX];
	/* What is held: as bytes of a grant, which has the token; empty: nothing */
	struct buf		 bytes;
	struct oauth_grant	 grant;		/* its texts are in them */
	/* How it goes on */
	struct trip		 trip;
	bool			 refused;	/* the token was: it serves nobody until there is another */
	unsigned		 fails, renewals;	/* renewals: since renewed_ms, because of refusals */
	uint64_t		 renewed_ms;
	char			*challenge;	/* the last one that wanted more; malloc'ed */
	struct loop_timer	 timer;
	/* A login */
	struct trip		 login;
	uint64_t		 login_ref;	/* who waits for an answer; 0: nobody */
	struct loop_timer	 login_timer;
};

/* Words of links that were used, as sums; more than there can be in their time are forgotten early. */
#define LOGIN_WORDS_MAX	4096
struct login_word {
	uint64_t	sum, ms;
};

struct accounts {
	struct scout	*s;
	struct account	*first;
	struct loop_timer publish, sweep;
	struct login_word words[LOGIN_WORDS_MAX];
	size_t		  word_turn;
};

/* accounts.c */
const struct rec_server *account_server(const struct account *a);	/* in the policy in force; NULL: not there */
/* who empty: the gateway's own. */
struct account	*accounts_find(struct accounts *as, struct span tenant, struct span server, struct span who);
/* The same, opened when the server has "per": "user" and the user has none; NULL: it has not, or there is no memory. */
struct account	*accounts_open(struct accounts *as, struct span tenant, struct span server, struct span who);
/* Ends it at the turn's end. */
void		accounts_drop(struct account *a);
/* What workers are told is another: all of it goes out at the turn's end. */
void		accounts_changed(struct accounts *as);
/* ... or now: whoever is told that there is a token makes a call with it next. */
void		accounts_publish(struct accounts *as);

/* account.c */
void		account_init(struct account *a);
void		account_fini(struct account *a);
/* A policy has it: a token is got unless there is one. */
void		account_look(struct account *a);
/* What is kept of it, borrowed. */
void		account_take_kept(struct account *a, struct span bytes);
/* A login gave this. */
void		account_take_grant(struct account *a, const struct oauth_grant *g);
void		account_log_out(struct account *a);
/* The token that an exchange begins with. */
void		account_take_subject(struct account *a, struct span subject);
void		account_wanted(struct account *a, const struct msg_TOKEN_WANTED *m);

#endif
