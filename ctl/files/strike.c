/* SPDX-License-Identifier: Apache-2.0
 *
 * strike.c - values that are to be found in no text, and what looks like one
 *
 * Process: mcpgwctl.  Owns: copies of the secrets it knows, for the life of the program.
 * Trusts:  nothing in a text to be what it says: what may be a key is taken for one.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "ctl/files/strike.h"
#include "lib/log.h"

#define TOKEN_LEAST	20	/* letters of a word that may be a key */

static const char *const	secret_words[] = {
	"key", "token", "secret", "passw", "passphrase", "pwd", "credential", "auth", "cookie", "bearer", "private",
	"signature", "dsn",
};

/* How keys of well-known services begin. */
static const char *const	prefixes[] = {
	"sk-", "sk_", "pk_", "rk_", "ghp_", "gho_", "ghu_", "ghs_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "xoxa-",
	"AKIA", "ASIA", "AIza", "ya29.", "eyJ", "hf_", "npm_", "pypi-", "SG.", "dop_v1_", "shpat_", "lin_api_", "ntn_",
};

void
strike_value(struct strike *s, struct span value)
{
	while (value.n > 0 && isspace((unsigned char)value.p[value.n - 1]))
		value.n--;
	if (value.n < STRIKE_LEAST)
		return;
	for (size_t i = 0; i < s->count; i++)
		if (span_is(value, s->values[i]))
			return;
	if (s->count == STRIKE_VALUES || (s->values[s->count] = strndup(value.p, value.n)) == NULL)
		fatal(EX_OSERR, "more secrets than can be kept out; nothing is written");
	s->begins[(unsigned char)value.p[0]] = true;
	s->count++;
}

void
strike_free(struct strike *s)
{
	while (s->count > 0) {
		char	*one = s->values[--s->count];

		explicit_bzero(one, strlen(one));
		free(one);
	}
}

bool
strike_is_secret_name(struct span name)
{
	for (size_t w = 0; w < sizeof(secret_words) / sizeof(secret_words[0]); w++) {
		const size_t	n = strlen(secret_words[w]);

		for (size_t i = 0; i + n <= name.n; i++)
			if (strncasecmp(name.p + i, secret_words[w], n) == 0)
				return true;
	}
	return false;
}

/* --- what looks like one ------------------------------------------------------------------------ */

static bool
is_token_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '+' || c == '=' || c == '.' || c == '~';
}

static size_t
token_length(struct span rest)
{
	size_t	n = 0;

	while (n < rest.n && is_token_byte(rest.p[n]))
		n++;
	return n;
}

/* Capital and small letters and digits together, in one long word: names of files and hashes in hex are not. */
static bool
looks_random(struct span word)
{
	bool	upper = false, lower = false, digit = false;
	size_t	run = 0, longest = 0;

	for (size_t i = 0; i < word.n; i++) {
		upper |= isupper((unsigned char)word.p[i]) != 0;
		lower |= islower((unsigned char)word.p[i]) != 0;
		digit |= isdigit((unsigned char)word.p[i]) != 0;
		run = word.p[i] == '.' ? 0 : run + 1;
		longest = run > longest ? run : longest;
	}
	return longest >= TOKEN_LEAST && upper && lower && digit;
}

static bool
looks_like_key(struct span word)
{
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (span_starts(word, span_of(prefixes[i])) && word.n >= strlen(prefixes[i]) + 8)
			return true;
	/* One of ours, whole: its public name has 12 letters. */
	if (span_starts(word, SPAN_LIT("mgk_")) && word.n > 12)
		return true;
	return looks_random(word);
}

/* Behind "://": a name and a password before the host. */
static size_t
userinfo_length(struct span rest)
{
	for (size_t n = 0; n < rest.n; n++) {
		if (rest.p[n] == '@')
			return n;
		if (isspace((unsigned char)rest.p[n]) || strchr("/?#\"'<>\\", rest.p[n]) != NULL)
			break;
	}
	return 0;
}

static bool
ends_with(struct span s, const char *with)
{
	const size_t	n = strlen(with);

	return s.n >= n && strncasecmp(s.p + s.n - n, with, n) == 0;
}

/* The word before the last '=' or ':' of what was read so far, as in token=..., X-Api-Key: ... */
static struct span
name_before(struct span text, size_t at)
{
	size_t	end = at, begin;

	while (end > 0 && (text.p[end - 1] == ' ' || text.p[end - 1] == '"' || text.p[end - 1] == '\''))
		end--;
	if (end == 0 || (text.p[end - 1] != '=' && text.p[end - 1] != ':'))
		return SPAN_NONE;
	end--;
	while (end > 0 && (text.p[end - 1] == ' ' || text.p[end - 1] == '"' || text.p[end - 1] == '\''))
		end--;
	begin = end;
	while (begin > 0 && (isalnum((unsigned char)text.p[begin - 1]) || text.p[begin - 1] == '_' ||
	    text.p[begin - 1] == '-'))
		begin--;
	return span_part(text, begin, end - begin);
}

/* token=..., Key: "..." and the like, up to where the value begins; a comment may hold what was a member. */
static bool
follows_sign(struct span before)
{
	if (before.n > 0 && (before.p[before.n - 1] == '"' || before.p[before.n - 1] == '\'')) {
		before.n--;
		if (ends_with(before, ":"))
			return true;
	}
	return ends_with(before, "=") || ends_with(before, "= ") || ends_with(before, ": ");
}

/* How many bytes from `at` on are a secret by what stands there, 0: none. */
static size_t
secret_at(const struct strike *s, struct span text, size_t at)
{
	const struct span	rest = span_part(text, at, text.n), before = span_part(text, 0, at);
	const char		*end;
	size_t			 n, longest = 0;

	for (size_t i = 0; s->begins[(unsigned char)rest.p[0]] && i < s->count; i++)
		if (span_starts(rest, span_of(s->values[i])) && (n = strlen(s->values[i])) > longest)
			longest = n;
	if (longest > 0)
		return longest;
	if (span_starts(rest, SPAN_LIT("-----BEGIN ")) &&
	    (end = memmem(rest.p, rest.n, "PRIVATE KEY-----", 16)) != NULL && end - rest.p < 64) {
		end = memmem(rest.p + 27, rest.n < 27 ? 0 : rest.n - 27, "-----END", 8);
		return end == NULL ? rest.n : (size_t)(end - rest.p);
	}
	if (ends_with(before, "://"))
		return userinfo_length(rest);
	if (at > 0 && is_token_byte(text.p[at - 1]) && text.p[at - 1] != '=')
		return 0;	/* in a word */
	n = token_length(rest);
	if (n == 0 || span_starts(rest, SPAN_LIT(STRUCK)))
		return 0;
	/* The scheme of a credential, which comes behind it. */
	if (n < 7 && n + 1 < rest.n && rest.p[n] == ' ' && (strncasecmp(rest.p, "bearer", n) == 0 ||
	    strncasecmp(rest.p, "basic", n) == 0))
		return 0;
	if (n >= 4 && (ends_with(before, "bearer ") || ends_with(before, "basic ")))
		return n;
	if (n >= STRIKE_LEAST && follows_sign(before) && strike_is_secret_name(name_before(text, at)) &&
	    !span_starts(rest, SPAN_LIT("r-")) && !span_starts(rest, SPAN_LIT("mgk_")))
		return n;
	return looks_like_key(span_part(rest, 0, n)) ? n : 0;
}

int
strike_text(const struct strike *s, struct span text, struct buf *to)
{
	size_t	begun = 0, n;
	int	r;

	for (size_t at = 0; at < text.n;) {
		if ((n = secret_at(s, text, at)) == 0) {
			at++;
			continue;
		}
		if ((r = buf_put(to, span_part(text, begun, at - begun))) != 0 || (r = buf_put_str(to, STRUCK)) != 0)
			return r;
		begun = at += n;
	}
	return buf_put(to, span_part(text, begun, text.n));
}
