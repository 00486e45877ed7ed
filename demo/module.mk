$(call program,demo/mcpgw-demo-clock,demo,clock.c serve.c http.c,lib,)
$(call program,demo/mcpgw-demo-notes,demo,notes.c serve.c http.c,lib,)
