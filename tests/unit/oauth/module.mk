$(call unit,oauth,tests/harness oauth auth lib,crypto json-c)
