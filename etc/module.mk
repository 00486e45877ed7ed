# The sample configuration, with every parameter and its default.
$(BUILD)/etc/mcpgw.conf.default: etc/mcpgw.conf.in tables/params.def tools/man-table
	$(call say,SAMPLE,$@)
	$(Q)mkdir -p $(@D)
	$(Q)tools/man-table $< >$@

all: $(BUILD)/etc/mcpgw.conf.default

# What is known of packages; where mcpgwctl looks in an installation, it looks in the build folder too.
PROFILES := $(patsubst etc/%,$(BUILD)/share/mcpgw/%,$(sort $(wildcard etc/profiles.d/*.json)))
$(BUILD)/share/mcpgw/profiles.d/%: etc/profiles.d/%
	$(Q)mkdir -p $(@D) && cp $< $@

all: $(PROFILES)
