$(call archive,worker,accept.c conn.c conn_set.c wire.c)
