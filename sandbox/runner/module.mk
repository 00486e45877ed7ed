$(call program,libexec/mcpgw/mcpgw-runner,sandbox/runner,$(notdir $(wildcard sandbox/runner/*.c)),sandbox policy ipc lib,event_core)
