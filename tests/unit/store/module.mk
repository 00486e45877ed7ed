$(call unit,store,tests/unit/child policy/compiler store auth shm policy ipc sandbox lib,seccomp yaml lmdb crypto event_core)
$(BUILD)/tests/unit/store/unit: | $(BUILD)/libexec/mcpgw/mcpgw-store
