$(call unit,worker,tests/unit/wire master worker upstream oauth auth mcp audit shm policy ipc http sandbox lib,event_core ssl crypto m)
