/* SPDX-License-Identifier: Apache-2.0
 *
 * listens.c - the entries of the parameter listen
 *
 * Process: whoever has the parameters.  Owns: nothing.
 * Trusts:  nobody: what means nothing is said to.
 */
#include "policy/listens.h"

static struct span
word_take(struct span *from)
{
	struct span	word;
	size_t		n = 0;

	*from = span_trim(*from);
	while (n < from->n && from->p[n] != ' ' && from->p[n] != '\t')
		n++;
	word = span_part(*from, 0, n);
	*from = span_part(*from, n, from->n);
	return word;
}

bool
listens_next(struct span *list, struct listens_entry *out)
{
	struct span	entry, word;
	size_t		n = 0;

	*out = (struct listens_entry){ 0 };
	if (span_trim(*list).n == 0)
		return false;
	while (n < list->n && list->p[n] != ',')
		n++;
	entry = span_part(*list, 0, n);
	*list = span_part(*list, n + 1, list->n);
	out->address = word_take(&entry);
	while ((word = word_take(&entry)).n > 0 && out->wrong.n == 0) {
		if (span_is(word, "tls"))
			out->tls = true;
		else if (out->tls && span_is(word, "client=optional"))
			out->client = LISTENS_CLIENT_OPTIONAL;
		else if (out->tls && span_is(word, "client=required"))
			out->client = LISTENS_CLIENT_REQUIRED;
		else
			out->wrong = word;
	}
	return true;
}

bool
listens_best(struct span list, struct listens_entry *out)
{
	struct listens_entry	e;
	bool			found = false;

	while (listens_next(&list, &e))
		if (!found || (e.tls && !out->tls)) {
			*out = e;
			found = true;
		}
	return found;
}
