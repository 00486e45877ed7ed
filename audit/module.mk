$(call archive,audit,record.c requestid.c spool.c segment.c chain.c pending.c times.c db.c db_write.c db_read.c)
$(call archive,audit/auditor,sources.c groups.c import.c options.c row.c query.c jsonl.c)
$(call program,libexec/mcpgw/mcpgw-audit,audit/auditor,main.c,audit/auditor audit ipc sandbox lib,lmdb crypto event_core)
