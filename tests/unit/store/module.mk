$(call unit,store,tests/unit/child store auth shm policy ipc lib,lmdb crypto event_core)
$(BUILD)/tests/unit/store/unit: | $(BUILD)/libexec/mcpgw/mcpgw-store
