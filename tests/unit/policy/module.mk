$(call unit,policy,policy lib)
