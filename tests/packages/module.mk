$(call program,tests/fetch-packages,tests/packages,main.c,ctl ctl/import ctl http sandbox mcp ipc policy lib,crypto)
