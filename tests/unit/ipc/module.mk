$(call unit,ipc,ipc lib,event_core)
