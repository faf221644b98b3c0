"""What is measured: definitions, counting along the event stream, and one truth for every process to show."""
