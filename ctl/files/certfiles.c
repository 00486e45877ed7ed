/* SPDX-License-Identifier: Apache-2.0
 *
 * certfiles.c - the files of certs/ below the configuration folder, as they are now
 *
 * Process: mcpgwctl.  Owns: nothing beyond a call.  Trusts: nothing in them; keys are not looked at.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/files/certfiles.h"
#include "ctl/folders.h"
#include "ctl/out.h"
#include "lib/fd.h"
#include "lib/secretfile.h"

#define FILE_MAX	(1024 * 1024)
#define DAY_MS		(UINT64_C(24) * 3600 * 1000)

struct walk {
	struct certfile	 c;
	certfile_fn	*fn;
	void		*arg;
};

static void
add_names(struct certfile *c, struct span der)
{
	struct cert_names	*names;
	struct cert_san		 san;
	size_t			 at = 0;

	c->names[0] = '\0';
	if (cert_names_new(der, &names) != 0)
		return;
	for (size_t i = 0; cert_names_at(names, i, &san) && at < sizeof(c->names); i++)
		at += (size_t)snprintf(c->names + at, sizeof(c->names) - at, "%s%.*s", i > 0 ? " " : "",
		    SPAN_FMT(san.text));
	cert_names_free(&names);
}

static int
on_cert(struct span der, uint32_t subject, void *arg)
{
	struct walk	*w = arg;

	(void)subject;
	if (cert_read(der, &w->c.cert) != 0)
		return E_FORMAT;
	add_names(&w->c, der);
	w->fn(&w->c, w->arg);
	return w->c.use == CERTFILE_OWN ? E_EOF : 0;	/* what follows leads to its issuer */
}

static int
on_list(struct span der, uint64_t next_ms, void *arg)
{
	struct walk	*w = arg;

	(void)der;
	w->c.cert = (struct cert){ .ends_ms = next_ms };
	w->fn(&w->c, w->arg);
	return 0;
}

static void
look(struct ctl *ctl, struct walk *w, enum certfile_use use, struct span name)
{
	const char	*why = NULL;
	char		*text = NULL;
	size_t		 bytes;
	int		 fd, r;

	w->c = (struct certfile){ .use = use };
	snprintf(w->c.file, sizeof(w->c.file), "%.*s.%s", SPAN_FMT(span_part(name, 0, 70)),
	    use == CERTFILE_LIST ? "crl" : "crt");
	if (certfile_open(folders_config(ctl), span_of(w->c.file), &fd, &why) == 0) {
		why = "cannot be read";
		if (fd_read_all(fd, FILE_MAX, &text, &bytes) == 0) {
			why = NULL;
			r = use == CERTFILE_LIST ? crl_each(span_make(text, bytes), on_list, w, &why) :
			    cert_each(span_make(text, bytes), on_cert, w, &why);
			why = r == 0 || r == E_EOF ? NULL : why != NULL ? why : err_text(r);
		}
		free(text);
		fd_close(&fd);
	}
	if (why != NULL) {
		w->c.why = why;
		w->fn(&w->c, w->arg);
	}
}

void
certfiles_each(struct ctl *ctl, const struct params *p, certfile_fn *fn, void *arg)
{
	struct walk	w = { .fn = fn, .arg = arg };
	struct span	list = p->tls_certificates, word;
	size_t		n;

	for (;;) {
		list = span_trim(list);
		for (n = 0; n < list.n && list.p[n] != ' ' && list.p[n] != '\t'; n++)
			;
		if ((word = span_part(list, 0, n)).n == 0)
			break;
		list = span_part(list, n, list.n);
		look(ctl, &w, CERTFILE_OWN, word);
	}
	if (p->tls_client_ca.n > 0)
		look(ctl, &w, CERTFILE_AUTHORITY, p->tls_client_ca);
	if (p->tls_client_crl.n > 0)
		look(ctl, &w, CERTFILE_LIST, p->tls_client_crl);
}

const char *
certfile_left(uint64_t ends_ms, char *to, size_t room)
{
	const uint64_t	now = out_now_ms();

	if (ends_ms == 0)
		snprintf(to, room, "-");
	else if (ends_ms <= now)
		snprintf(to, room, "over");
	else
		snprintf(to, room, "%llu", (unsigned long long)((ends_ms - now) / DAY_MS));
	return to;
}
