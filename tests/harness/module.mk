$(call archive,tests/harness,client.c procs.c gateway.c mcp.c bridge.c hearing.c lying.c outside.c testca.c front.c program.c nameserver.c)
