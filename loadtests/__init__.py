"""Load: locust users, shapes and a verdict after the run."""
