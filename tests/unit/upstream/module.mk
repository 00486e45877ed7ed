$(call unit,upstream,tests/harness upstream mcp policy http shm lib,event_core ssl crypto)
# The server that the tests call stands two folders above their program.
$(BUILD)/tests/unit/upstream/unit: | $(BUILD)/tests/lying-http $(BUILD)/tests/lying-sse $(BUILD)/tests/tls-front
