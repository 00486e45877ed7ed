# All but main, so that unit tests link it.
$(call archive,scout,control.c keyfetch.c keysets.c names.c visits.c)
$(call program,libexec/mcpgw/mcpgw-scout,scout,main.c,scout upstream auth policy ipc http sandbox lib,event_core ssl crypto cares)
