/* SPDX-License-Identifier: Apache-2.0
 *
 * seccomp.c - role filters expanded from tables/syscalls.def, loading of any filter
 *
 * Process: every process of ours, before READY; the in-jail init; the branch that becomes a tool.
 * Owns:    nothing.
 * Trusts:  the table.  Programs of tools come from a snapshot and are the kernel's to verify.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/bug.h"
#include "sandbox/seccomp.h"

#if defined(__x86_64__)
#define NATIVE_ARCH	AUDIT_ARCH_X86_64
#define X32_BIT		0x40000000u
#define SYSCALL_X86(name, who, reason)		SYSCALL(name, who, reason)
#elif defined(__aarch64__)
#define NATIVE_ARCH	AUDIT_ARCH_AARCH64
#define SYSCALL_X86(name, who, reason)
#else
#error "no table of system calls for this machine"
#endif
#define SYSCALL_SOFT(name, error, reason)
#define SYSCALL_SOFT_X86(name, error, reason)

/* MCPGW_CONFINE_KILL is for finding gaps: the call that misses its row is in the core's siginfo. */
#ifdef MCPGW_CONFINE_KILL
#define REFUSED		SECCOMP_RET_KILL_PROCESS
#else
#define REFUSED		(SECCOMP_RET_ERRNO | ENOSYS)
#endif

#define PROGRAM_MAX	640

static const struct call {
	int		 nr;
	unsigned	 who;
	const char	*name;
} calls[] = {
#define SYSCALL(call, who, reason) { __NR_##call, (who), #call },
#include "tables/syscalls.def"
#undef SYSCALL
};
#define CALLS	(sizeof(calls) / sizeof(calls[0]))

static int	installed;

struct program {
	struct sock_filter	code[PROGRAM_MAX];
	size_t			count;
};

static void
put(struct program *p, struct sock_filter f)
{
	BUG_ON(p->count == PROGRAM_MAX);
	p->code[p->count++] = f;
}

static void
put_load(struct program *p, size_t offset)
{
	put(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void
put_return(struct program *p, uint32_t action)
{
	put(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

static void
put_if_call(struct program *p, int nr, uint8_t skip_unless)
{
	put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, skip_unless));
}

static size_t
argument(unsigned n)
{
	return offsetof(struct seccomp_data, args) + n * sizeof(uint64_t);	/* the low word: we are little-endian */
}

/* mmap and mprotect: no PROT_EXEC. */
static void
put_no_new_code(struct program *p, int nr)
{
	put_if_call(p, nr, 4);
	put_load(p, argument(2));
	put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1));
	put_return(p, REFUSED);
	put_return(p, SECCOMP_RET_ALLOW);
}

/* tgkill: only this process, for abort(). */
static void
put_only_self(struct program *p, int nr)
{
	put_if_call(p, nr, 4);
	put_load(p, argument(0));
	put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)getpid(), 1, 0));
	put_return(p, REFUSED);
	put_return(p, SECCOMP_RET_ALLOW);
}

static void
program_make(struct program *p, enum seccomp_set role)
{
	unsigned	who = role;

	p->count = 0;
	if (role == BY_SPAWNER)
		who |= BY_TOOLS;	/* inherited by the tools, whose own filter is tighter */
	put_load(p, offsetof(struct seccomp_data, arch));
	put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0));
	put_return(p, SECCOMP_RET_KILL_PROCESS);
	put_load(p, offsetof(struct seccomp_data, nr));
#ifdef X32_BIT
	put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1));
	put_return(p, SECCOMP_RET_KILL_PROCESS);
#endif
	for (size_t i = 0; i < CALLS; i++) {
		bool may_load_code = role == BY_SPAWNER || role == BY_COMPILE;

		if ((calls[i].who & who) == 0)
			continue;
		if ((calls[i].nr == __NR_mmap || calls[i].nr == __NR_mprotect) && !may_load_code)
			put_no_new_code(p, calls[i].nr);
		else if (calls[i].nr == __NR_tgkill && role != BY_SPAWNER)
			put_only_self(p, calls[i].nr);
		else {
			put_if_call(p, calls[i].nr, 1);
			put_return(p, SECCOMP_RET_ALLOW);
		}
	}
	put_return(p, REFUSED);
}

int
seccomp_install(const struct sock_filter *code, size_t count, unsigned flags, int *listener)
{
	struct sock_fprog	program;
	long			r;

	if (count == 0 || count > BPF_MAXINSNS) {
		errno = EINVAL;
		return E_SYS;
	}
	program = (struct sock_fprog){ (unsigned short)count, (struct sock_filter *)(uintptr_t)code };
	if ((r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program)) == -1)
		return E_SYS;
	installed++;
	if (listener != NULL)
		*listener = (flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0 ? (int)r : -1;
	return 0;
}

int
seccomp_install_role(enum seccomp_set role)
{
	struct program	p;

	program_make(&p, role);
#ifdef MCPGW_SANITIZED
	return 0;		/* the sanitizers' own calls are not in the table */
#else
	return seccomp_install(p.code, p.count, SECCOMP_FILTER_FLAG_LOG, NULL);
#endif
}

int
seccomp_installed(void)
{
	return installed;
}

const char *
seccomp_call_name(int nr)
{
	for (size_t i = 0; i < CALLS; i++)
		if (calls[i].nr == nr)
			return calls[i].name;
	return "";
}
