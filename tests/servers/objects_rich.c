/* SPDX-License-Identifier: Apache-2.0
 *
 * objects_rich.c - tools, prompts, resources and templates with all that an honest server may say of them
 *
 * Tools: `echo` answers with its arguments, `size` with `n` times an x, `same` with the server's name.  Every
 * server has the same names and the same shared URIs; the rest bears the server's name.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/servers/objects.h"

#define ICONS	"\"icons\":[{\"src\":\"data:image/png;base64,AAAA\",\"mimeType\":\"image/png\",\"sizes\":[\"48x48\"]}]"
#define WORDS	"\"description\":\"Says \\\"it\\\" again,\\nin \\u00fcber 2 lines \\ud83d\\ude00 <\\/b> \xc3\xa4\""
#define META	"\"_meta\":{\"vendor.example/x\":[1,2.50,null,-0,{\"name\":\"same\",\"uri\":\"shared://1\"}]}"
#define OTHER	"\"x-unknown\":{\"deep\":[[[]],{},\"\"],\"big\":9007199254740993}"
#define SCHEMA	"{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"type\":\"object\",\"properties\":{"	\
	"\"blob\":{\"type\":\"string\",\"maxLength\":9007199254740993},\"name\":{\"type\":\"number\",\"default\":1.50e+1},"	\
	"\"p\":{\"$ref\":\"#/$defs/x\"}},\"additionalProperties\":true,\"$defs\":{\"x\":{\"anyOf\":[{\"type\":\"null\"},"	\
	"{\"enum\":[\"a\",2,false]}]}}}"

static void
tool(FILE *out, const char *name, const char *of, const char *more)
{
	fprintf(out, "{\"name\":\"%s\",\"title\":\"%s of %s\"," WORDS ",\"inputSchema\":" SCHEMA "," ICONS "," META "%s}", name,
	    name, of, more);
}

static void
tools(FILE *out, const char *of)
{
	char	own[80];

	fprintf(out, "\"tools\":[");
	tool(out, "echo", of, ",\"outputSchema\":{\"type\":\"object\"},\"annotations\":{\"readOnlyHint\":true,\"title\":\"t\"}");
	fprintf(out, ",");
	tool(out, "size", of, "," OTHER);
	fprintf(out, ",");
	tool(out, "same", of, "");
	fprintf(out, ",");
	snprintf(own, sizeof(own), "of-%s", of);
	tool(out, own, of, ",\"annotations\":{}");
	fprintf(out, "]");
}

static void
prompts(FILE *out, const char *of)
{
	fprintf(out, "\"prompts\":[{\"name\":\"same\",\"title\":\"T\"," WORDS ",\"arguments\":[{\"name\":\"who\",\"title\":\"W\","
	    "\"required\":true},{\"name\":\"n\"," WORDS "}]," ICONS "," META "," OTHER "},{\"name\":\"of-%s\"}]", of);
}

static void
resources(FILE *out, const char *of)
{
	fprintf(out, "\"resources\":[{\"name\":\"shared\",\"uri\":\"shared://1\",\"title\":\"of %s\"},{\"uri\":\"%s://own?q=%%20#f\","
	    "\"name\":\"own\",\"mimeType\":\"text/x\",\"size\":9007199254740993,\"annotations\":{\"audience\":[\"user\"],"
	    "\"priority\":0.10,\"lastModified\":\"2026-01-01T00:00:00Z\"}," WORDS "," ICONS "," META "," OTHER "}]", of, of);
}

static void
templates(FILE *out, const char *of)
{
	fprintf(out, "\"resourceTemplates\":[{\"name\":\"shared\",\"uriTemplate\":\"shared://{id}\",\"title\":\"of %s\"},"
	    "{\"name\":\"own\",\"uriTemplate\":\"%s://{+path}{?a,b*}\",\"mimeType\":\"text/x\"," WORDS "," META "," OTHER "}]", of,
	    of);
}

static void
call(FILE *out, const char *of, struct json_value params)
{
	struct json_value	name = json_get(params, "name"), arguments = json_get(params, "arguments");
	long			n;

	if (json_is(name, "echo")) {
		fprintf(out, "\"content\":[{\"type\":\"text\",\"text\":\"%s says \\u00e9\",\"annotations\":{\"priority\":1.0}}],"
		    "\"structuredContent\":%.*s,\"isError\":false," OTHER, of, SPAN_FMT(arguments.raw));
	} else if (json_is(name, "size")) {
		fprintf(out, "\"content\":[{\"type\":\"text\",\"text\":\"");
		for (n = strtol(json_get(arguments, "n").raw.p, NULL, 10); n > 0; n--)
			fputc('x', out);
		fprintf(out, "\"}]");
	} else {
		fprintf(out, "\"content\":[{\"type\":\"text\",\"text\":\"%s\"}]", of);
	}
}

bool
rich_answer(FILE *out, const char *name, bool modern, struct json_value method, struct json_value params)
{
	static const struct {
		const char	*method;
		void		(*put)(FILE *, const char *);
	} lists[] = {
		{ "tools/list", tools }, { "prompts/list", prompts }, { "resources/list", resources },
		{ "resources/templates/list", templates },
	};
	size_t	i = 0;

	while (i < 4 && !json_is(method, lists[i].method))
		i++;
	if (i == 4 && !json_is(method, "tools/call"))
		return false;
	fprintf(out, "\"result\":{%s", modern ? "\"resultType\":\"complete\"," : "");
	if (i == 4)
		call(out, name, params);
	else
		lists[i].put(out, name);
	fprintf(out, "%s}}\n", modern && i < 4 ? ",\"ttlMs\":1000,\"cacheScope\":\"public\"" : "");
	return true;
}
