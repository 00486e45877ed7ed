/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_doctor.c - looks the machine over, and says how to mend what it finds
 *
 * Process: mcpgwctl.  Owns: nothing.  Trusts: nothing; it only looks.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/ask.h"
#include "ctl/doctor/doctor.h"
#include "ctl/files/settings.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "lib/fd.h"

static const struct {
	const char	*name;
	doctor_fn	*look;
} checks[] = {
	{ "configuration", doctor_configuration },
	{ "files", doctor_files },
	{ "certificates", doctor_certificates },
	{ "gateway", doctor_gateway },
	{ "listeners", doctor_listeners },
	{ "kernel", doctor_kernel },
	{ "layers", doctor_layers },
	{ "jail", doctor_jail },
	{ "namespaces", doctor_namespaces },
	{ "descriptors", doctor_descriptors },
	{ "disk", doctor_disk },
	{ "clock", doctor_clock },
	{ "log", doctor_log },
	{ "users", doctor_users },
	{ "secrets", doctor_secrets },
	{ "issuers", doctor_issuers },
	{ "runtimes", doctor_runtimes },
	{ "programs", doctor_programs },
	{ "clients", doctor_clients },
};

static const char *const words[] = { [DOCTOR_OK] = "ok", [DOCTOR_NOTE] = "note", [DOCTOR_BAD] = "BAD" };

void
doctor_say(struct doctor_finding *f, enum doctor_verdict v, const char *fmt, ...)
{
	va_list	ap;

	f->verdict = v;
	va_start(ap, fmt);
	vsnprintf(f->says, sizeof(f->says), fmt, ap);
	va_end(ap);
}

static void
print_one(const struct ctl *ctl, const char *name, const struct doctor_finding *f)
{
	if (ctl->json) {
		out_json_begin();
		out_json_text("check", span_of(name));
		out_json_text("verdict", span_of(f->verdict == DOCTOR_BAD ? "bad" : words[f->verdict]));
		out_json_text("says", span_of(f->says));
		out_json_end();
		return;
	}
	printf("%-4s  %-13s  %s\n", words[f->verdict], name, f->says);
	fflush(stdout);		/* some take a moment */
}

/* What is wrong in it is for the check of the configuration. */
static void
servers_read(struct doctor *d)
{
	char			 path[PATH_MAX], *text;
	struct conf_error	 error;
	size_t			 bytes;
	int			 fd;

	if (d->params == NULL || d->params->servers_file.n == 0)
		return;
	snprintf(path, sizeof(path), "%.*s", SPAN_FMT(d->params->servers_file));
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1)
		return;
	if (fd_read_all(fd, CONF_MAX_BYTES, &text, &bytes) == 0) {
		(void)!conf_new(span_make(text, bytes), &d->servers, &error);
		free(text);
	}
	fd_close(&fd);
}

int
cmd_doctor(struct ctl *ctl, int argc, char **argv)
{
	static const struct opt	 none[] = { { NULL, NULL, NULL } };
	struct doctor		 d = { .ctl = ctl };
	struct snap		*settings = NULL;
	struct params		 params;
	struct ask		 a;
	unsigned		 bad = 0, notes = 0;
	int			 r;

	(void)opts_take(none, argc, argv, 0, 0);
	if (settings_read(ctl, false, &settings) && params_load(settings, &params) == 0)
		d.params = &params;
	servers_read(&d);
	r = ask_open(ctl, &a, false);
	d.running = r == 0;
	d.barred = r == EX_NOPERM;
	d.outsider = ctl->where.system && geteuid() != 0;
	ask_close(&a);
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		struct doctor_finding	f = { DOCTOR_OK, "" };

		checks[i].look(&d, &f);
		print_one(ctl, checks[i].name, &f);
		bad += f.verdict == DOCTOR_BAD;
		notes += f.verdict == DOCTOR_NOTE;
	}
	snap_release(&settings);
	conf_free(&d.servers);
	if (!ctl->json && bad + notes == 0)
		printf("Nothing to mend.\n");
	return out_end(bad > 0 ? 1 : 0);
}
