$(call archive,http,$(notdir $(wildcard http/*.c)))
