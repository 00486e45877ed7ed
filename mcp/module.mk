$(call archive,mcp,$(notdir $(wildcard mcp/*.c)))
