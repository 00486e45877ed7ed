$(call archive,policy,snap.c build.c swap.c params.c policy.c decide.c reach.c guard.c slots.c words.c)
