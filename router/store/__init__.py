"""State in Redis: one Lua file per transition, one typed function per script."""
