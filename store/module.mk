$(call archive,store,keychange.c keycodec.c keydb.c pindb.c pinsnap.c)
$(call program,libexec/mcpgw/mcpgw-store,store,keys.c main.c offline.c pins.c,store policy ipc sandbox lib,lmdb crypto event_core)
