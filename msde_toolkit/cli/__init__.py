"""The command line: parses, calls the library, renders with rich. Nothing heavy is imported before a command runs."""
