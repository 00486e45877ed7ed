$(call program,bench/upstream,bench,upstream.c,,)
$(call program,bench/load,bench,load.c,,)
