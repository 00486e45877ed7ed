$(call unit,egress,tests/harness tests/unit/child sandbox/egress audit policy ipc http sandbox lib,event_core crypto cares)
$(BUILD)/tests/unit/egress/unit: | $(BUILD)/libexec/mcpgw/mcpgw-egress
