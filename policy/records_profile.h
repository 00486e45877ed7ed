/* SPDX-License-Identifier: Apache-2.0
 *
 * records_profile.h - records of profiles: what a tenant's spawner and runner need to start its tools
 *
 * Included by records.h alone.
 */
#ifndef POLICY_RECORDS_PROFILE_H
#define POLICY_RECORDS_PROFILE_H

#include "policy/snap.h"

struct rec_profile {
	struct stext	server;
	struct stext	program;	/* the file to execute, as seen inside the jail */
	struct stext	workdir;	/* inside the jail */
	struct stext	file, path;	/* where it is configured */
	uint64_t	hash;		/* sum64 over all that decides how it runs, values of secrets excepted */
	uint32_t	tier, net, isolation, flags;
	uint32_t	arg_first, arg_count, env_first, env_count;
	uint32_t	bind_first, bind_count, rlimit_first, rlimit_count;
	uint32_t	filter;		/* index into FILTER + 1; 0 = none (tier off) */
	uint32_t	era;
	uint32_t	start_timeout_ms, idle_ms;
	uint32_t	max_instances;
	uint32_t	tmp_bytes;
	uint32_t	stop_ms;	/* grace between stdin's end, TERM and KILL */
	uint32_t	runner_kib;	/* runner_memory; the same in all of a tenant's */
	uint32_t	reach_first, reach_count;	/* net = list */
	uint32_t	tool_first, tool_count;	/* SERVER_FLAG_NATIVE: then `program` and arguments are the tools' */
	int32_t		landlock_abi_max;	/* as jail_spec has it; the same in all of a tenant's */
	uint32_t	written;	/* bits of enum limit_written */
	uint64_t	memory_bytes;	/* with a cgroup; so are the next two */
	uint64_t	state_bytes;	/* 0: no bound, or for a home in memory: as /tmp */
	uint64_t	tenant_bytes;	/* 0: no bound; the same in all of a tenant's */
	uint32_t	pids, cpu_milli;	/* processes and threads; thousandths of a processor, 0 no limit */
};

struct rec_arg {
	struct stext	text;
};

struct rec_env {
	struct stext	name, value;
	struct stext	secret;		/* not empty: value = this server's entry `name` in SECRET */
};

enum bind_flags { BIND_WRITABLE = 1, BIND_EXEC = 2, BIND_OPTIONAL = 4, BIND_STATE = 8 };
struct rec_bind {
	struct stext	source;		/* on the host; BIND_STATE: the instance's state folder */
	struct stext	target;		/* in the jail */
	uint32_t	flags, spare;
};

struct rec_reach {		/* policy/reach.h */
	struct stext	host;		/* in canonical form; without the "*." of a wildcard */
	struct stext	path;		/* where it stands: mcpServers.docs.net[0] */
	uint32_t	kind, port;	/* enum reach_kind */
	uint16_t	family;		/* of REACH_ADDRESS, and of REACH_NAME where net_hosts names it, else 0 */
	uint16_t	to_port;	/* by net_hosts; 0: the one that is asked for */
	uint16_t	spare[2];
	uint8_t		bytes[16];
};

struct rec_rlimit {
	uint32_t	resource, spare;	/* RLIMIT_* */
	uint64_t	value;
};

struct rec_filter {
	struct stext	name;		/* "runtime/none" */
	uint64_t	first, count;	/* into BPF */
	uint32_t	listener, spare;	/* 1: load with SECCOMP_FILTER_FLAG_NEW_LISTENER */
};

struct rec_bpf {		/* struct sock_filter */
	uint16_t	code;
	uint8_t		jt, jf;
	uint32_t	k;
};

/* A program as a tool (policy/slots.h, policy/words.h). */
enum tool_output { OUTPUT_TEXT, OUTPUT_JSON, OUTPUT_STRUCTURED };
struct rec_tool {
	struct stext	name;
	struct stext	program, argv0;	/* the file to execute, as seen inside the jail */
	struct stext	definition;	/* what tools/list says of it: one JSON object */
	uint64_t	ok_status[4];	/* exit statuses that are no error: bits */
	uint32_t	word_first, word_count, slot_first, slot_count;
	uint32_t	input;		/* index into WORD + 1: what its stdin gets; 0 nothing */
	uint32_t	output;		/* enum tool_output */
	uint32_t	max_output, timeout_ms;	/* timeout 0: as long as the call may take */
};

enum slot_type { SLOT_STRING, SLOT_INTEGER, SLOT_NUMBER, SLOT_BOOLEAN, SLOT_CHOICE, SLOT_PATH, SLOT_JSON };
enum slot_class { SLOT_WORD, SLOT_NAME, SLOT_LINE, SLOT_TEXT };	/* bytes a SLOT_STRING may have */
enum slot_flags {
	SLOT_FLAG_REQUIRED = 1,
	SLOT_FLAG_DEFAULT = 2,		/* `fallback` is its value when none is given */
	SLOT_FLAG_ARRAY = 4,
	SLOT_FLAG_DASH = 8,		/* may begin a word with "-" */
	SLOT_FLAG_MAY_CREATE = 16,	/* SLOT_PATH: its last part need not be there */
	SLOT_FLAG_ARGS = 32,		/* stands in a word of the arguments */
	SLOT_FLAG_INPUT = 64,		/* stands in what stdin gets */
};
struct rec_slot {
	struct stext	name, fallback;
	int64_t		min, max;	/* SLOT_INTEGER; SLOT_NUMBER: the bits of a double */
	uint32_t	type, slot_class, flags;
	uint32_t	min_length, max_length;	/* bytes of one value */
	uint32_t	max_items;	/* 1 unless it is an array */
	uint32_t	choice_first, choice_count;
};

enum word_flags {
	WORD_FLAG_SPREAD = 1,		/* one array slot alone: as many words as it has values */
	WORD_FLAG_SWITCH = 2,		/* one boolean slot alone in a group: no word, but on or off for it */
	WORD_FLAG_AFTER_DASHES = 4,	/* behind a literal "--": values may begin with "-" */
};
struct rec_word {
	uint32_t	part_first, part_count;
	uint32_t	group;		/* words of one number other than 0 come or stay away together */
	uint32_t	flags;		/* enum word_flags */
};

struct rec_part {
	struct stext	text;		/* literal, when slot is 0 */
	uint32_t	slot, spare;	/* among the tool's, + 1 */
};

struct rec_choice {
	struct stext	text;
};

#endif
