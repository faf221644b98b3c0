"""What a transition costs, in units of a floor script measured beside it on the same server."""
