/* SPDX-License-Identifier: Apache-2.0
 *
 * filter.c - the tools' system call filters, compiled by libseccomp from tables/syscalls.def
 *
 * Process: mcpgw-compile; the only user of libseccomp.
 * Owns:    the program, until filter_fini().
 * Trusts:  the table and the rules below; tier and net come from a checked configuration.
 *
 * Default ENOSYS; another architecture's or x32's calls kill; calls sorted into a binary tree.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "lib/bug.h"
#include "lib/fd.h"
#include "policy/compiler/filter.h"
#include "sandbox/seccomp.h"

_Static_assert(sizeof(struct rec_bpf) == sizeof(struct sock_filter), "a snapshot holds instructions as they are");

#define API_LEVEL	5	/* of libseccomp: notification; every kernel we run on has it */
#define TREE		2	/* SCMP_FLTATR_CTL_OPTIMIZE: binary tree */
#define TYPE_MASK	0xf	/* of socket types, without SOCK_NONBLOCK and SOCK_CLOEXEC */
#define TYPES		16
#define NAMESPACES	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
	CLONE_NEWPID | CLONE_NEWNET)

struct making {
	scmp_filter_ctx	 ctx;
	enum jail_tier	 tier;
	enum jail_net	 net;
	bool		 listener;
	int		 error;		/* the first one; negative errno */
};

static void
rule(struct making *m, uint32_t action, int nr, unsigned count, const struct scmp_arg_cmp *args)
{
	if (m->error == 0)
		m->error = seccomp_rule_add_array(m->ctx, action, nr, count, args);
}

static void
allow_if(struct making *m, int nr, struct scmp_arg_cmp arg)
{
	rule(m, SCMP_ACT_ALLOW, nr, 1, &arg);
}

static void
allow_each(struct making *m, int nr, unsigned arg, const uint64_t *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		allow_if(m, nr, SCMP_CMP64(arg, SCMP_CMP_EQ, values[i]));
}
#define ALLOW_EACH(m, nr, arg, ...) do {						\
		static const uint64_t values_[] = { __VA_ARGS__ };			\
		allow_each((m), (nr), (arg), values_, sizeof(values_) / sizeof(values_[0]));	\
	} while (0)

/* ---- calls whose arguments decide (J5) ----------------------------------------------------------- */

/* Tier strict has no way to new code: memory is never writable and executable, nor made executable. */
static void
mmap_rule(struct making *m, int nr)
{
	if (m->tier != TIER_STRICT) {
		rule(m, SCMP_ACT_ALLOW, nr, 0, NULL);
		return;
	}
	allow_if(m, nr, SCMP_CMP64(2, SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, 0));
	allow_if(m, nr, SCMP_CMP64(2, SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, PROT_WRITE));
	allow_if(m, nr, SCMP_CMP64(2, SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, PROT_EXEC));
}

static void
mprotect_rule(struct making *m, int nr)
{
	if (m->tier != TIER_STRICT)
		rule(m, SCMP_ACT_ALLOW, nr, 0, NULL);
	else
		allow_if(m, nr, SCMP_CMP64(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

static void
fcntl_rule(struct making *m, int nr)
{
	ALLOW_EACH(m, nr, 1, F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK,
	    F_SETLK, F_SETLKW, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW, F_GETOWN, F_SETPIPE_SZ,
	    F_GETPIPE_SZ, F_ADD_SEALS, F_GET_SEALS);
}

static void
ioctl_rule(struct making *m, int nr)
{
	ALLOW_EACH(m, nr, 1, TCGETS, 0x802c542aul /* TCGETS2 */, TIOCGWINSZ, TIOCGPGRP, FIONREAD,
	    FIONBIO, FIOCLEX, FIONCLEX);
}

static void
prctl_rule(struct making *m, int nr)
{
	ALLOW_EACH(m, nr, 0, PR_SET_NAME, PR_GET_NAME, PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS,
	    PR_SET_PDEATHSIG, PR_GET_PDEATHSIG, PR_SET_DUMPABLE, PR_GET_DUMPABLE, PR_SET_VMA,
	    PR_CAPBSET_READ, PR_GET_SECCOMP, PR_GET_KEEPCAPS);
}

static void
prlimit64_rule(struct making *m, int nr)
{
	allow_if(m, nr, SCMP_CMP64(0, SCMP_CMP_EQ, 0));
}

static void
clone_rule(struct making *m, int nr)
{
	allow_if(m, nr, SCMP_CMP64(0, SCMP_CMP_MASKED_EQ, NAMESPACES, 0));
}

static void
socketpair_rule(struct making *m, int nr)
{
	allow_if(m, nr, SCMP_CMP64(0, SCMP_CMP_EQ, AF_UNIX));
}

static void
tgkill_rule(struct making *m, int nr)
{
	rule(m, SCMP_ACT_ALLOW, nr, 0, NULL);	/* there are only the jail's own processes */
}

static void
socket_of(struct making *m, int nr, int domain, unsigned types)
{
	for (unsigned t = 0; t < TYPES; t++) {
		const struct scmp_arg_cmp args[] = {
			SCMP_CMP64(0, SCMP_CMP_EQ, (uint64_t)domain),
			SCMP_CMP64(1, SCMP_CMP_MASKED_EQ, TYPE_MASK, t),
		};

		rule(m, types & (1u << t) ? SCMP_ACT_ALLOW : SCMP_ACT_NOTIFY, nr, 2, args);
	}
}

/* What `net` does not give is not only refused but told to the runner, which answers EACCES and
 * counts: a tool's own words are no evidence (J6).  A list of hosts gives the sockets of loopback: where they
 * lead to is decided outside of the jail.  With the host's network its abstract sockets are in
 * reach, and before Landlock ABI 6 only this filter stands before them: no unix sockets there. */
static void
socket_rule(struct making *m, int nr)
{
	const unsigned	usual = 1u << SOCK_STREAM | 1u << SOCK_DGRAM;

	m->listener = true;
	if (m->net == NET_NONE) {
		rule(m, SCMP_ACT_NOTIFY, nr, 0, NULL);
		return;
	}
	for (int domain = AF_UNSPEC; domain <= AF_INET6; domain++) {
		if (domain == AF_INET || domain == AF_INET6)
			socket_of(m, nr, domain, usual);
		else if (domain == AF_UNIX && m->net != NET_HOST)
			socket_of(m, nr, domain, usual | 1u << SOCK_SEQPACKET);
		else
			rule(m, SCMP_ACT_NOTIFY, nr, 1,
			    &SCMP_CMP64(0, SCMP_CMP_EQ, (uint64_t)domain));
	}
	rule(m, SCMP_ACT_NOTIFY, nr, 1, &SCMP_CMP64(0, SCMP_CMP_GT, AF_INET6));
}

static const struct {
	int	nr;
	void	(*make)(struct making *, int nr);
} checked[] = {
	{ __NR_mmap, mmap_rule },
	{ __NR_mprotect, mprotect_rule },
	{ __NR_fcntl, fcntl_rule },
	{ __NR_ioctl, ioctl_rule },
	{ __NR_prctl, prctl_rule },
	{ __NR_prlimit64, prlimit64_rule },
	{ __NR_clone, clone_rule },
	{ __NR_socketpair, socketpair_rule },
	{ __NR_tgkill, tgkill_rule },
	{ __NR_socket, socket_rule },
};
#define CHECKED	(sizeof(checked) / sizeof(checked[0]))

/* ---- the table --------------------------------------------------------------------------------- */

static void
call_rule(struct making *m, int nr, unsigned who)
{
	const unsigned	tier = m->tier == TIER_STRICT ? BY_STRICT : BY_RUNTIME;
	size_t		i;

	if ((who & tier) == 0)
		return;
	if ((who & BY_ARGS) == 0) {
		rule(m, SCMP_ACT_ALLOW, nr, 0, NULL);
		return;
	}
	for (i = 0; i < CHECKED && checked[i].nr != nr; i++)
		;
	BUG_ON(i == CHECKED);	/* a row with BY_ARGS has its rule above */
	checked[i].make(m, nr);
}

/* A rule that repeats the default is refused by libseccomp. */
static void
soft_rule(struct making *m, int nr, int error)
{
	if (error != ENOSYS)
		rule(m, SCMP_ACT_ERRNO(error), nr, 0, NULL);
}

/* By the kernel's number, not by libseccomp's name: version 2.5.4 does not know newer calls. */
#define SYSCALL(name, who, reason)		call_rule(m, __NR_##name, (who));
#define SYSCALL_SOFT(name, error, reason)	soft_rule(m, __NR_##name, (error));
#ifdef __x86_64__
#define SYSCALL_X86(name, who, reason)		SYSCALL(name, who, reason)
#define SYSCALL_SOFT_X86(name, error, reason)	SYSCALL_SOFT(name, error, reason)
#else
#define SYSCALL_X86(name, who, reason)
#define SYSCALL_SOFT_X86(name, error, reason)
#endif

static void
table_rules(struct making *m)
{
#include "tables/syscalls.def"
}

static int
export(struct making *m, struct filter *out)
{
	size_t	bytes;
	char	*code = NULL;
	int	 fd, r;

	if ((r = fd_memfd("filter", &fd)) != 0)
		return r;
	if ((m->error = seccomp_export_bpf(m->ctx, fd)) != 0 || lseek(fd, 0, SEEK_SET) == -1)
		r = E_SYS;
	else
		r = fd_read_all(fd, FILTER_MAX * sizeof(struct rec_bpf), &code, &bytes);
	fd_close(&fd);
	if (r != 0)
		return r;
	out->code = (struct rec_bpf *)(void *)code;
	out->count = bytes / sizeof(struct rec_bpf);
	return 0;
}

static int
make_once(enum jail_tier tier, enum jail_net net, struct filter *out)
{
	static const char *const	nets[] = { [NET_NONE] = "none", [NET_LOOPBACK] = "loopback",
					    [NET_HOST] = "host", [NET_LIST] = "list" };
	struct making			m = { .tier = tier, .net = net };
	int				r;

	*out = (struct filter){ 0 };
	if ((tier != TIER_RUNTIME && tier != TIER_STRICT) || net < NET_NONE || net > NET_LIST)
		return E_RANGE;
	/* Said rather than tried out: asking the kernel is a call the compiler may not make. */
	if (seccomp_api_set(API_LEVEL) != 0)
		return E_SYS;
	if ((m.ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS))) == NULL)
		return E_NOMEM;
	m.error = seccomp_attr_set(m.ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (m.error == 0)
		m.error = seccomp_attr_set(m.ctx, SCMP_FLTATR_CTL_OPTIMIZE, TREE);
	table_rules(&m);
	r = m.error == 0 ? export(&m, out) : E_SYS;
	if (r == E_SYS && m.error < 0)
		errno = -m.error;
	seccomp_release(m.ctx);
	if (r != 0)
		return r;
	out->listener = m.listener;
	snprintf(out->name, sizeof(out->name), "%s/%s", tier == TIER_STRICT ? "strict" : "runtime", nets[net]);
	return 0;
}

int
filter_make(enum jail_tier tier, enum jail_net net, struct filter *out)
{
	struct filter	again;
	int		r;

	/* libseccomp does not say each time that it had no memory: what it made then lacks rules. */
	if ((r = make_once(tier, net, out)) != 0 || (r = make_once(tier, net, &again)) != 0) {
		filter_fini(out);
		return r;
	}
	if (again.count != out->count || memcmp(again.code, out->code, out->count * sizeof(*out->code)) != 0) {
		filter_fini(out);
		r = E_NOMEM;
	}
	filter_fini(&again);
	return r;
}

void
filter_fini(struct filter *f)
{
	free(f->code);
	*f = (struct filter){ 0 };
}
