$(call program,tests/lying-server,tests/servers,lying.c,lib,)
