$(call program,tests/private-gateway,tests/private,main.c,ctl ctl/import ctl mcp sandbox ipc policy lib,crypto)
