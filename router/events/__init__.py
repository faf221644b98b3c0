"""Readers of a site's event stream, each a consumer group of its own."""
