/* SPDX-License-Identifier: Apache-2.0
 *
 * entry.c - which program of a package is meant when only the package is named
 *
 * Process: mcpgwctl.  Owns: nothing.
 * Trusts:  no package: what it names is a path within it, and nothing else.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctl/import/entry.h"

static int __attribute__((format(printf, 3, 4)))
refuse(char why[ENTRY_WHY], int error, const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(why, ENTRY_WHY, fmt, ap);
	va_end(ap);
	return error;
}

/* One more name of a list, while there is room. */
static void
name_add(char names[ENTRY_WHY / 2], struct span name)
{
	size_t	n = strlen(names);

	if (n + name.n + 3 < ENTRY_WHY / 2)
		snprintf(names + n, ENTRY_WHY / 2 - n, "%s%.*s", n == 0 ? "" : ", ", SPAN_FMT(name));
}

/* ---- npm ------------------------------------------------------------------------------------------ */

/* A file of the package: relative, and nowhere upwards. */
static int
take_file(struct span file, char to[ENTRY_TEXT], char why[ENTRY_WHY])
{
	struct span	rest;

	while (span_starts(file, SPAN_LIT("./")))
		file = span_part(file, 2, file.n);
	for (rest = file; rest.n > 0; ) {
		const char	*slash = memchr(rest.p, '/', rest.n);
		size_t		 n = slash == NULL ? rest.n : (size_t)(slash - rest.p);

		if (span_is(span_part(rest, 0, n), ".."))
			return refuse(why, E_FORMAT, "its program leads out of the package: %.*s", SPAN_FMT(file));
		rest = span_part(rest, n + (slash != NULL), rest.n);
	}
	if (file.n == 0 || file.p[0] == '/' || file.n >= ENTRY_TEXT || memchr(file.p, '\0', file.n) != NULL)
		return refuse(why, E_FORMAT, "its program is no file of the package");
	snprintf(to, ENTRY_TEXT, "%.*s", SPAN_FMT(file));
	return 0;
}

static struct span
unscoped(struct span name)
{
	const char	*slash = name.n > 0 && name.p[0] == '@' ? memchr(name.p, '/', name.n) : NULL;

	return slash == NULL ? name : span_part(name, (size_t)(slash - name.p) + 1, name.n);
}

static int
choose(const struct conf_node *list, struct span package, const char *bin, char to[ENTRY_TEXT], char why[ENTRY_WHY])
{
	const struct conf_node	*n, *first = NULL, *named = NULL;
	struct span		 want = bin != NULL ? span_of(bin) : unscoped(package);
	char			 names[ENTRY_WHY / 2] = "";
	bool			 one = true;

	for (n = list->first; n != NULL; n = n->next) {
		if (n->type != JSON_STRING)
			continue;
		name_add(names, n->key);
		if (span_eq(n->key, want))
			named = n;
		if (first != NULL && !span_eq(first->text, n->text))
			one = false;
		if (first == NULL)
			first = n;
	}
	if (first == NULL)
		return refuse(why, E_NOTFOUND, "it has no program");
	if (bin == NULL && one)
		return take_file(first->text, to, why);
	if (named != NULL)
		return take_file(named->text, to, why);
	return bin != NULL ? refuse(why, E_NOTFOUND, "it has no program %s; there are: %s", bin, names) :
	    refuse(why, E_NOTFOUND, "which of its programs is meant? -p PACKAGE and one of: %s", names);
}

int
entry_npm(const struct conf_node *manifest, const char *bin, char to[ENTRY_TEXT], char why[ENTRY_WHY])
{
	const struct conf_node	*n = conf_find(manifest, "bin"), *name = conf_find(manifest, "name");
	struct span		 package = name == NULL || name->type != JSON_STRING ? SPAN_LIT("") : name->text;

	if (n == NULL)
		return refuse(why, E_NOTFOUND, "it has no program (no \"bin\" in its package.json)");
	if (n->type == JSON_OBJECT)
		return choose(n, package, bin, to, why);
	if (n->type != JSON_STRING)
		return refuse(why, E_FORMAT, "\"bin\" in its package.json is %s", conf_type_name(n->type));
	if (bin != NULL && !span_eq(unscoped(package), span_of(bin)))
		return refuse(why, E_NOTFOUND, "it has no program %s; there is: %.*s", bin,
		    SPAN_FMT(unscoped(package)));
	return take_file(n->text, to, why);
}

/* ---- PyPI ----------------------------------------------------------------------------------------- */

/* Names differ in '-', '_', '.' and case only: the same. */
static bool
is_same(struct span a, const char *b)
{
	for (size_t i = 0; i < a.n; i++, b++) {
		char x = memchr("_.", a.p[i], 2) != NULL ? '-' : (char)tolower((unsigned char)a.p[i]);
		char y = *b == '_' || *b == '.' ? '-' : (char)tolower((unsigned char)*b);

		if (x != y)
			return false;
	}
	return *b == '\0';
}

static bool
is_program_name(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!isalnum((unsigned char)s.p[i]) && memchr("-_.+", s.p[i], 4) == NULL)
			return false;
	return s.n > 0 && s.n < 200 && s.p[0] != '.' && s.p[0] != '-';
}

int
entry_pypi(struct span text, const char *package, const char *bin, char to[ENTRY_TEXT], char why[ENTRY_WHY])
{
	char		 names[ENTRY_WHY / 2] = "";
	struct span	 line, name, found = SPAN_NONE, only = SPAN_NONE;
	const char	*equals;
	size_t		 count = 0;
	bool		 scripts = false;

	while (text.n > 0) {
		line = span_trim(span_take_line(&text));
		if (line.n == 0 || line.p[0] == '#' || line.p[0] == ';')
			continue;
		if (line.p[0] == '[') {
			scripts = span_is(line, "[console_scripts]");
			continue;
		}
		if (!scripts || (equals = memchr(line.p, '=', line.n)) == NULL)
			continue;
		name = span_trim(span_part(line, 0, (size_t)(equals - line.p)));
		if (!is_program_name(name))
			continue;
		name_add(names, name);
		count++;
		only = name;
		if (bin != NULL ? span_is(name, bin) : found.n == 0 && is_same(name, package))
			found = name;
	}
	if (found.n == 0 && bin == NULL && count == 1)
		found = only;
	if (found.n > 0) {
		snprintf(to, ENTRY_TEXT, "%.*s", SPAN_FMT(found));
		return 0;
	}
	if (count == 0)
		return refuse(why, E_NOTFOUND, "it has no program (no console_scripts)");
	return bin != NULL ? refuse(why, E_NOTFOUND, "it has no program %s; there are: %s", bin, names) :
	    refuse(why, E_NOTFOUND, "which of its programs is meant? --from PACKAGE and one of: %s", names);
}

/* ---- who runs it ---------------------------------------------------------------------------------- */

static bool
ends_with(const char *name, const char *end)
{
	size_t	n = strlen(name), k = strlen(end);

	return n > k && strcmp(name + n - k, end) == 0;
}

enum entry_runner
entry_runner(struct span head, const char *name)
{
	const char	*lf = memchr(head.p, '\n', head.n);
	struct span	 line = span_part(head, 0, lf == NULL ? head.n : (size_t)(lf - head.p));

	if (span_starts(head, SPAN_LIT("#!"))) {
		if (memmem(line.p, line.n, "node", 4) != NULL)
			return ENTRY_NODE;
		return memmem(line.p, line.n, "python", 6) != NULL ? ENTRY_PYTHON : ENTRY_OTHER;
	}
	if (ends_with(name, ".js") || ends_with(name, ".mjs") || ends_with(name, ".cjs"))
		return ENTRY_NODE;
	return ends_with(name, ".py") ? ENTRY_PYTHON : ENTRY_OTHER;
}
