$(call archive,sandbox,jail.c inside.c init.c ns.c net.c hand.c mount.c root.c etc.c rlimit.c landlock.c caps.c \
	seccomp.c notify.c probe.c confine.c cgroup.c tree.c strays.c reduced.c)
