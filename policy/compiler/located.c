/* SPDX-License-Identifier: Apache-2.0
 *
 * located.c - where an HTTP upstream is: ADDRESS records, or the host that mcpgw-scout looks up
 *
 * Process: mcpgw-compile.  Owns: the text of the machine's list of hosts, until the job is done.
 * Trusts:  that list, which is root's.  Nobody is asked over the network: a name that nobody answers for
 *          must hold up no reload.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>

#include "policy/compiler/files.h"
#include "policy/compiler/server.h"
#include "policy/compiler/values.h"

#define ADDRESSES_MAX	16		/* of one server */
#define HOSTS_MAX	(4 * 1024 * 1024)

static void
address_put(struct server *sv, const struct rec_address *a)
{
	uint32_t	index;

	if (sv->rec.address_count == ADDRESSES_MAX)
		return;
	index = put_record(sv->job->policy, SECTION_ADDRESS, a);
	if (sv->rec.address_count++ == 0)
		sv->rec.address_first = index;
}

static bool
is_numeric(struct span text, struct rec_address *a)
{
	char	copy[INET6_ADDRSTRLEN];

	*a = (struct rec_address){ 0 };
	if (text.n >= sizeof(copy))
		return false;
	snprintf(copy, sizeof(copy), "%.*s", SPAN_FMT(text));
	if (inet_pton(AF_INET, copy, a->bytes) == 1)
		a->family = AF_INET;
	else if (inet_pton(AF_INET6, copy, a->bytes) == 1)
		a->family = AF_INET6;
	return a->family != 0;
}

/* hosts(5): an address and its names, up to a "#". */
static void
line_read(struct server *sv, struct span line, struct span host)
{
	const char		*hash = line.n == 0 ? NULL : memchr(line.p, '#', line.n);
	struct rec_address	 a;
	struct span		 word;

	if (hash != NULL)
		line.n = (size_t)(hash - line.p);
	if (!is_numeric(span_word(&line), &a))
		return;
	while ((word = span_word(&line)).n > 0)
		if (span_eq_nocase(word, host)) {
			address_put(sv, &a);
			return;
		}
}

static void
hosts_look(struct server *sv, struct span host)
{
	struct job	*j = sv->job;
	struct span	 rest;
	const char	*why, *end;
	size_t		 n;

	if (!j->hosts_read) {
		j->hosts_read = true;
		if (file_read(j, j->hosts_file == NULL ? "/etc/hosts" : j->hosts_file, HOSTS_MAX, &j->hosts,
		    &j->hosts_bytes, &why) != 0)
			j->hosts_bytes = 0;	/* as if nothing stood there */
	}
	for (rest = span_make(j->hosts, j->hosts_bytes); rest.n > 0; rest = span_part(rest, n, rest.n)) {
		end = memchr(rest.p, '\n', rest.n);
		n = end == NULL ? rest.n : (size_t)(end - rest.p) + 1;
		line_read(sv, span_part(rest, 0, end == NULL ? n : n - 1), host);
	}
}

/* RFC 6761: nobody else's, whatever a name server says. */
static bool
is_localhost(struct span host)
{
	static const struct span	suffix = SPAN_LIT(".localhost");

	return span_eq_nocase(host, SPAN_LIT("localhost")) || (host.n > suffix.n &&
	    span_eq_nocase(span_part(host, host.n - suffix.n, host.n), suffix));
}

void
located_read(struct server *sv, struct span host)
{
	static const struct rec_address	loopback[] = {
		{ .family = AF_INET, .bytes = { 127, 0, 0, 1 } }, { .family = AF_INET6, .bytes = { [15] = 1 } },
	};
	struct rec_address		a;
	struct span			small;

	if (is_numeric(host, &a)) {
		address_put(sv, &a);
		return;
	}
	if (host.n > 1 && host.p[host.n - 1] == '.')
		host.n--;
	hosts_look(sv, host);
	if (sv->rec.address_count == 0 && is_localhost(host))
		for (size_t i = 0; i < 2; i++)
			address_put(sv, &loopback[i]);
	if (sv->rec.address_count > 0)
		return;
	small = job_dup(sv->job, host);
	for (size_t i = 0; i < small.n; i++)
		((char *)(uintptr_t)small.p)[i] = (char)tolower((unsigned char)small.p[i]);
	sv->rec.host = put_text(sv->job->policy, small);
}
