$(call unit,admin,tests/harness admin auth shm policy ipc http sandbox lib,event_core crypto)
