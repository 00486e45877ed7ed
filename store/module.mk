$(call archive,store,fetched.c grantdb.c keydb.c pindb.c pinsnap.c)
$(call program,libexec/mcpgw/mcpgw-store,store,main.c grants.c offline.c pins.c,store policy ipc sandbox lib,lmdb crypto event_core)
