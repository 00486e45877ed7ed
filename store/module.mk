$(call archive,store,fetched.c grantdb.c keychange.c keycodec.c keydb.c pindb.c pinsnap.c quotadb.c tokendb.c)
$(call program,libexec/mcpgw/mcpgw-store,store,grants.c keys.c main.c offline.c pins.c quotas.c tokens.c,store auth \
	shm policy ipc sandbox lib,lmdb crypto event_core)
