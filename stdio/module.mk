$(call archive,stdio,$(filter-out main.c,$(notdir $(wildcard stdio/*.c))))
$(call program,bin/mcpgw-stdio,stdio,main.c,stdio mcp http sandbox lib,)
