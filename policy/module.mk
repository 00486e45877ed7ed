$(call archive,policy,changes.c endpoints.c guard.c listens.c peers.c roles.c scopes.c search.c snap.c \
	renumber.c build.c swap.c params.c policy.c quotatext.c decide.c tenants.c when.c reach.c slots.c \
	words.c)
