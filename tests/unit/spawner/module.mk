$(call unit,spawner,sandbox/spawner policy/compiler sandbox policy ipc lib,seccomp yaml crypto)
$(BUILD)/tests/unit/spawner/unit: | $(BUILD)/libexec/mcpgw/mcpgw-spawn
