# What tries and what is tried are installed: mcpgwctl selftest --jail.
TRIES := try_files.c try_kernel.c try_net.c try_process.c try_resources.c
$(call program,libexec/mcpgw/mcpgw-selftest,tests/escape,run.c tell.c trial.c planted.c table.c,policy/compiler sandbox lib,seccomp)
$(call program,libexec/mcpgw/mcpgw-selftest-attempt,tests/escape,attempt.c $(TRIES),,)
$(call program,tests/escape/layers,tests/escape,layers.c trial.c planted.c table.c,policy/compiler sandbox lib,seccomp)
$(call program,tests/escape/mcpgw-selftest-attempt,tests/escape,attempt.c $(TRIES),,)
$(call program,tests/escaping-server,tests/escape,serve.c $(TRIES),lib,)
$(BUILD)/tests/integration/j2_escape: $(BUILD)/tests/escape/table.o $(BUILD)/tests/escape/planted.o $(BUILD)/lib/liblib.a
$(call check,libexec/mcpgw/mcpgw-selftest)
$(call check,tests/escape/layers)
$(BUILD)/tests/escape/reduced: tests/escape/reduced $(BUILD)/libexec/mcpgw/mcpgw-selftest
	$(Q)mkdir -p $(@D) && cp $< $@
$(call check,tests/escape/reduced)
