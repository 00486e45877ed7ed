$(call unit,audit,tests/unit/child audit/auditor audit ipc lib,lmdb crypto event_core)
$(BUILD)/tests/unit/audit/unit: | $(BUILD)/libexec/mcpgw/mcpgw-audit
