$(call unit,scout,tests/harness scout oauth upstream auth policy ipc http sandbox lib,event_core ssl crypto cares json-c)
$(BUILD)/tests/unit/scout/unit: | $(BUILD)/tests/dns-server
