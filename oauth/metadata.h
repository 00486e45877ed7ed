/* SPDX-License-Identifier: Apache-2.0
 *
 * metadata.h - where a protected server and its authorization server describe themselves, and what must stand there
 *		(RFC 9728, RFC 8414, OpenID Connect Discovery; mcp-wire 15.4)
 *
 * Texts are the arena's.  *why is for people (static).
 */
#ifndef OAUTH_METADATA_H
#define OAUTH_METADATA_H

#include <stdbool.h>

#include "lib/arena.h"
#include "lib/err.h"
#include "lib/json.h"

#define OAUTH_URL_MAX		2048
#define OAUTH_ISSUERS_MAX	8
#define OAUTH_PLACES_MAX	3

/* A server's identifier as clients write it: scheme and host in small letters, no default port, no fragment, no slash
 * at the end.  E_FORMAT: no url; E_NOMEM. */
must_check int	oauth_canonical(struct span url, struct arena *a, struct span *out);
/* Same scheme, host and port? */
bool		oauth_same_origin(struct span a, struct span b);
bool		oauth_is_loopback(struct span url);
/* A member that is a text, in the arena; empty: there is none.  0 or an error of json_string(). */
must_check int	oauth_text_of(struct json_value object, const char *name, struct arena *a, struct span *out);
/* Scheme and authority of a url, for a place below it. */
must_check int	oauth_origin(struct span url, struct arena *a, struct span *out);

/* Does what is said to be a server's identifier stand for this server: the same origin, and a path that its begins
 * with? */
bool		oauth_is_of(struct span said, struct span server);

/* Where the server's document may be, the best first; how many. */
must_check int	oauth_resource_places(struct span resource, struct arena *a, struct span out[OAUTH_PLACES_MAX],
		    size_t *count);
/* The same of an issuer's. */
must_check int	oauth_issuer_places(struct span issuer, struct arena *a, struct span out[OAUTH_PLACES_MAX],
		    size_t *count);

struct oauth_resource {
	struct span	resource;	/* as the document says it: what tokens are asked for */
	struct span	issuers[OAUTH_ISSUERS_MAX];
	size_t		issuer_count;
	struct span	scopes;		/* blanks between them; empty: it says none */
};

/* 0; E_DENIED, with *why: it is not that server's document; E_FORMAT, with *why: it is none; E_NOMEM. */
must_check int	oauth_resource_read(struct span text, struct span server, struct arena *a, struct oauth_resource *out,
		    const char **why);

enum oauth_method {		/* how a client proves who it is at the token endpoint */
	OAUTH_METHOD_NONE = 1,
	OAUTH_METHOD_POST = 2,
	OAUTH_METHOD_BASIC = 4,
	OAUTH_METHOD_KEY = 8,		/* private_key_jwt */
};

struct oauth_server {
	struct span	issuer, authorization_endpoint, token_endpoint, registration_endpoint, revocation_endpoint;
	struct span	scopes;
	unsigned	methods;	/* bits of enum oauth_method */
	bool		s256;		/* code_challenge_methods_supported has it */
	bool		metadata_ids;	/* client_id_metadata_document_supported */
	bool		says_iss;	/* authorization_response_iss_parameter_supported */
};

/* Its issuer must be this one, by exact bytes.  As oauth_resource_read(). */
must_check int	oauth_server_read(struct span text, struct span issuer, struct arena *a, struct oauth_server *out,
		    const char **why);
const char	*oauth_method_name(enum oauth_method m);
enum oauth_method oauth_method_of(struct span name);	/* 0: one we do not know */

#endif
