$(call archive,tests/fault,check.c story.c load.c world.c inject.c lies.c stores.c)
# A Criterion program of tests/fault, over the archive and the harness; `make fault` and `make check` run them.
define fault_rule
FAULTS += $(BUILD)/tests/fault/$(1)
OBJECTS += $(BUILD)/tests/fault/$(1).o
$(BUILD)/tests/fault/$(1): $(BUILD)/tests/fault/$(1).o $(BUILD)/tests/fault/libfault.a $(BUILD)/tests/harness/libharness.a \
    $(SANITIZER_UNIT) $(call archives,auth policy lib)
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) $$(OUR_LDFLAGS) $$(CFLAGS) $$(NO_LTO) $$(LDFLAGS) -o $$@ $$(filter %.o,$$^) $$(filter %.a,$$^) \
	    -ljson-c -lssl -lcrypto -llmdb -lcriterion
endef
FAULTS		:=
$(foreach n,run config damage room locks compiler disk clock memory soak,$(eval $(call fault_rule,$(n))))
# That one is for hours: make soak.
FAULTS		:= $(filter-out %/soak,$(FAULTS))

# The library that tests load into the gateway's programs.
OBJECTS += $(BUILD)/tests/fault/preload.o
$(BUILD)/tests/fault/preload.o: OUR_CFLAGS += -fPIC -fno-builtin
$(BUILD)/tests/fault/lies.so: $(BUILD)/tests/fault/preload.o
	$(call say,LINK,$@)
	$(Q)$(CC) -shared $(CFLAGS) $(NO_LTO) $(LDFLAGS) -o $@ $< -ldl
$(FAULTS) $(BUILD)/tests/fault/soak: | $(BUILD)/tests/fault/lies.so
