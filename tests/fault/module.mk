$(call archive,tests/fault,check.c story.c load.c world.c inject.c)
# A Criterion program of tests/fault, over the archive and the harness; `make fault` and `make check` run them.
define fault_rule
FAULTS += $(BUILD)/tests/fault/$(1)
OBJECTS += $(BUILD)/tests/fault/$(1).o
$(BUILD)/tests/fault/$(1): $(BUILD)/tests/fault/$(1).o $(BUILD)/tests/fault/libfault.a $(BUILD)/tests/harness/libharness.a \
    $(SANITIZER_UNIT) $(call archives,auth policy lib)
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) $$(OUR_LDFLAGS) $$(CFLAGS) $$(NO_LTO) $$(LDFLAGS) -o $$@ $$(filter %.o,$$^) $$(filter %.a,$$^) \
	    -ljson-c -lssl -lcrypto -lcriterion
endef
FAULTS		:=
$(foreach n,run config damage disk,$(eval $(call fault_rule,$(n))))
