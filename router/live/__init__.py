"""What a site looks like now, kept up by its events: for the live view and for metrics."""
