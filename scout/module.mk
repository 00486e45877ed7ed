# All but main, so that unit tests link it.
$(call archive,scout,account.c accounts.c control.c keyfetch.c keysets.c knock.c login.c names.c trip.c \
	vault.c vaultask.c vaultread.c visits.c)
$(call program,libexec/mcpgw/mcpgw-scout,scout,main.c,scout oauth upstream auth policy ipc http sandbox lib,event_core ssl crypto cares)
