"""The stages as the command line runs them, one a file: files in, files out."""
