$(call archive,tests/unit/wire,wire.c)
