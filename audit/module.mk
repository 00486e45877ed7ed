$(call archive,audit,record.c requestid.c spool.c segment.c chain.c db.c db_read.c)
