$(call unit,ctl,ctl ipc policy lib,crypto yaml)
$(BUILD)/tests/unit/ctl/unit: | $(BUILD)/bin/mcpgwctl
