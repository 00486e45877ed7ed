$(call archive,ctl,$(filter-out main.c,$(notdir $(wildcard ctl/*.c))))
$(call program,bin/mcpgwctl,ctl,main.c,ctl mcp ipc policy lib,crypto yaml)
