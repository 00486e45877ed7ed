/* SPDX-License-Identifier: Apache-2.0
 *
 * doctor.h - what may be wrong on this machine, and how to mend it
 */
#ifndef CTL_DOCTOR_DOCTOR_H
#define CTL_DOCTOR_DOCTOR_H

#include "ctl/ctl.h"
#include "lib/conf.h"
#include "policy/params.h"

enum doctor_verdict { DOCTOR_OK, DOCTOR_NOTE, DOCTOR_BAD };

struct doctor_finding {
	enum doctor_verdict	verdict;
	char			says[512];	/* what is so; for NOTE and BAD then what to do */
};

/* What a check may look at. */
struct doctor {
	struct ctl		*ctl;
	const struct params	*params;	/* NULL: mcpgw.conf cannot be used */
	bool			 running;	/* a gateway answers */
	bool			 barred;	/* one is there, and does not answer us */
	bool			 outsider;	/* the system's configuration is looked at by somebody else than root */
	struct conf		*servers;	/* servers_file as it is now, or NULL: none, or it cannot be read */
};

/* Looks, changes nothing, waits for nothing that may be slow. */
typedef void doctor_fn(const struct doctor *d, struct doctor_finding *f);

/* Sets all of a finding. */
void	doctor_say(struct doctor_finding *f, enum doctor_verdict v, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));

/* The machine (doctor_machine.c) */
doctor_fn	doctor_kernel, doctor_jail, doctor_namespaces, doctor_descriptors, doctor_log, doctor_runtimes;
/* What of the kernel holds jails, and the clock (doctor_layers.c) */
doctor_fn	doctor_layers, doctor_clock;
/* Files of the configuration (doctor_files.c) */
doctor_fn	doctor_files, doctor_certificates;
/* Servers that are configured, and who else starts them (doctor_servers.c) */
doctor_fn	doctor_programs, doctor_clients;
/* The gateway's own (doctor_gateway.c) */
doctor_fn	doctor_configuration, doctor_gateway, doctor_listeners, doctor_disk, doctor_users, doctor_secrets,
		doctor_issuers;

#endif
