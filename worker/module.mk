$(call archive,worker,$(filter-out main.c,$(patsubst worker/%,%,$(wildcard worker/*.c worker/*/*.c))))
$(call program,libexec/mcpgw/mcpgw-worker,worker,main.c,worker upstream oauth auth mcp audit shm policy ipc http sandbox lib,event_core ssl crypto m)
