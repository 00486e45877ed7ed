$(call program,tests/escape/attempt,tests/escape,attempt.c try_files.c try_kernel.c try_net.c try_process.c,,)
$(call program,tests/escape/run,tests/escape,run.c,policy/compiler sandbox lib,seccomp)
$(call check,tests/escape/run)
