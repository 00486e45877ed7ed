$(call unit,compiler,policy/compiler policy ipc sandbox lib,seccomp event_core)
