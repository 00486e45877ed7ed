$(call fuzzer,record,audit lib,crypto)
