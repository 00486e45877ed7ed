$(call archive,store,keydb.c)
$(call program,libexec/mcpgw/mcpgw-store,store,main.c offline.c,store policy ipc sandbox lib,lmdb crypto event_core)
