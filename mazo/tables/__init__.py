"""Records and samples to tables, one table a file: the same bytes from the same runs, costs apart."""
