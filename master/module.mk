$(call archive,master,$(filter-out main.c,$(notdir $(wildcard master/*.c))))
$(call program,bin/mcpgw,master,main.c,master ipc policy shm sandbox lib,event_core)
