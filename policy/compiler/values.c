/* SPDX-License-Identifier: Apache-2.0
 *
 * values.c - what the values of mcpgw.conf must look like
 *
 * Process: mcpgw-compile.  Owns: nothing.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <sys/un.h>
#include <time.h>

#include "lib/addr_net.h"
#include "lib/num.h"
#include "policy/compiler/expand.h"
#include "policy/compiler/nethosts.h"
#include "policy/compiler/quotas.h"
#include "policy/compiler/values.h"
#include "policy/listens.h"

#define WORKERS_MAX	64
#define ZONE_MAX_S	(14 * 3600)

bool
address_split(struct span text, struct span *host, uint64_t *port)
{
	struct in6_addr	 address;
	char		 copy[INET6_ADDRSTRLEN];
	size_t		 colon = text.n;
	bool		 six;

	while (colon > 0 && text.p[colon - 1] != ':')
		colon--;
	if (colon < 2 || num_u64(span_part(text, colon, text.n), port) != 0 || *port > 65535)
		return false;
	*host = span_part(text, 0, colon - 1);
	six = host->p[0] == '[' && host->p[host->n - 1] == ']';
	if (six)
		*host = span_part(*host, 1, host->n - 2);
	if (host->n == 0 || host->n >= sizeof(copy))
		return false;
	if (span_is(*host, "localhost"))
		return !six;
	snprintf(copy, sizeof(copy), "%.*s", SPAN_FMT(*host));
	return inet_pton(six ? AF_INET6 : AF_INET, copy, &address) == 1;
}

bool
rate_parse(struct span text, uint64_t *interval_ns, uint64_t *number)
{
	static const struct {
		const char	*unit;
		uint64_t	 ns;
	} units[] = {
		{ "s", UINT64_C(1000000000) }, { "min", UINT64_C(60000000000) },
		{ "h", UINT64_C(3600000000000) }, { "d", UINT64_C(86400000000000) },
	};
	const char	*slash = text.n == 0 ? NULL : memchr(text.p, '/', text.n);

	if (slash == NULL || num_u64(span_part(text, 0, (size_t)(slash - text.p)), number) != 0 ||
	    *number == 0 || *number > RATE_MAX)
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (span_is(span_part(text, (size_t)(slash - text.p) + 1, text.n), units[i].unit)) {
			*interval_ns = units[i].ns / *number;
			return true;
		}
	return false;
}

bool
zone_parse(struct span t, int32_t *out)
{
	uint64_t	hours, minutes;

	*out = 0;
	if (span_is(t, "UTC"))
		return true;
	if (t.n != 6 || (t.p[0] != '+' && t.p[0] != '-') || t.p[3] != ':' || num_u64(span_part(t, 1, 2), &hours) != 0 ||
	    num_u64(span_part(t, 4, 2), &minutes) != 0 || minutes > 59 || hours * 3600 + minutes * 60 > ZONE_MAX_S)
		return false;
	*out = (int32_t)(hours * 3600 + minutes * 60) * (t.p[0] == '-' ? -1 : 1);
	return true;
}

bool
name_ok(struct span name)
{
	for (size_t i = 0; i < name.n; i++)
		if (!isalnum((unsigned char)name.p[i]) && memchr("_.-", name.p[i], 3) == NULL)
			return false;
	return name.n > 0 && name.n <= 64;
}

/* "one of a, b, c" of "a|b|c". */
static const char *
words_shown(struct job *j, const char *words)
{
	char	*shown = job_alloc(j, strlen(words) * 2 + 1), *to = shown;

	for (; *words != '\0'; words++) {
		*to++ = *words == '|' ? ',' : *words;
		if (*words == '|')
			*to++ = ' ';
	}
	return shown;
}

static void
wrong_say(struct job *j, unsigned id)
{
	const struct param_row	*row = param_row(id);
	struct span		 v = j->settings[id].value;
	const char		*what = row->type == PARAM_TYPE_num ? "a number" :
				     row->type == PARAM_TYPE_msec ? "a time with its unit, such as 30s," :
				     "a size with its unit, such as 4MiB,";

	if (row->type == PARAM_TYPE_flag)
		setting_error(j, id, "\"%.*s\": want yes or no", SHOWN(v));
	else if (row->type == PARAM_TYPE_word)
		setting_error(j, id, "\"%.*s\": want one of %s", SHOWN(v), words_shown(j, row->min));
	else
		setting_error(j, id, "\"%.*s\": want %s from %s to %s", SHOWN(v), what, row->min, row->max);
}

static void
path_check(struct job *j, unsigned id)
{
	struct span	v = j->settings[id].value;

	if (v.n == 0 || v.p[0] != '/')
		setting_error(j, id, "\"%.*s\": want an absolute path", SHOWN(v));
	else if (id == PARAM_ID_socket && v.n >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		setting_error(j, id, "\"%.*s\": a socket's path has at most %zu bytes", SHOWN(v),
		    sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
}

/* Numbers that systemd or subordinate ids (/etc/subuid) may give to others are not ours to take. */
static void
uid_range_check(struct job *j, struct span v)
{
	static const struct { uint64_t first, last; const char *whose; } others[] = {
		{ 0, 999, "system users" }, { 61184, 65535, "systemd's dynamic users and nobody" },
		{ 524288, 1879048191, "containers" }, { UINT32_MAX, UINT64_MAX, "nobody: too large" },
	};
	const char	*dash = v.n == 0 ? NULL : memchr(v.p, '-', v.n);
	uint64_t	 first, last;

	if (v.n == 0)
		return;
	if (dash == NULL || num_u64(span_part(v, 0, (size_t)(dash - v.p)), &first) != 0 ||
	    num_u64(span_part(v, (size_t)(dash - v.p) + 1, v.n), &last) != 0 || first > last) {
		setting_error(j, PARAM_ID_tenant_uid_range, "\"%.*s\": want FIRST-LAST, such as 70000-79999", SHOWN(v));
		return;
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (first <= others[i].last && last >= others[i].first)
			setting_error(j, PARAM_ID_tenant_uid_range, "\"%.*s\": %llu-%llu is for %s; take others, "
			    "such as 70000-79999", SHOWN(v), (unsigned long long)others[i].first,
			    (unsigned long long)others[i].last, others[i].whose);
}

static void
listen_check(struct job *j)
{
	struct span		list = j->settings[PARAM_ID_listen].value, host;
	struct listens_entry	e;
	uint64_t		n;
	unsigned		count = 0;

	while (listens_next(&list, &e))
		if (++count > LISTENS_MAX) {
			setting_error(j, PARAM_ID_listen, "more than %d addresses", LISTENS_MAX);
			return;
		} else if (!address_split(e.address, &host, &n)) {
			setting_error(j, PARAM_ID_listen, "\"%.*s\": want ADDRESS:PORT, such as 127.0.0.1:8080",
			    SHOWN(e.address));
		} else if (e.wrong.n > 0) {
			setting_error(j, PARAM_ID_listen, "\"%.*s\": behind an address may stand tls, and behind that "
			    "client=optional or client=required; addresses are divided by commas", SHOWN(e.wrong));
		}
}

static void
proxies_check(struct job *j, struct span list)
{
	struct addr_net	net;
	struct span	word;
	unsigned	count = 0;
	int		r;

	while ((word = span_word(&list)).n > 0)
		if (++count > PROXIES_MAX)
			setting_error(j, PARAM_ID_trusted_proxies, "more than %d networks", PROXIES_MAX);
		else if ((r = addr_net_parse(word, &net)) == E_RANGE)
			setting_error(j, PARAM_ID_trusted_proxies, "\"%.*s\": there is something behind the first %u "
			    "bits of the network; did you mean another prefix?", SHOWN(word), net.bits);
		else if (r != 0)
			setting_error(j, PARAM_ID_trusted_proxies, "\"%.*s\": want addresses or networks such as "
			    "10.0.0.0/8, separated by blanks", SHOWN(word));
}

static void
text_check(struct job *j, unsigned id)
{
	struct span	v = j->settings[id].value, host, word;
	uint64_t	n, number;
	struct rec_quota quota;
	unsigned	seen = 0;
	int32_t		zone_s;

	switch (id) {
	case PARAM_ID_egress_dns:
	case PARAM_ID_upstream_dns:
		while ((word = span_word(&v)).n > 0)
			if (!address_split(word, &host, &n) || n == 0 || span_is(host, "localhost"))
				setting_error(j, id, "\"%.*s\": want ADDRESS:PORT, such as 192.0.2.53:53", SHOWN(word));
		break;
	case PARAM_ID_trusted_proxies:
		proxies_check(j, v);
		break;
	case PARAM_ID_net_hosts:
		nethosts_check(j);
		break;
	case PARAM_ID_listen:
		listen_check(j);
		break;
	case PARAM_ID_admin_listen:
		if (v.n > 0 && !address_split(v, &host, &n))
			setting_error(j, id, "\"%.*s\": want ADDRESS:PORT, such as 127.0.0.1:8080",
			    SHOWN(v));
		break;
	case PARAM_ID_workers:
		if (!span_is(v, "auto") && (num_u64(v, &n) != 0 || n < 1 || n > WORKERS_MAX))
			setting_error(j, id, "\"%.*s\": want auto, or a number from 1 to %d", SHOWN(v),
			    WORKERS_MAX);
		break;
	case PARAM_ID_anonymous_agent:
	case PARAM_ID_fallback_agent:
		if (v.n > 0 && !name_ok(v))
			setting_error(j, id, "\"%.*s\": no name of an agent", SHOWN(v));
		break;
	case PARAM_ID_audit_log:
	case PARAM_ID_imports_file:
		if (v.n > 0 && v.p[0] != '/')
			setting_error(j, id, "\"%.*s\": want an absolute path, or nothing", SHOWN(v));
		break;
	case PARAM_ID_tenant_quota:
		while ((word = span_word(&v)).n > 0)
			if (!quota_parse(word, &quota))
				setting_error(j, id, "\"%.*s\": %s", SHOWN(word), quota_wanted(word));
			else if (quota_again(&quota, &seen))
				setting_error(j, id, "\"%.*s\": " QUOTA_AGAIN, SHOWN(word));
		break;
	case PARAM_ID_quota_zone:
		if (!zone_parse(v, &zone_s))
			setting_error(j, id, "\"%.*s\": " ZONE_WANTED, SHOWN(v));
		break;
	case PARAM_ID_tenant_rate:
	case PARAM_ID_global_rate:
	case PARAM_ID_address_rate:
		if (v.n > 0 && !rate_parse(v, &n, &number))
			setting_error(j, id, "\"%.*s\": want NUMBER/UNIT, such as 50/s, 100/min, 5/h or "
			    "1000/d, at most %d",
			    SHOWN(v), RATE_MAX);
		break;
	case PARAM_ID_tenant_uid_range:
		uid_range_check(j, v);
		break;
	case PARAM_ID_user:
	case PARAM_ID_tenant_user:
		if (!name_ok(v))
			setting_error(j, id, "\"%.*s\": no name of a user", SHOWN(v));
		break;
	default:
		break;
	}
}

void
value_check(struct job *j, unsigned id)
{
	const struct param_row	*row = param_row(id);
	struct setting		*s = &j->settings[id];

	if (s->wrong)
		return;
	if (param_parse(row, s->value, &s->number) != 0)
		wrong_say(j, id);
	else if (id == PARAM_ID_jail_fallback && j->personal && s->number != JAIL_FALLBACK_WORD_NONE)
		setting_error(j, id, "only a gateway that root started can have it: here tools have the "
		    "gateway's own user, and nothing but namespaces keeps them apart");
	if (row->type == PARAM_TYPE_path)
		path_check(j, id);
	else if (row->type == PARAM_TYPE_text)
		text_check(j, id);
}

void
values_check(struct job *j)
{
	for (unsigned id = 0; id < PARAM_ID_LIMIT; id++)
		value_check(j, id);
}

uint64_t
value_time(struct span text)
{
	char		 copy[32] = "";
	const char	*end;
	struct tm	 tm = { 0 };
	time_t		 t;

	if (text.n == 0 || text.n >= sizeof(copy))
		return 0;
	memcpy(copy, text.p, text.n);
	if ((end = strptime(copy, "%Y-%m-%dT%H:%M:%SZ", &tm)) == NULL || *end != '\0' || (t = timegm(&tm)) <= 0)
		return 0;
	return (uint64_t)t * 1000;
}
