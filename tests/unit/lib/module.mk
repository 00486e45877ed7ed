$(call unit,lib,tests/harness lib,lmdb crypto event_core json-c yaml)
