"""Tables and loss curves to figures, one figure a file: the same bytes from the same runs."""
