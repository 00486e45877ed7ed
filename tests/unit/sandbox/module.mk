$(call unit,sandbox,policy/compiler sandbox lib,seccomp)
