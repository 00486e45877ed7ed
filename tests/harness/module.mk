$(call archive,tests/harness,client.c exposition.c front.c procs.c gateway.c mcp.c bridge.c hearing.c \
	lying.c outside.c signer.c testca.c transcript.c)
