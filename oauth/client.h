/* SPDX-License-Identifier: Apache-2.0
 *
 * client.h - who the gateway is towards one protected server, and what it was given there
 */
#ifndef OAUTH_CLIENT_H
#define OAUTH_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/jws_sign.h"
#include "lib/buf.h"
#include "oauth/metadata.h"

#define OAUTH_TOKEN_MAX		(8 * 1024)	/* bytes of one token */

enum oauth_kind {
	OAUTH_CLIENT_CREDENTIALS, OAUTH_AUTHORIZATION_CODE, OAUTH_TOKEN_EXCHANGE, OAUTH_JWT_BEARER, OAUTH_KIND_LIMIT
};

/* As the operator wrote it; texts are borrowed, empty: not given. */
struct oauth_client {
	enum oauth_kind		kind;
	struct span		url;		/* the server's */
	struct span		issuer;		/* the only one that will do; empty: the first that the server names */
	bool			any_issuer;	/* ... to which a secret may be shown too */
	struct span		client_id, client_secret, private_key, key_id;
	enum jws_alg		alg;		/* JWS_ALG_LIMIT: by the key */
	struct span		metadata_url;	/* of a client id metadata document */
	bool			may_register;
	struct span		scope;		/* asked for in the place of what the server names */
	struct span		redirect_uri;
	/* Token exchange, and assertions */
	struct span		exchange_endpoint, exchange_id, exchange_secret;	/* not the issuer's */
	struct span		subject_token, subject_type, requested_type, audience;
};

/* What is kept of a client at one issuer.  X(name, id): on disk, for ever. */
#define OAUTH_GRANT_TEXTS(X)		\
	X(issuer,		1)	\
	X(token_endpoint,	2)	\
	X(resource,		3)	\
	X(client_id,		4)	\
	X(client_secret,	5)	\
	X(access_token,		6)	\
	X(refresh_token,	7)	\
	X(scope,		8)

struct oauth_grant {
#define X(name, id) struct span name;
	OAUTH_GRANT_TEXTS(X)
#undef X
	uint64_t	ends_ms;	/* of the access token, wall clock; 0: it was not said */
	uint64_t	login_ms;	/* when somebody logged in; 0: nobody had to */
	uint64_t	method;		/* enum oauth_method: how this client proves itself */
	uint64_t	registered;	/* 1: client_id and client_secret were given by dynamic registration */
};

/* As bytes.  E_TOOBIG, E_NOMEM. */
must_check int	oauth_grant_put(struct buf *to, const struct oauth_grant *g);
/* Texts are borrowed from the bytes; what is unknown is passed over.  E_FORMAT. */
must_check int	oauth_grant_read(struct span bytes, struct oauth_grant *out);

#endif
