$(call unit,audit,audit/auditor audit lib,lmdb crypto event_core)
