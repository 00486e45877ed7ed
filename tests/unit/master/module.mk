$(call unit,master,master policy ipc shm sandbox lib,event_core)
$(BUILD)/tests/unit/master/unit: | $(BUILD)/bin/mcpgw $(BUILD)/libexec/mcpgw/mcpgw-compile \
	$(BUILD)/libexec/mcpgw/mcpgw-store $(BUILD)/libexec/mcpgw/mcpgw-audit \
	$(BUILD)/libexec/mcpgw/mcpgw-spawn $(BUILD)/libexec/mcpgw/mcpgw-runner
