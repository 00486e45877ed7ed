$(call unit,upstream,tests/harness upstream mcp policy http shm lib,event_core ssl crypto cares json-c)
# The servers that the tests call stand two folders above their program.
$(BUILD)/tests/unit/upstream/unit: | $(BUILD)/tests/lying-http $(BUILD)/tests/lying-sse $(BUILD)/tests/tls-front \
    $(BUILD)/tests/documents-server $(BUILD)/tests/dns-server
