$(call unit,lib,lib,lmdb crypto event_core json-c yaml)
