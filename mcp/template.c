/* SPDX-License-Identifier: Apache-2.0
 *
 * template.c - could this URI be an expansion of that template
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  neither: the template is an upstream's, the URI a client's.  Instead of backtracking it keeps
 *          the set of places that can be reached, so the time is parts times characters, and counted.
 */
#include "mcp/template.h"

struct places {
	uint8_t	at[TEMPLATE_URI_MAX + 1];	/* 1: the template so far can end here */
};

enum takes { TAKES_SEGMENT, TAKES_QUERY, TAKES_ALL };

static bool
stops(enum takes takes, char c)
{
	switch (takes) {
	case TAKES_SEGMENT:
		return c == '/' || c == '?' || c == '#';
	case TAKES_QUERY:
		return c == '#';
	case TAKES_ALL:
	default:
		return false;
	}
}

static void
step_literal(struct places *p, struct span text, struct span uri)
{
	for (size_t i = uri.n + 1; i-- > 0;)
		p->at[i] = i >= text.n && p->at[i - text.n] &&
		    span_starts(span_part(uri, i - text.n, text.n), text);
}

/* An expression: `sign` first if there is one, then one character or more; or nothing, if `may_lack`. */
static void
step_expression(struct places *p, char sign, enum takes takes, bool may_lack, struct span uri)
{
	bool	run = false, begins, before = p->at[0];

	if (!may_lack)
		p->at[0] = 0;
	for (size_t i = 1; i <= uri.n; i++) {
		bool	here = p->at[i];
		char	c = uri.p[i - 1];

		/* `before` says whether the expression may begin with c. */
		if (sign != '\0') {
			begins = false;
			run = (run && !stops(takes, c)) || (before && c == sign);
		} else {
			begins = before;
			run = (run || begins) && !stops(takes, c);
		}
		p->at[i] = run || (may_lack && here);
		before = here;
	}
}

static void
step_braces(struct places *p, struct span name, struct span uri)
{
	char		sign = name.n > 0 ? name.p[0] : '\0';
	bool		all = name.n > 0 && name.p[name.n - 1] == '*';
	enum takes	takes = all ? TAKES_ALL : TAKES_SEGMENT;

	switch (sign) {
	case '+':
		step_expression(p, '\0', TAKES_ALL, false, uri);
		return;
	case '#':
		step_expression(p, '#', TAKES_ALL, true, uri);
		return;
	case '?':
	case '&':
		step_expression(p, sign, TAKES_QUERY, true, uri);
		return;
	case '/':
	case '.':
	case ';':
		step_expression(p, sign, takes, true, uri);
		return;
	default:
		step_expression(p, '\0', takes, false, uri);
		return;
	}
}

bool
mcp_template_matches(struct span t, struct span uri, uint32_t *steps)
{
	struct places	p;
	const char	*open, *end;

	if (uri.n == 0 || uri.n > TEMPLATE_URI_MAX || t.n == 0)
		return false;
	memset(p.at, 0, uri.n + 1);
	p.at[0] = 1;
	while (t.n > 0) {
		if (*steps <= uri.n) {
			*steps = 0;
			return false;
		}
		*steps -= (uint32_t)uri.n;
		if (t.p[0] == '{') {
			if ((end = memchr(t.p, '}', t.n)) == NULL)
				return false;
			step_braces(&p, span_make(t.p + 1, (size_t)(end - t.p) - 1), uri);
			t = span_part(t, (size_t)(end - t.p) + 1, t.n);
			continue;
		}
		open = memchr(t.p, '{', t.n);
		end = open == NULL ? t.p + t.n : open;
		step_literal(&p, span_make(t.p, (size_t)(end - t.p)), uri);
		if (memchr(p.at, 1, uri.n + 1) == NULL)
			return false;	/* the first part decides most cases */
		t = span_part(t, (size_t)(end - t.p), t.n);
	}
	return p.at[uri.n] != 0;
}
