$(call program,tests/lying-server,tests/servers,lying.c,lib,)
$(call program,tests/lying-http,tests/servers,lying_http.c,lib,)
$(call program,tests/listing-server,tests/servers,listing.c,lib,)
$(call program,tests/objects-server,tests/servers,objects.c,lib,)
