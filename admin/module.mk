$(call archive,admin,ask.c control.c health.c scrape.c serve.c)
$(call program,libexec/mcpgw/mcpgw-admin,admin,main.c,admin auth shm policy ipc http sandbox lib,event_core crypto)
