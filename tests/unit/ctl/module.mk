$(call unit,ctl,ctl ctl/import ctl oauth http sandbox mcp ipc policy lib,crypto yaml)
$(BUILD)/tests/unit/ctl/unit: | $(BUILD)/bin/mcpgwctl
