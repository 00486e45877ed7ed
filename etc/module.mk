# The sample configuration, with every parameter and its default.
$(BUILD)/etc/mcpgw.conf.default: etc/mcpgw.conf.in tables/params.def tools/man-table
	$(call say,SAMPLE,$@)
	$(Q)mkdir -p $(@D)
	$(Q)tools/man-table $< >$@

all: $(BUILD)/etc/mcpgw.conf.default
