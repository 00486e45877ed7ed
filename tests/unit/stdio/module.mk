$(call unit,stdio,stdio mcp http lib,)
