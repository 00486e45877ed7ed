$(call program,tests/lying-server,tests/servers,lying.c,lib,)
$(call program,tests/lying-http,tests/servers,lying_http.c,lib,)
$(call program,tests/puppet-server,tests/servers,puppet.c,lib,)
$(call program,tests/listing-server,tests/servers,listing.c,lib,)
