$(call archive,auth,identify.c issuers.c jwk.c jws.c jwt.c tokens.c)
