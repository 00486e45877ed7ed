$(call archive,tests/harness,client.c documents.c exposition.c failing.c front.c nameserver.c procs.c \
	gateway.c mcp.c bridge.c hearing.c lying.c outside.c overtls.c ownnet.c program.c signer.c steady.c \
	testca.c transcript.c vault.c)
