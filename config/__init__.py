"""The site's plan as YAML, and the typed models that load it."""
