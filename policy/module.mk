$(call archive,policy,guard.c snap.c renumber.c build.c swap.c params.c policy.c decide.c tenants.c when.c \
	reach.c slots.c words.c)
