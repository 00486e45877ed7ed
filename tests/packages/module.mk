$(call program,tests/fetch-packages,tests/packages,main.c,ctl ctl/import ctl mcp sandbox ipc policy lib,crypto)
