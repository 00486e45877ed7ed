$(call archive,store,barredb.c familycount.c familydb.c fetched.c grantdb.c keychange.c keycodec.c keydb.c meta.c pindb.c pinsnap.c quotadb.c \
	tokendb.c)
$(call program,libexec/mcpgw/mcpgw-store,store,grants.c keys.c main.c offline.c pins.c quotas.c sessions.c tokens.c,store \
	auth shm policy ipc sandbox lib,lmdb crypto event_core)
