/* SPDX-License-Identifier: Apache-2.0
 *
 * explain_say.c - what is known of a call that `explain` is asked about, by its options
 *
 * Process: mcpgwctl.  Owns: nothing; texts are in the caller's arena.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/explain/explain.h"
#include "ctl/out.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/nameset.h"
#include "mcp/catalogue.h"
#include "policy/reach.h"

#define ARGS_MAX	(16 * 1024 * 1024)

static void
no_room(void)
{
	fatal(EX_OSERR, "out of memory");
}

/* Names, separated by commas. */
static struct span
set_of(const char *names, struct arena *a)
{
	struct span	list[NAMESET_MAX], set;
	size_t		n = 0, bytes;

	for (; names != NULL && *names != '\0' && n < NAMESET_MAX; names += names[bytes] == ',' ? bytes + 1 : bytes) {
		bytes = strcspn(names, ",");
		if (bytes > 0)
			list[n++] = span_make(names, bytes);
	}
	if (nameset_make(list, n, a, &set) != 0)
		no_room();
	return set;
}

/* JSON itself, or a file of it. */
static struct json_value
json_of(const char *option, const char *given, struct arena *a)
{
	struct json_value	v;
	struct span		text = span_of(given);
	char			*read = NULL;
	size_t			 at, bytes = 0;
	int			 fd, r;

	if (given[strspn(given, " \t\r\n")] != '{') {
		if ((fd = open(given, O_RDONLY | O_CLOEXEC)) == -1)
			fatal(EX_NOINPUT, "%s: %s: want JSON, or a file of it", given, strerror(errno));
		r = fd_read_all(fd, ARGS_MAX, &read, &bytes);
		fd_close(&fd);
		if (r != 0)
			fatal(EX_NOINPUT, "%s: %s", given, err_text(r));
		text = arena_dup(a, span_make(read, bytes));
		free(read);
		if (text.p == NULL)
			no_room();
	}
	if ((r = json_parse(text, true, &v, &at)) != 0)
		fatal(EX_DATAERR, "%s: %s, at byte %zu", option, r == E_JSON_DUPLICATE ?
		    "a member comes twice, which no rule about arguments lets pass" : "it is not JSON", at);
	if (v.type != JSON_OBJECT)
		fatal(EX_DATAERR, "%s: want an object, such as '{\"limit\": 5}'", option);
	return v;
}

static void
say_bearer(const struct explain_said *said, struct arena *a, struct explain_question *q)
{
	if (said->user == NULL && said->roles == NULL && said->groups == NULL && said->scopes == NULL &&
	    said->workspace == NULL && said->issuer == NULL && said->credential == NULL && said->principal == NULL)
		return;
	q->facts.known |= FACT_WHO | FACT_BEARER;
	q->how = said->issuer != NULL || said->user != NULL ? HOW_TOKEN : HOW_KEY;
	q->subject = span_of(said->principal);
	q->traits = (struct traits){ .issuer = span_of(said->issuer), .user = span_of(said->user),
	    .workspace = span_of(said->workspace), .roles = set_of(said->roles, a),
	    .groups = set_of(said->groups, a), .scopes = set_of(said->scopes, a), .scoped = said->scopes != NULL };
	if (said->credential == NULL)
		return;
	for (q->how = HOW_NONE + 1; q->how < HOW_LIMIT; q->how++)
		if (strcmp(decide_how(q->how), said->credential) == 0)
			return;
	fatal(EX_USAGE, "--credential %s: no caller is known by that; see credential in mcpgw-rules(5)",
	    said->credential);
}

static void
say_address(const char *text, struct explain_question *q)
{
	struct reach_host	host;

	q->facts.known |= FACT_CLIENT;
	if (strcmp(text, "unix") == 0)
		return;
	if (reach_host_parse(span_of(text), &host, NULL) != 0 || !host.is_address)
		fatal(EX_USAGE, "--address %s: want an IP address, or unix for the socket", text);
	q->facts.client = host.address;
}

static void
say_hints(struct json_value annotations, struct explain_question *q)
{
	uint8_t	hints, said;

	catalogue_hints(annotations, &hints, &said);
	q->facts.known |= FACT_DEFINITION;
	q->facts.hints = hints;
	q->facts.hints_said = said;
}

void
explain_say(const struct explain_said *said, struct arena *a, struct explain_question *q)
{
	q->facts.arena = a;
	say_bearer(said, a, q);
	if (said->args != NULL) {
		q->facts.known |= FACT_ARGUMENTS;
		q->facts.arguments = json_of("--args", said->args, a);
	}
	if (said->annotations != NULL)
		say_hints(json_of("--annotations", said->annotations, a), q);
	if (said->address != NULL)
		say_address(said->address, q);
	if (said->time != NULL && (q->facts.wall_ms = out_parse_utc(span_of(said->time))) == 0)
		fatal(EX_USAGE, "--time %s: want a time in UTC such as 2026-11-20T10:31:07Z", said->time);
}
