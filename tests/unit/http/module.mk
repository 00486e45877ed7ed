$(call unit,http,tests/harness tests/unit/wire http lib,event_core ssl crypto)
