$(call archive,upstream,$(notdir $(wildcard upstream/*.c)))
