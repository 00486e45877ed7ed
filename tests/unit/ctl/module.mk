$(call unit,ctl,ctl ctl/import ctl sandbox mcp ipc policy lib,crypto yaml)
$(BUILD)/tests/unit/ctl/unit: | $(BUILD)/bin/mcpgwctl
