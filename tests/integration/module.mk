$(call integration,$(patsubst tests/integration/%.c,%,$(sort $(wildcard tests/integration/*.c))),json-c ssl crypto)
