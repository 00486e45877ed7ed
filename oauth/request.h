/* SPDX-License-Identifier: Apache-2.0
 *
 * request.h - what is said to an authorization server
 */
#ifndef OAUTH_REQUEST_H
#define OAUTH_REQUEST_H

#include "lib/form.h"
#include "oauth/client.h"
#include "oauth/pkce.h"

#define OAUTH_BODY_MAX	(64 * 1024)

/* Who speaks: into the form, or as the value of Authorization, which is the arena's then. */
struct oauth_identity {
	enum oauth_method	method;
	struct span		client_id, client_secret;
	const struct jws_signer	*signer;
	struct span		key_id;
	struct span		audience;	/* of an assertion: the issuer */
	uint64_t		now_s;
};
must_check int	oauth_identify(struct buf *form, const struct oauth_identity *who, struct arena *a,
		    struct span *authorization);
/* A JWT by which the client says that it is itself (RFC 7523 3).  E_INTERNAL, E_NOMEM. */
must_check int	oauth_assertion(const struct oauth_identity *who, struct arena *a, struct span *out);

/* Where a browser is sent. */
must_check int	oauth_authorize_url(struct buf *to, struct span endpoint, struct span client_id,
		    struct span redirect_uri, const struct oauth_pkce *pkce, struct span scope, struct span resource);
/* A dynamic registration (RFC 7591): a JSON document. */
must_check int	oauth_register_put(struct buf *to, const struct oauth_client *c, enum oauth_method method,
		    struct span scope);

/* --- what it answers ---------------------------------------------------------------------------- */

struct oauth_token {
	struct span	access_token, refresh_token, scope, issued_type;
	bool		has_scope;
	uint64_t	expires_s;	/* 0: it does not say */
	bool		is_bearer;
};
/* E_FORMAT, with *why; E_NOMEM. */
must_check int	oauth_token_read(struct span text, struct arena *a, struct oauth_token *out, const char **why);
struct oauth_registration {
	struct span	client_id, client_secret, method;
};
must_check int	oauth_registration_read(struct span text, struct arena *a, struct oauth_registration *out,
		    const char **why);
/* Why it refuses, for people: "invalid_grant: text", printable and bounded; empty: it does not say. */
must_check int	oauth_refusal_read(struct span text, struct arena *a, struct span *code, struct span *shown);

#endif
