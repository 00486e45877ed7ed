$(call unit,worker,worker http lib,event_core)
