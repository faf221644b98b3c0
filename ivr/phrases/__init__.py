"""What is spoken, one file per language. Adding a language is adding a file."""
