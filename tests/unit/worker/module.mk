$(call unit,worker,worker mcp http lib,event_core)
