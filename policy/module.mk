$(call archive,policy,guard.c listens.c snap.c renumber.c build.c swap.c params.c policy.c decide.c reach.c slots.c words.c)
