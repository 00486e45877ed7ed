$(call program,libexec/mcpgw/mcpgw-spawn,sandbox/spawner,main.c boot.c offer.c plan.c spawn.c state.c,sandbox policy ipc lib,)
