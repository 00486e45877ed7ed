/* SPDX-License-Identifier: Apache-2.0
 *
 * job.h - one run of the compiler: what it was asked, what it found wrong, what it makes
 *
 * The program is short-lived: when memory ends it ends (fatal), so only what a text can be guilty of
 * is an ordinary error here.  Errors and warnings are said as they are found; after an error the
 * reading goes on, to find the next, but nothing is made.
 */
#ifndef POLICY_COMPILER_JOB_H
#define POLICY_COMPILER_JOB_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/arena.h"
#include "lib/conf.h"
#include "policy/build.h"
#include "policy/params.h"

enum note_level { NOTE_ERROR, NOTE_WARNING };

/* Where a note goes: a whole line, without line feed. */
typedef void note_fn(enum note_level level, const char *line, void *arg);
/* Opens the secret `name`: a descriptor, the caller's, or -1 with *why (borrowed). */
typedef int secret_fn(const char *name, const char **why, void *arg);
struct job;
/* A tenant was read: job->profile and job->tenant_secrets are its own, and gone afterwards.  What comes later may
 * still be wrong. */
typedef void tenant_fn(struct job *j, void *arg);

struct setting {		/* a parameter, as given */
	struct span	raw, value;	/* before and after $expansion */
	const char	*source;	/* "default", "mcpgw.conf", "environment", "-o" */
	const char	*file;		/* for messages */
	uint32_t	 line, column;
	uint8_t		 state;		/* enum expand_state */
	bool		 wrong;		/* said already: its value means nothing */
	uint64_t	 number;
};

/* What a tenant says is a client of its own, or who speaks of them: no two should. */
struct shared_name {
	struct span	 name;		/* "user:1000", "dns:ci.example", "issuer:https://idp.example" */
	const char	*file;
	uint32_t	 line, column, tenant;
};

/* A folder that a server may write. */
struct written {
	struct span	server;
	const char	*path;
};

/* A server that is being learnt: whatever public host it reaches passes, and is recorded. */
#define JOB_LEARNING_MAX	32
struct learning {
	char		tenant[32 + 1], server[64 + 1];
	uint64_t	until_ms;	/* wall clock */
	bool		met;
};

/* Certificates that upstreams' must lead to: a file that was read, and where ANCHOR has it. */
struct anchor_set {
	struct span	 path;
	const char	*why;		/* it could not be used; NULL: it can */
	bool		 absent;	/* ... because it is not there */
	uint32_t	 first, count;
	uint64_t	 digest;
};

struct source;
struct known_server {
	struct span		 name;
	uint32_t		 index;		/* into SERVER */
	const struct source	*source;
	const struct conf_node	*node;
};

/* A text being read, as messages and records name it. */
struct source {
	const char		*shown;		/* "rules.json" */
	struct conf		*conf;		/* NULL: the file is not there */
	const char		*folder;	/* it lies in, absolute */
};

struct job {
	const char	*config_dir;	/* absolute, without a slash at the end */
	int		 config_fd;
	bool		 personal;
	uid_t		 owner;		/* personal: whose gateway this is */
	uid_t		 looks_as;	/* root's check: who will look for programs; 0: whoever we are */
	const char *const *options;	/* of -o */
	size_t		 option_count;
	const char	*tenant;	/* that is being read; "default" before and behind */
	uint32_t	 tenant_index;	/* into TENANT */
	bool		 tenant_conf;	/* its tenant.conf is being read */

	note_fn		*say;
	void		*say_arg;
	secret_fn	*secret_open;
	secret_fn	*cert_open;	/* a file of certs/, by its name there */
	secret_fn	*cred_open;	/* a credential of the service manager's */
	void		*secret_arg;
	bool		 secrets_needed;	/* a secret that cannot be had is an error, not a warning */
	bool		 looks_only;	/* nobody will serve what is made: credentials and a vault are not asked */
	struct snap	*vault;		/* what came of an earlier policy's VAULT_WANT; NULL: nothing yet */

	tenant_fn	*on_tenant;		/* NULL: nobody wants to know */
	void		*on_tenant_arg;

	struct learning	 learning[JOB_LEARNING_MAX];
	size_t		 learning_count;

	uint32_t	 errors, warnings;
	struct arena	 arena;
	struct setting	 settings[PARAM_ID_LIMIT];

	struct build	*policy, *worker_secrets, *scout_secrets;
	struct build	*profile, *tenant_secrets;	/* of `tenant` */
	/* what follows is the tenant's, until job_tenant_end() */
	struct written	*written;	/* malloc'ed */
	size_t		 written_count;
	struct source	 servers_text;	/* open until servers_finish() */
	struct source	 imports_text;	/* the same */
	const struct conf_node *imports; /* its entries, by their digests; NULL: none */
	struct source	**tool_texts;	/* malloc'ed; of tools_dir, open until then too */
	size_t		 tool_text_count;
	struct known_server *servers;	/* sorted by name once all of them are read */
	size_t		 server_count;
	uint32_t	 agent_first;	/* of this tenant's in AGENT */
	const struct conf_node **agents;	/* sorted as AGENT is; while rules.json is read */
	size_t		 agent_count;
	/* and from here on the job's */
	const char	*hosts_file;	/* NULL: /etc/hosts */
	char		*hosts;		/* malloc'ed: what stands in it */
	size_t		 hosts_bytes;
	bool		 hosts_read;
	struct shared_name *shared;	/* malloc'ed */
	size_t		 shared_count;
	struct anchor_set *anchors;	/* malloc'ed */
	size_t		 anchor_count;
};

void	job_init(struct job *j);
void	job_fini(struct job *j);
/* What was kept while a tenant was read is let go of. */
void	job_tenant_end(struct job *j);
/* Reads everything and fills the builds; errors are counted in the job. */
void	job_run(struct job *j);
/* mcpgw.conf alone. */
void	job_run_params(struct job *j);

uint64_t	job_number(const struct job *j, enum param_id id);
struct span	job_value(const struct job *j, enum param_id id);
const struct known_server *job_server(const struct job *j, struct span name);
struct learning	*job_learning(struct job *j, struct span server);	/* of this tenant; NULL: it is not learnt */

/* --- saying what is wrong ----------------------------------------------------------------------- */

/* "file:line:column: error: path: text"; line 0: no position, path NULL: none. */
void	job_note(struct job *j, enum note_level level, const char *file, uint32_t line, uint32_t column,
	    const char *path, const char *fmt, ...) __attribute__((format(printf, 7, 8)));
/* At a node's value, with its path. */
void	job_error(struct job *j, const struct source *s, const struct conf_node *n, const char *fmt, ...)
	    __attribute__((format(printf, 4, 5)));
void	job_warn(struct job *j, const struct source *s, const struct conf_node *n, const char *fmt, ...)
	    __attribute__((format(printf, 4, 5)));
/* At a member's name. */
void	job_error_key(struct job *j, const struct source *s, const struct conf_node *n, const char *fmt, ...)
	    __attribute__((format(printf, 4, 5)));

/* At most 80 bytes of a value, for "%.*s" in a message. */
#define SHOWN(s) (int)((s).n > 80 ? 80 : (s).n), (s).p == NULL ? "" : (s).p

/* --- memory and records: fatal when there is no room --------------------------------------------- */

void		*job_alloc(struct job *j, size_t bytes);	/* cleared; lives as long as the job */
struct span	 job_dup(struct job *j, struct span s);		/* with a NUL behind it */
char		*job_fmt(struct job *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct span	 job_path(struct job *j, const struct conf_node *n);
struct stext	 put_text(struct build *b, struct span s);
uint32_t	 put_record(struct build *b, enum snap_section section, const void *record);

/* shared.c: what is noted here, and what is said when all tenants are read. */
void	shared_note(struct job *j, const struct source *s, const struct conf_node *n, struct span name);
void	shared_check(struct job *j);

/* A growing array of pointers or small structs in malloc'ed memory. */
void		*list_more(void *items, size_t count, size_t item_bytes);

#endif
