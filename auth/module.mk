$(call archive,auth,identify.c)
