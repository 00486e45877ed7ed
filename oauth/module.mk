$(call archive,oauth,$(notdir $(wildcard oauth/*.c)))
