$(call unit,shm,shm lib,)
