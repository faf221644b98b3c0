"""The HTTP service: one file per resource, and the rules they all share."""
