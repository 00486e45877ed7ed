$(call unit,http,http lib,event_core)
