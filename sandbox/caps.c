/* SPDX-License-Identifier: Apache-2.0
 *
 * caps.c - give all capabilities away, for good
 *
 * Process: every process of ours, before READY; the in-jail init; the branch that becomes a tool.
 * Owns:    nothing.  Trusts: the kernel.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/caps.h"

#define LOCKED (SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |			\
	SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |	\
	SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

/* The master keeps what root's uid changes do to capabilities, since its children rely on it, and what root
 * gets at exec, since a new release of itself does. */
#define KEPT (SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

static bool
caps_may_set(void)
{
	struct __user_cap_header_struct	head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct	data[_LINUX_CAPABILITY_U32S_3];

	return syscall(SYS_capget, &head, data) == 0 &&
	    (data[CAP_TO_INDEX(CAP_SETPCAP)].effective & CAP_TO_MASK(CAP_SETPCAP)) != 0;
}

int
caps_drop(void)
{
	struct __user_cap_header_struct	head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct	none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (caps_may_set()) {
		/* Up to the kernel's last one, which may be newer than our headers'. */
		for (int cap = 0; cap < 64; cap++)
			if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == -1) {
				if (errno != EINVAL)
					return E_SYS;
				break;
			}
		if (prctl(PR_SET_SECUREBITS, LOCKED, 0, 0, 0) == -1)
			return E_SYS;
	}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1 && errno != EINVAL)
		return E_SYS;
	return syscall(SYS_capset, &head, none) == -1 ? E_SYS : 0;
}

int
caps_inherit(void)
{
	struct __user_cap_header_struct	head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct	data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &head, data) == -1)
		return E_SYS;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		data[i].inheritable = data[i].permitted;
	if (syscall(SYS_capset, &head, data) == -1)
		return E_SYS;
	for (int cap = 0; cap < 64; cap++)
		if ((data[CAP_TO_INDEX(cap)].permitted & CAP_TO_MASK(cap)) != 0 &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) == -1)
			return E_SYS;
	return 0;
}

static bool
among(int cap, const int *caps, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (caps[i] == cap)
			return true;
	return false;
}

int
caps_keep(const int *caps, size_t count)
{
	struct __user_cap_header_struct	head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct	data[_LINUX_CAPABILITY_U32S_3];
	uint32_t			keep[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 || syscall(SYS_capget, &head, data) == -1)
		return E_SYS;
	if (caps_may_set()) {
		for (int cap = 0; cap < 64; cap++)
			if (!among(cap, caps, count) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == -1) {
				if (errno != EINVAL)
					return E_SYS;
				break;
			}
		if (prctl(PR_SET_SECUREBITS, KEPT, 0, 0, 0) == -1)
			return E_SYS;
	}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1 && errno != EINVAL)
		return E_SYS;
	for (size_t i = 0; i < count; i++)
		keep[CAP_TO_INDEX(caps[i])] |= CAP_TO_MASK(caps[i]);
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].permitted &= keep[i];
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	return syscall(SYS_capset, &head, data) == -1 ? E_SYS : 0;
}
