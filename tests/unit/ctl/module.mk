$(call unit,ctl,ctl mcp ipc policy lib,crypto yaml)
$(BUILD)/tests/unit/ctl/unit: | $(BUILD)/bin/mcpgwctl
