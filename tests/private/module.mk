$(call program,tests/private-gateway,tests/private,main.c,ctl ctl/import ctl http sandbox mcp ipc policy lib,crypto)
