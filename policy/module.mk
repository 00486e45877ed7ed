$(call archive,policy,build.c changes.c decide.c guard.c params.c policy.c reach.c renumber.c roles.c snap.c slots.c swap.c \
	tenants.c when.c words.c)
