$(call unit,http,tests/unit/wire http lib,event_core)
