"""What a caller hears and presses, in one vocabulary; one adapter per provider translates it."""
