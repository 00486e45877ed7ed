# All but main, so that unit tests link it.
$(call archive,sandbox/spawner,boot.c egress.c helper.c leaf.c native.c offer.c plan.c private.c quota.c reduce.c \
	spawn.c state.c)
$(call program,libexec/mcpgw/mcpgw-spawn,sandbox/spawner,main.c,sandbox/spawner sandbox policy ipc lib,)
