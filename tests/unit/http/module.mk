$(call unit,http,tests/harness http lib,event_core ssl crypto)
