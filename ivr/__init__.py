"""What a caller hears and presses; provider adapters."""
