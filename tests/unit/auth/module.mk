$(call unit,auth,auth policy lib,crypto)
