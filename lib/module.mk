$(call archive,lib,$(notdir $(wildcard lib/*.c)))
