/* SPDX-License-Identifier: Apache-2.0
 *
 * imported.c - what import made of an entry, in the place of an entry that only fetches (imports_file)
 *
 * Process: mcpgw-compile.  Owns: the open text until the job is done.
 * Trusts:  the file as it trusts servers.json: it is what import wrote there for the very same entry.
 *
 * A client's file says `npx -y PACKAGE`, and a jail has no network: what runs is the package that was fetched once and
 * shown then.  Entries are found by the digest of all that they say, so one that was changed since is not taken for
 * what it was.
 */
#include "lib/crypt.h"
#include "lib/num.h"
#include "policy/compiler/files.h"
#include "policy/compiler/program.h"
#include "policy/compiler/server.h"
#include "policy/compiler/typed.h"

void
imported_open(struct job *j)
{
	static const char *const keys[] = { "imports", NULL };
	const struct span	 path = job_value(j, PARAM_ID_imports_file);
	struct source		*text = &j->imports_text;
	const struct conf_node	*list;

	if (path.n == 0 || !source_open(j, path.p, text) || text->conf == NULL)
		return;
	if (!typed_is(j, text, conf_top(text->conf), JSON_OBJECT))
		return;
	typed_keys(j, text, conf_top(text->conf), keys);
	if ((list = conf_find(conf_top(text->conf), "imports")) != NULL && typed_is(j, text, list, JSON_OBJECT))
		j->imports = list;
}

void
imported_close(struct job *j)
{
	j->imports = NULL;
	source_close(&j->imports_text);
}

/* The digest of the entry, as import writes it. */
static bool
sum_entry(const struct conf_node *n, char hex[CRYPT_SHA256_BYTES * 2 + 1])
{
	struct crypt_digest	d;
	struct buf		text;
	int			r;

	buf_init(&text, CONF_MAX_BYTES);
	if ((r = conf_put_json(n, &text)) == 0 && (r = crypt_sha256(buf_rest(&text), &d)) == 0)
		num_hex(d.bytes, sizeof(d.bytes), hex);
	buf_fini(&text);
	return r == 0;
}

void
imported_take(struct server *sv)
{
	const struct conf_node	*command = conf_find(sv->node, "command"), *written;
	char			 hex[CRYPT_SHA256_BYTES * 2 + 1];

	if (sv->job->imports == NULL || command == NULL || command->type != JSON_STRING ||
	    !program_only_fetches(job_dup(sv->job, command->text).p) || !sum_entry(sv->node, hex))
		return;
	if ((written = conf_find(sv->job->imports, hex)) == NULL ||
	    !typed_is(sv->job, &sv->job->imports_text, written, JSON_OBJECT))
		return;
	sv->node = written;
	sv->source = &sv->job->imports_text;
}
