$(call archive,tests/unit/child,child.c)
