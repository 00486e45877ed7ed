/* SPDX-License-Identifier: Apache-2.0
 *
 * spec.c - what somebody wrote to name a package
 *
 * Process: mcpgwctl.  Owns: nothing.
 * Trusts:  nobody: the text comes out of a file that may be a stranger's, and goes to an installer.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "ctl/import/spec.h"

#define WORD	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."

static int
refuse(const char **why, const char *text)
{
	*why = text;
	return E_FORMAT;
}

static bool
is_printable(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || (unsigned char)*s > 0x7e)
			return false;
	return true;
}

/* A version that is written whole: digits and dots first, then what may follow in either world. */
static bool
is_version(const char *s)
{
	unsigned	dots = 0;

	if (!isdigit((unsigned char)*s))
		return false;
	for (; *s != '\0'; s++) {
		if (!isalnum((unsigned char)*s) && strchr(".-+!", *s) == NULL)
			return false;
		dots += *s == '.';
	}
	return dots >= 1;
}

static int
begin(const char *text, struct spec *out, const char **why)
{
	*out = (struct spec){ 0 };
	if (strlen(text) >= sizeof(out->text) || !is_printable(text))
		return refuse(why, "too long, or not plain text");
	if (text[0] == '\0' || text[0] == '-')
		return refuse(why, "a package's name begins with a letter, a digit or @");
	snprintf(out->text, sizeof(out->text), "%s", text);
	return 0;
}

static bool
is_address(const char *text)
{
	static const char *const	starts[] = { "git+", "git:", "git@", "github:", "gitlab:", "bitbucket:",
					    "gist:", "file:", ".", "/", "~" };

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		if (strncmp(text, starts[i], strlen(starts[i])) == 0)
			return true;
	return strstr(text, "://") != NULL;
}

/* ---- npm ------------------------------------------------------------------------------------------ */

static bool
npm_word(const char *s, size_t n)
{
	if (n == 0 || s[0] == '.' || s[0] == '_' || s[0] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && memchr("-._~", s[i], 4) == NULL)
			return false;
	return true;
}

static bool
npm_name(const char *s, size_t n)
{
	const char	*slash = memchr(s, '/', n);

	if (s[0] != '@')
		return slash == NULL && npm_word(s, n);
	return slash != NULL && npm_word(s + 1, (size_t)(slash - s) - 1) &&
	    npm_word(slash + 1, n - (size_t)(slash - s) - 1);
}

/* Ranges are npm's to read; what they may not be is another place. */
static bool
npm_range(const char *s)
{
	for (; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && strchr(".-+^~<>=*| ", *s) == NULL)
			return false;
	return true;
}

int
spec_npm(const char *text, struct spec *out, const char **why)
{
	const char	*at;
	size_t		 n;
	int		 r;

	if ((r = begin(text, out, why)) != 0)
		return r;
	at = strchr(text + 1, '@');
	n = at == NULL ? strlen(text) : (size_t)(at - text);
	out->source = is_address(text) || (at != NULL && (is_address(at + 1) || strchr(at + 1, ':') != NULL)) ||
	    (text[0] != '@' && strchr(text, '/') != NULL);
	if (out->source)
		return 0;
	if (!npm_name(text, n) || n >= sizeof(out->name))
		return refuse(why, "no name of an npm package");
	snprintf(out->name, sizeof(out->name), "%.*s", (int)n, text);
	if (at == NULL || at[1] == '\0') {
		out->text[n] = '\0';
		return 0;
	}
	if (!npm_range(at + 1))
		return refuse(why, "behind @ stands a version, a range or a tag");
	snprintf(out->range, sizeof(out->range), "%s", at + 1);
	/* npm takes 1.2 for any 1.2.x. */
	if (is_version(out->range) && strchr(strchr(out->range, '.') + 1, '.') != NULL &&
	    strpbrk(out->range, "xX*") == NULL)
		memcpy(out->exact, out->range, sizeof(out->exact));
	return 0;
}

/* ---- PyPI ----------------------------------------------------------------------------------------- */

/* PEP 503. */
static void
pypi_normal(const char *s, size_t n, char *to)
{
	bool	run = false;

	for (size_t i = 0; i < n; i++) {
		if (memchr("-_.", s[i], 3) != NULL) {
			run = true;
			continue;
		}
		if (run)
			*to++ = '-';
		run = false;
		*to++ = (char)tolower((unsigned char)s[i]);
	}
	*to = '\0';
}

static bool
pypi_range(const char *s)
{
	if (*s == '\0' || strchr("=<>!~", *s) == NULL)
		return false;
	for (; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && strchr(".-+!*=<>~, ", *s) == NULL)
			return false;
	return true;
}

int
spec_pypi(const char *text, struct spec *out, const char **why)
{
	size_t		 n = strspn(text, WORD), extras = 0;
	const char	*rest;
	int		 r;

	if ((r = begin(text, out, why)) != 0)
		return r;
	out->source = is_address(text) || strstr(text, " @ ") != NULL;
	if (out->source)
		return 0;
	if (n == 0 || n >= sizeof(out->name) || !isalnum((unsigned char)text[0]) ||
	    !isalnum((unsigned char)text[n - 1]))
		return refuse(why, "no name of a Python package");
	pypi_normal(text, n, out->name);
	rest = text + n;
	if (*rest == '[') {
		extras = strcspn(rest, "]") + 1;
		if (extras > strlen(rest) ||
		    strspn(rest + 1, WORD ", ") != extras - 2)
			return refuse(why, "within brackets stand names of extras");
		rest += extras;
	}
	rest += strspn(rest, " ");
	if (*rest == '@') {
		if (strcmp(rest, "@latest") != 0 && !is_version(rest + 1))
			return refuse(why, "behind @ stands a version");
		if (strcmp(rest, "@latest") != 0)
			snprintf(out->range, sizeof(out->range), "==%.500s", rest + 1);
	} else if (*rest != '\0') {
		if (!pypi_range(rest))
			return refuse(why, "behind the name stands a condition, such as ==1.2.3");
		snprintf(out->range, sizeof(out->range), "%s", rest);
	}
	if (strncmp(out->range, "==", 2) == 0 && is_version(out->range + 2))
		snprintf(out->exact, sizeof(out->exact), "%s", out->range + 2);
	snprintf(out->text, sizeof(out->text), "%.*s%.280s", (int)(n + extras), text, out->range);
	return 0;
}
