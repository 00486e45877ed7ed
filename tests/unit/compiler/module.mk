$(call unit,compiler,policy/compiler policy ipc sandbox lib,seccomp yaml event_core)
$(BUILD)/tests/unit/compiler/unit: | $(BUILD)/libexec/mcpgw/mcpgw-compile
