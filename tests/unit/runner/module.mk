$(call unit,runner,sandbox/runner mcp sandbox policy ipc lib,event_core)
$(BUILD)/tests/unit/runner/unit: | $(BUILD)/libexec/mcpgw/mcpgw-runner $(BUILD)/tests/lying-server $(BUILD)/tests/puppet-server $(BUILD)/tests/native-tool
