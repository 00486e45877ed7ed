$(call unit,lib,lib,crypto event_core json-c)
