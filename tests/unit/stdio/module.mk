$(call unit,stdio,stdio mcp http sandbox lib,)
