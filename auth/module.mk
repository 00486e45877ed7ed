$(call archive,auth,front.c identify.c)
