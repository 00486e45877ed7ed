$(call unit,ctl,ctl ipc policy lib,crypto)
$(BUILD)/tests/unit/ctl/unit: | $(BUILD)/bin/mcpgwctl
