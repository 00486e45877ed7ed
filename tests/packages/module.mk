$(call program,tests/fetch-packages,tests/packages,main.c,ctl ctl/import ctl sandbox mcp ipc policy lib,crypto)
