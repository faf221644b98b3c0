"""Runs a recorded trace through the engine in virtual time and says what would have happened."""
