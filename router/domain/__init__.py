"""Pure routing rules: no I/O, every branch testable."""
