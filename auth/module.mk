$(call archive,auth,claims.c front.c identify.c issuers.c jwk.c jws.c jws_sign.c jwt.c keyset.c keysets.c \
	own.c sign.c stands.c tokens.c users.c)
