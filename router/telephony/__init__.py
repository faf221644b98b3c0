"""Carries out what the engine decided: each action of a call once, in the order it was decided."""
