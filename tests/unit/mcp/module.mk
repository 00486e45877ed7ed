$(call unit,mcp,mcp lib,crypto m)
