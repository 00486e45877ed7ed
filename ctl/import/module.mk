$(call archive,ctl/import,$(notdir $(wildcard ctl/import/*.c)))
