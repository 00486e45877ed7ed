$(call unit,ctl,ctl ctl/import ctl mcp sandbox ipc policy lib,crypto)
$(BUILD)/tests/unit/ctl/unit: | $(BUILD)/bin/mcpgwctl
