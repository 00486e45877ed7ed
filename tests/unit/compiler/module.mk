$(call unit,compiler,tests/harness policy/compiler auth policy ipc sandbox lib,seccomp yaml event_core crypto)
$(BUILD)/tests/unit/compiler/unit: | $(BUILD)/libexec/mcpgw/mcpgw-compile
