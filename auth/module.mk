$(call archive,auth,claims.c front.c identify.c issuers.c jwk.c jws.c jwt.c tokens.c)
