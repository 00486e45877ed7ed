$(call archive,ctl,$(filter-out main.c import/%,$(patsubst ctl/%,%,$(wildcard ctl/*.c ctl/*/*.c))))
# Commands are found by the table in ctl, and use what is there: so ctl stands on both sides.
$(call program,bin/mcpgwctl,ctl,main.c,ctl ctl/import ctl oauth http sandbox mcp ipc policy lib,crypto yaml)
