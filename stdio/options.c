/* SPDX-License-Identifier: Apache-2.0
 *
 * options.c - the command line of mcpgw-stdio
 *
 * Process: mcpgw-stdio.  Owns: nothing.
 * Trusts:  whoever wrote the client's configuration.
 */
#include <stdio.h>

#include "lib/percent.h"
#include "stdio/options.h"

static int __attribute__((format(printf, 2, 3)))
refuse(const char **why, const char *fmt, ...)
{
	static char	text[256];
	va_list		ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	*why = text;
	return E_FORMAT;
}

/* "--name VALUE" or "--name=VALUE": 1 and the value, 0 when it is another option, or an error. */
static int
take_value(const char *name, int argc, char **argv, int *at, const char **value, const char **why)
{
	size_t	n = strlen(name);

	if (strncmp(argv[*at], name, n) != 0)
		return 0;
	if (argv[*at][n] == '=') {
		*value = argv[*at] + n + 1;
	} else if (argv[*at][n] != '\0') {
		return 0;
	} else if (++*at == argc) {
		return refuse(why, "%s needs a value", name);
	} else {
		*value = argv[*at];
	}
	return **value == '\0' ? refuse(why, "%s needs a value", name) : 1;
}

int
options_take(struct options *o, int argc, char **argv, const char **why)
{
	const struct { const char *name; const char **value; } rows[] = {
		{ "-c", &o->config_dir }, { "--socket", &o->socket }, { "--server", &o->server },
		{ "--view", &o->view },
	};
	int	r;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--system") == 0 || strcmp(argv[i], "--user") == 0) {
			o->system = argv[i][2] == 's';
			o->placed = true;
			continue;
		}
		if (strcmp(argv[i], "--debug") == 0 || strcmp(argv[i], "--init") == 0) {
			*(argv[i][2] == 'd' ? &o->debug : &o->init) = true;
			continue;
		}
		if (strcmp(argv[i], "--version") == 0 || strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-h") == 0) {
			*(argv[i][2] == 'v' ? &o->version : &o->help) = true;
			continue;
		}
		r = 0;
		for (size_t n = 0; n < sizeof(rows) / sizeof(rows[0]) && r == 0; n++)
			r = take_value(rows[n].name, argc, argv, &i, rows[n].value, why);
		if (r < 0)
			return r;
		if (r == 0)
			return refuse(why, "unknown option \"%.80s\"", argv[i]);
	}
	if (o->server != NULL && o->view != NULL)
		return refuse(why, "--server and --view exclude each other");
	if (o->view != NULL && strcmp(o->view, "discovery") != 0 && strcmp(o->view, "catalog") != 0)
		return refuse(why, "--view is discovery or catalog, not \"%.80s\"", o->view);
	return 0;
}

int
options_target(const struct options *o, struct buf *to)
{
	int	r;

	if (o->server == NULL)
		return buf_put_fmt(to, "/mcp%s%s", o->view == NULL ? "" : "/", o->view == NULL ? "" : o->view);
	if ((r = buf_put_str(to, "/servers/")) != 0 || (r = percent_put(to, span_of(o->server))) != 0)
		return r;
	return buf_put_str(to, "/mcp");
}
