$(call unit,fault,tests/fault tests/harness lib,json-c)
