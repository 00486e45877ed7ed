$(call archive,sandbox/runner,about.c boot.c call.c control.c feed.c greet.c handshake.c incoming.c instance.c lines.c memory.c pipes.c place.c ring.c server.c tool.c wlink.c)
$(call program,libexec/mcpgw/mcpgw-runner,sandbox/runner,main.c,sandbox/runner mcp sandbox policy ipc lib,event_core)
$(call fuzzer,lines,sandbox/runner mcp sandbox policy ipc lib,event_core)
