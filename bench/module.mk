$(call program,bench/bench-upstream,bench,upstream.c,,)
$(call program,bench/bench-load,bench,load.c,,ssl crypto)
$(call program,bench/bench-first,bench,first.c,,)
$(call program,bench/bench-jails,bench,jails.c,policy/compiler sandbox lib,seccomp)
$(call program,bench/bench-rules,bench,rules.c,policy/compiler auth policy ipc sandbox lib,seccomp yaml \
	crypto)
$(call program,bench/bench-fill,bench,fill.c,audit lib,lmdb crypto)
$(call program,bench/bench-flood,bench,flood.c,,)
