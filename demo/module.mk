$(call program,demo/mcpgw-demo-clock,demo,clock.c serve.c,lib,)
$(call program,demo/mcpgw-demo-notes,demo,notes.c serve.c,lib,)
