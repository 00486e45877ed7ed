$(call unit,ctl,ctl ctl/import ctl sandbox ipc policy lib,crypto)
$(BUILD)/tests/unit/ctl/unit: | $(BUILD)/bin/mcpgwctl
