$(call program,tests/private-gateway,tests/private,main.c,ctl ctl/import ctl sandbox mcp ipc policy lib,crypto)
