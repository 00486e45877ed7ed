$(call program,bench/bench-upstream,bench,upstream.c,,)
$(call program,bench/bench-load,bench,load.c,,)
