"""Asterisk over ARI: its WebSocket in both directions, its commands, and a player that speaks our scripts on it."""
