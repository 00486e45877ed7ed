$(call unit,auth,tests/harness auth policy lib,crypto json-c)
