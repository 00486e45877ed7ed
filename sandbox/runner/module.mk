$(call archive,sandbox/runner,about.c ask.c boot.c call.c control.c feed.c greet.c handshake.c incoming.c instance.c lease.c lines.c listen.c memory.c native.c native_answer.c native_args.c native_jail.c noise.c note.c pipes.c place.c refusals.c reply.c ring.c server.c share.c subscribe.c tidings.c tool.c wlink.c)
$(call program,libexec/mcpgw/mcpgw-runner,sandbox/runner,main.c,sandbox/runner mcp sandbox policy ipc lib,event_core)
$(call fuzzer,lines,sandbox/runner mcp sandbox policy ipc lib,event_core)
$(call fuzzer,reply,sandbox/runner mcp sandbox policy ipc lib,event_core)
