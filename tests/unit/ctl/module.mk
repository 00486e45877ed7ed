$(call unit,ctl,ctl mcp ipc policy lib,crypto)
$(BUILD)/tests/unit/ctl/unit: | $(BUILD)/bin/mcpgwctl
