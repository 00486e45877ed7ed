$(call archive,store,fetched.c keydb.c pindb.c pinsnap.c)
$(call program,libexec/mcpgw/mcpgw-store,store,main.c offline.c pins.c,store policy ipc sandbox lib,lmdb crypto event_core)
